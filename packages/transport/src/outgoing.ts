import { Status, type Metadata } from "./transport.ts";
import { TransportError } from "./errors.ts";
import { isMetadataEntry } from "./headers.ts";

/** Throws `transport/bad-url` for what is no address of a node. */
export function parseUrl(text: string, protocols: readonly string[] = ["http:", "https:"]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSocket = url?.protocol === "unix:" && url.host === "" && url.pathname.length > 1;
  if (url !== undefined && protocols.includes(url.protocol) && (url.host !== "" || isSocket)) {
    return url;
  }
  throw new TransportError(Status.invalidArgument, { sent: "no", code: "transport/bad-url" });
}

/** Throws `transport/bad-metadata` for what could smuggle a second header in. */
export function checkMetadata(metadata: Metadata = {}): Metadata {
  for (const [name, value] of Object.entries(metadata)) {
    if (isMetadataEntry(name, value)) continue;
    throw new TransportError(Status.invalidArgument, {
      sent: "no",
      code: "transport/bad-metadata",
    });
  }
  return metadata;
}

/** A unary call was answered, with none or with several messages. */
export function notOneMessage(count: number): TransportError {
  return new TransportError(Status.internal, {
    sent: "answered",
    code: "transport/bad-frame",
    details: { rule: "XND-01", messages: count },
  });
}
