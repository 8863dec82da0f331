import type { InboxId } from "@coterie/base";
import { MlsCredential, WireError } from "@coterie/wire";
import { IdentityError } from "./errors.ts";

/** XGC-11: identity of the basic credential in a leaf, 66 bytes. */
export function encodeCredential(inboxId: InboxId): Uint8Array<ArrayBuffer> {
  return MlsCredential.encode({ inboxId });
}

/** The inbox that a leaf speaks for; throws `identity/bad-credential`. A claim until the inbox's log confirms it. */
export function parseCredential(identity: Uint8Array): InboxId {
  try {
    const { inboxId } = MlsCredential.decode(identity);
    if (/^[0-9a-f]{64}$/.test(inboxId)) return inboxId as InboxId;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new IdentityError("identity/bad-credential", { rule: "XGC-11" }, error);
  }
  throw new IdentityError("identity/bad-credential", { rule: "XGC-11" });
}
