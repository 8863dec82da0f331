import type { InboxId, InstallationId } from "@coterie/base";
import { type CryptoProvider } from "@coterie/crypto";
import { type SignedAction, signaturesOf } from "./actions.ts";
import { IdentityError, type IdentityErrorCode } from "./errors.ts";
import { type Identifier, type MemberId, memberKey, sameMember } from "./identifiers.ts";
import { inboxIdOf } from "./inbox-id.ts";
import { canonicalReplay } from "./signatures.ts";
import type { VerifiedUpdate } from "./update.ts";
import type { SignatureKind, VerifiedSignature } from "./verified-signature.ts";

export interface AssociationMember {
  readonly id: MemberId;
  /** Absent for the first member. */
  readonly addedBy?: MemberId | undefined;
  readonly clientTimestampNs?: bigint | undefined;
  /** Chain of the contract wallet that this member is; absent for everybody else (XID-26). */
  readonly addedOnChainId?: bigint | undefined;
}

/** What an inbox is after some update of its log. A value: applying an update returns the next one. */
export interface AssociationState {
  readonly inboxId: InboxId;
  /** By {@link memberKey}, in the order in which they came. */
  readonly members: ReadonlyMap<string, AssociationMember>;
  readonly recovery: Identifier;
  /** Replay bytes in hex of every signature used so far (XID-30). */
  readonly seen: ReadonlySet<string>;
}

type Action<Kind extends SignedAction<unknown>["kind"]> = Extract<
  SignedAction<VerifiedSignature>,
  { readonly kind: Kind }
>;

/**
 * The state after one more update, or an {@link IdentityError} and no change at all: a failing action fails its whole update
 * (XID-20). Pure: every member of a group must reach the same verdict.
 */
export function applyUpdate(
  crypto: CryptoProvider,
  state: AssociationState | undefined,
  update: VerifiedUpdate,
): AssociationState {
  let next = state;
  for (const action of update.actions) {
    next = applyAction(crypto, next, action, update.clientTimestampNs);
  }
  if (next === undefined) return fail("identity/not-created", "XID-20");
  if (next.inboxId !== update.inboxId) return fail("identity/wrong-inbox-id", "XID-22");
  // XID-30: only now, so that the slots of one update may share a signature.
  const seen = new Set(next.seen);
  for (const signature of update.actions.flatMap(signaturesOf)) seen.add(signature.replay);
  return { ...next, seen };
}

/**
 * One text per signature of an update, the same for all its encodings. Released clients count another encoding as another signature (XID-10,
 * XID-13 keep V and S as they came), so that a log which holds both stays valid; a node refuses to store the second.
 */
export function canonicalSignatures(update: VerifiedUpdate): readonly string[] {
  return update.actions.flatMap(signaturesOf).map(canonicalReplay);
}

function applyAction(
  crypto: CryptoProvider,
  state: AssociationState | undefined,
  action: SignedAction<VerifiedSignature>,
  clientTimestampNs: bigint,
): AssociationState {
  if (action.kind === "create-inbox") {
    if (state !== undefined) return fail("identity/multiple-create", "XID-20");
    return create(crypto, action);
  }
  if (state === undefined) return fail("identity/not-created", "XID-20");
  if (signaturesOf(action).some((signature) => state.seen.has(signature.replay))) {
    return fail("identity/replay", "XID-30");
  }
  switch (action.kind) {
    case "add":
      return add(crypto, state, action, clientTimestampNs);
    case "revoke":
      return revoke(state, action);
    case "change-recovery":
      requireRecovery(state, action.signature, "XID-29");
      return { ...state, recovery: action.identifier };
  }
}

/** XID-21. */
function create(crypto: CryptoProvider, action: Action<"create-inbox">): AssociationState {
  const { identifier, nonce, signature } = action;
  if (!sameMember(signature.signer, identifier)) {
    return fail("identity/missing-existing-member", "XID-21");
  }
  requireKind(identifier, signature);
  if (isLegacy(signature) && nonce !== 0n) return fail("identity/legacy-signature-reuse", "XID-21");
  const first: AssociationMember = { id: identifier, addedOnChainId: signature.chainId };
  return {
    inboxId: inboxIdOf(crypto, identifier, nonce),
    members: new Map([[memberKey(identifier), first]]),
    recovery: identifier,
    seen: new Set(),
  };
}

