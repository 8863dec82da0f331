import type { InboxId, InstallationId } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { limits } from "@coterie/wire";
import { type AssociationState, installationsOf } from "./association.ts";
import { IdentityError } from "./errors.ts";
import { type Identifier, installationMember, type MemberId, memberKey } from "./identifiers.ts";
import { defaultNonce, inboxIdOf } from "./inbox-id.ts";
import type { PlannedAction } from "./update-builder.ts";

/** What registering takes. `registered`: the installation is a member already and there is nothing to sign. */
export type RegistrationPlan =
  | {
      readonly kind: "create" | "join";
      readonly inboxId: InboxId;
      readonly actions: readonly PlannedAction[];
    }
  | { readonly kind: "registered"; readonly inboxId: InboxId };

/**
 * XID-40: a new inbox for an unknown identifier, one more installation for a known one. `known` is what the node answered for the
 * identifier, with the state of that inbox's log. Throws `identity/inbox-mismatch` or `identity/too-many-installations`.
 */
export function planRegistration(input: {
  readonly crypto: CryptoProvider;
  readonly identifier: Identifier;
  readonly installation: InstallationId;
  readonly nonce?: bigint | undefined;
  readonly known?: AssociationState | undefined;
  /** Inbox that the local store belongs to, where there is one. */
  readonly expected?: InboxId | undefined;
}): RegistrationPlan {
  const { crypto, identifier, known, expected } = input;
  const nonce = input.nonce ?? defaultNonce;
  const inboxId = known?.inboxId ?? inboxIdOf(crypto, identifier, nonce);
  if (expected !== undefined && expected !== inboxId) {
    throw new IdentityError("identity/inbox-mismatch", { rule: "XID-40", inboxId, expected });
  }
  const member = installationMember(input.installation);
  const add: PlannedAction = { kind: "add", member, by: identifier };
  if (known === undefined) {
    const create: PlannedAction = { kind: "create-inbox", identifier, nonce };
    return { kind: "create", inboxId, actions: [create, add] };
  }
  if (known.members.has(memberKey(member))) return { kind: "registered", inboxId };
  const count = installationsOf(known).length;
  if (count >= limits.installationsPerInbox) {
    throw new IdentityError("identity/too-many-installations", { rule: "XID-33", inboxId, count });
  }
  return { kind: "join", inboxId, actions: [add] };
}

/**
 * XID-42: one more wallet or passkey, vouched for by the own installation. `holder` is the inbox that the identifier resolves to
 * now; moving it away from there needs `allowInboxReassign`, else `identity/inbox-reassign`.
 */
export function planAddAccount(input: {
  readonly inboxId: InboxId;
  readonly identifier: Identifier;
  readonly installation: InstallationId;
  readonly holder?: InboxId | undefined;
  readonly allowInboxReassign?: boolean | undefined;
}): readonly PlannedAction[] {
  const { inboxId, identifier, holder } = input;
  if (holder !== undefined && holder !== inboxId && input.allowInboxReassign !== true) {
    throw new IdentityError("identity/inbox-reassign", { rule: "XID-42", inboxId, holder });
  }
  return [{ kind: "add", member: identifier, by: installationMember(input.installation) }];
}

/** XID-43: one revoke per member, all signed by the recovery identifier. */
export function planRevoke(
  state: AssociationState,
  members: readonly MemberId[],
): readonly PlannedAction[] {
  return members.map((member) => ({ kind: "revoke", member, by: state.recovery }));
}

/** XID-43: every installation but one; null where there is no other. */
export function planRevokeAllOtherInstallations(
  state: AssociationState,
  self: InstallationId,
): readonly PlannedAction[] | null {
  const others = installationsOf(state).filter((id) => id !== self);
  return others.length === 0 ? null : planRevoke(state, others.map(installationMember));
}

/** XID-29: the right to revoke goes to another identifier, which need not be a member. */
export function planChangeRecovery(
  state: AssociationState,
  identifier: Identifier,
): readonly PlannedAction[] {
  return [{ kind: "change-recovery", identifier, by: state.recovery }];
}
