import { type InboxId, toHex, toUtf8 } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { type Identifier, identifierText, parseAddress } from "./identifiers.ts";

/** Nonce that the SDK uses unless told otherwise (XID-01). Inboxes of the previous protocol have 0. */
export const defaultNonce = 1n;

/** XID-01: SHA-256 over the identifier's text and the decimal nonce. Throws `identity/bad-identifier`. */
export function inboxIdOf(
  crypto: CryptoProvider,
  identifier: Identifier,
  nonce: bigint = defaultNonce,
): InboxId {
  if (identifier.kind === "ethereum") parseAddress(identifier.address);
  const text = `${identifierText(identifier)}${nonce}`;
  return toHex(crypto.hash("sha256", toUtf8(text))) as InboxId;
}
