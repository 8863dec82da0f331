import type { CommandPayload, MlsPayload } from "@coterie/wire/slim";
import { refused } from "./mls-profile.ts";
import type { Received } from "./received.ts";

/** SML-32. */
export function mlsOf(payload: MlsPayload | undefined): MlsPayload {
  if (payload === undefined) throw refused("no-mls");
  return payload;
}

export function payloadOf<Kind extends CommandPayload["kind"]>(
  { content }: Received,
  kind: Kind,
): CommandPayload & { readonly kind: Kind } {
  if (content.kind !== "commandPayload" || content.value.kind !== kind) throw refused("payload");
  return content.value as CommandPayload & { readonly kind: Kind };
}
