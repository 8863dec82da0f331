import type { IdentityUpdate, Signature } from "@coterie/wire";
import type { SignedAction, UnsignedUpdate, UpdateOf } from "./actions.ts";
import { IdentityError } from "./errors.ts";
import { type Identifier, type MemberId, memberKey } from "./identifiers.ts";
import { signatureText } from "./signature-text.ts";
import { verifySignature, type VerifyEnv } from "./signatures.ts";
import { updateToWire } from "./update.ts";

/** An action and who will sign for it. `by` is a member or the recovery identifier of the inbox. */
export type PlannedAction =
  | { readonly kind: "create-inbox"; readonly identifier: Identifier; readonly nonce: bigint }
  | { readonly kind: "add"; readonly member: MemberId; readonly by: MemberId }
  | { readonly kind: "revoke"; readonly member: MemberId; readonly by: Identifier }
  | { readonly kind: "change-recovery"; readonly identifier: Identifier; readonly by: Identifier };

export type PlannedUpdate = UpdateOf<PlannedAction>;

/** An update that waits for its signatures. */
export interface PendingUpdate {
  readonly planned: PlannedUpdate;
  /** What everybody in `signers` signs, to the byte (XID-03). */
  readonly signatureText: string;
  /** Each once, in the order of the actions. */
  readonly signers: readonly MemberId[];
}

/** Writes the text of an update and names whose signatures it needs. */
export function beginUpdate(planned: PlannedUpdate): PendingUpdate {
  const signers = new Map<string, MemberId>();
  for (const action of planned.actions) {
    for (const signer of slotsOf(action)) signers.set(memberKey(signer), signer);
  }
  return {
    planned,
    signatureText: signatureText(planned satisfies UnsignedUpdate),
    signers: [...signers.values()],
  };
}

/**
 * The whole update. Each signature is verified and goes to every slot of its signer (XID-05). Throws `identity/bad-signature`,
 * `identity/unexpected-signer` or `identity/signature-missing`.
 */
export function completeUpdate(
  env: VerifyEnv,
  pending: PendingUpdate,
  signatures: readonly Signature[],
): IdentityUpdate {
  const needed = new Set(pending.signers.map(memberKey));
  const bySigner = new Map<string, Signature>();
  for (const signature of signatures) {
    const signer = memberKey(verifySignature(env, pending.signatureText, signature).signer);
    if (!needed.has(signer)) throw new IdentityError("identity/unexpected-signer", { signer });
    bySigner.set(signer, signature);
  }
  const from = (signer: MemberId): Signature => {
    const signature = bySigner.get(memberKey(signer));
    if (signature === undefined) {
      throw new IdentityError("identity/signature-missing", { signer: memberKey(signer) });
    }
    return signature;
  };
  const { inboxId, clientTimestampNs, actions } = pending.planned;
  return updateToWire({
    inboxId,
    clientTimestampNs,
    actions: actions.map((action) => fill(action, from)),
  });
}

function slotsOf(action: PlannedAction): readonly MemberId[] {
  switch (action.kind) {
    case "create-inbox":
      return [action.identifier];
    case "add":
      return [action.by, action.member];
    case "revoke":
    case "change-recovery":
      return [action.by];
  }
}

function fill(
  action: PlannedAction,
  from: (signer: MemberId) => Signature,
): SignedAction<Signature> {
  switch (action.kind) {
    case "create-inbox":
      return { ...action, signature: from(action.identifier) };
    case "add":
      return {
        kind: "add",
        member: action.member,
        existing: from(action.by),
        added: from(action.member),
      };
    case "revoke":
      return { kind: "revoke", member: action.member, signature: from(action.by) };
    case "change-recovery":
      return {
        kind: "change-recovery",
        identifier: action.identifier,
        signature: from(action.by),
      };
  }
}
