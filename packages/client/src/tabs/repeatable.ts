import { systemRandom, toHex } from "@coterie/base";
import type { Call } from "./protocol.ts";

const reads =
  /^(?:get|list|fetch|find|is|can|count|stream|sync|hmac|debug|verify)|^(?:members|messages|metadata|lastMessage|lastReadTimes|permissions|decide|consentState|membershipState|inboxState|messageDisappearingSettings|duplicateDms|topic|register|publishMessages|publishStoredMessage|updateInstallations)$/;
/** Each sets something to what it already is if it was done before. */
const settings = /^(?:set|allow|deny|update|signWith)/;

/**
 * Whether a call whose answer was lost may be made again: it only reads, it sets what it would set again, or it is a message,
 * which carries the key that makes it one. All others, such as making a group, may have happened.
 */
export function isRepeatable({ target, method }: Call): boolean {
  if (target.kind === "conversation" && method.startsWith("send")) return true;
  if (target.kind === "client" && /Archive|Sync/.test(method)) return false;
  return reads.test(method) || settings.test(method);
}

/** Gives a message its key before it is sent for the first time, so that sending it again is the same message (XMS-03). */
export function withIdempotencyKey(call: Call): Call {
  if (call.target.kind !== "conversation" || !call.method.startsWith("send")) return call;
  const at = call.method === "sendReadReceipt" ? 0 : 1;
  const args = [...call.args];
  const options = (args[at] ?? {}) as { readonly idempotencyKey?: string };
  args[at] = {
    ...options,
    idempotencyKey: options.idempotencyKey ?? toHex(systemRandom.bytes(16)),
  };
  return { ...call, args };
}
