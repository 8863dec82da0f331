import { toHex } from "@coterie/base";
import type { InboxId, InstallationId } from "@coterie/base";
import type { Credential, LeafNode } from "@coterie/mls";
import { MlsCredential } from "@coterie/wire";

/** Whom a leaf stands for (XGC-11). */
export interface LeafOwner {
  readonly inboxId: InboxId;
  readonly installationId: InstallationId;
}

const inboxPattern = /^[0-9a-f]{64}$/;

/** The inbox that a credential names, or undefined where it is not a basic one with an inbox id. */
function inboxOf(credential: Credential): InboxId | undefined {
  if (credential.kind !== "basic") return undefined;
  try {
    const { inboxId } = MlsCredential.decode(credential.identity);
    return inboxPattern.test(inboxId) ? (inboxId as InboxId) : undefined;
  } catch {
    return undefined;
  }
}

/** Inbox and installation of a leaf; undefined where its credential is not one of ours. */
export function ownerOf(leaf: LeafNode): LeafOwner | undefined {
  const inboxId = inboxOf(leaf.credential);
  if (inboxId === undefined || leaf.signatureKey.length !== 32) return undefined;
  return { inboxId, installationId: toHex(leaf.signatureKey) as InstallationId };
}

/** XGC-11: the credential of an inbox. */
export function inboxCredential(inboxId: string): Credential {
  return { kind: "basic", identity: MlsCredential.encode({ inboxId }) };
}