/** XID-23 to XID-27. */
function add(
  crypto: CryptoProvider,
  state: AssociationState,
  action: Action<"add">,
  clientTimestampNs: bigint,
): AssociationState {
  const { member, existing, added } = action;
  const by = existing.signer;
  if (!sameMember(added.signer, member)) return fail("identity/new-member-mismatch", "XID-23");
  if (sameMember(added.signer, by)) return fail("identity/self-add", "XID-23");
  // XID-25.
  if (
    by.kind !== "installation" &&
    (isLegacy(existing) || isLegacy(added)) &&
    inboxIdOf(crypto, by, 0n) !== state.inboxId
  ) {
    return fail("identity/legacy-signature-reuse", "XID-25");
  }
  requireKind(member, added);
  const present = state.members.get(memberKey(by));
  if (present !== undefined) requireChain(present, existing);
  else if (!sameMember(by, state.recovery)) {
    return fail("identity/missing-existing-member", "XID-23");
  } else if (isLegacy(existing)) return fail("identity/legacy-signature-reuse", "XID-23");
  requireKind(by, existing);
  // XID-24.
  if (by.kind === "installation" && member.kind === "installation") {
    return fail("identity/member-not-allowed", "XID-24");
  }
  // XID-27: a present member is overwritten. The signer, not the action, names the passkey's origin.
  const members = new Map(state.members);
  members.set(memberKey(member), {
    id: added.signer,
    addedBy: present?.id ?? state.recovery,
    clientTimestampNs,
    addedOnChainId: added.chainId,
  });
  return { ...state, members };
}

/** XID-28: an unknown member is no error, and the installations that it added go with it. */
function revoke(state: AssociationState, action: Action<"revoke">): AssociationState {
  requireRecovery(state, action.signature, "XID-28");
  const revoked = memberKey(action.member);
  const members = new Map(
    [...state.members].filter(([key, { id, addedBy }]) => {
      if (key === revoked) return false;
      return id.kind !== "installation" || addedBy === undefined || memberKey(addedBy) !== revoked;
    }),
  );
  return { ...state, members };
}

function requireRecovery(
  state: AssociationState,
  signature: VerifiedSignature,
  rule: string,
): void {
  // XID-26 comes first, as it does for released clients.
  const member = state.members.get(memberKey(signature.signer));
  if (member !== undefined) requireChain(member, signature);
  if (isLegacy(signature)) fail("identity/signature-not-allowed", rule);
  if (!sameMember(signature.signer, state.recovery)) fail("identity/missing-existing-member", rule);
}

function requireChain(member: AssociationMember, signature: VerifiedSignature): void {
  if (member.addedOnChainId !== signature.chainId) fail("identity/chain-id-mismatch", "XID-26");
}

const kinds: Readonly<Record<MemberId["kind"], readonly SignatureKind[]>> = {
  ethereum: ["erc191", "erc1271", "legacy-delegated"],
  installation: ["installation-key"],
  passkey: ["passkey"],
};

/** XID-15. */
function requireKind(member: MemberId, signature: VerifiedSignature): void {
  if (!kinds[member.kind].includes(signature.kind))
    fail("identity/signature-not-allowed", "XID-15");
}

function isLegacy(signature: VerifiedSignature): boolean {
  return signature.kind === "legacy-delegated";
}

/** The installations of a state, in the order in which they came. */
export function installationsOf(state: AssociationState): readonly InstallationId[] {
  return [...state.members.values()].flatMap(({ id }) =>
    id.kind === "installation" ? [id.id] : [],
  );
}

/** The wallets and passkeys of a state, in the order in which they came. */
export function identifiersOf(state: AssociationState): readonly Identifier[] {
  return [...state.members.values()].flatMap(({ id }) => (id.kind === "installation" ? [] : [id]));
}

function fail(code: IdentityErrorCode, rule: string): never {
  throw new IdentityError(code, { rule });
}
