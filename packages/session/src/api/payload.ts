import { toUtf8 } from "@coterie/base";
import type { Payload } from "../core/port.ts";
import { SessionError } from "../errors.ts";
import { metadataOf } from "./config/session.ts";
import type { Metadata } from "./config/session.ts";

/** What goes into a message. Text is for `toUtf8`, or a `TextEncoder`. */
export type Data = Uint8Array | ArrayBuffer;

/** SSN-09. */
const defaultPayloadType = "msg";
/** Released peers decode 4 MiB (SCN-03); the rest is for header, token, tag and names. */
const maxBytes = 4 * 1024 * 1024 - 16_384;

/** A copy: the caller may do with its own what it likes. Throws `session/bad-argument` or `session/too-large`. */
export function payloadOf(
  data: Data,
  payloadType: string | null | undefined,
  metadata: Metadata | null | undefined,
): Payload {
  const payload = bytesOf(data);
  const type = payloadType ?? defaultPayloadType;
  if (typeof type !== "string") {
    throw new SessionError("session/bad-argument", { what: "payloadType" });
  }
  const given = metadataOf(metadata);
  let size = payload.length + 3 * type.length;
  for (const [key, value] of given) size += toUtf8(key).length + toUtf8(value).length + 8;
  if (size > maxBytes) {
    throw new SessionError("session/too-large", { rule: "SCN-03", size, limit: maxBytes });
  }
  return { payload: payload.slice(), payloadType: type, metadata: given };
}

function bytesOf(data: Data): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  // of another realm, such as a test runner's
  if (Object.prototype.toString.call(data) === "[object ArrayBuffer]") {
    return new Uint8Array(data as ArrayBuffer);
  }
  throw new SessionError("session/bad-argument", { what: "payload" });
}
