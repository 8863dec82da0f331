import { equal, invariant } from "@coterie/base";
import { generateKeyPair } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import { signLeaf } from "./create-key-package.ts";
import { MlsError } from "./errors.ts";
import { deriveEpochSecrets } from "./key-schedule.ts";
import type { EpochSecrets } from "./key-schedule.ts";
import { groupOptions } from "./options.ts";
import type { GroupOptions } from "./options.ts";
import type { PastEpoch } from "./past-epochs.ts";
import { createPrivateTree } from "./private-tree.ts";
import type { PrivateTree } from "./private-tree.ts";
import { noProposals } from "./proposals.ts";
import type { ProposalStore } from "./proposals.ts";
import { mls10 } from "./registry.ts";
import { checkDistinctExtensions } from "./required-capabilities.ts";
import { createSecretTree } from "./secret-tree.ts";
import type { SecretTree } from "./secret-tree.ts";
import { confirmationTag, interimTranscriptHash } from "./transcript.ts";
import { createTree, leafCount, memberAt as leafAt, membersOf } from "./tree.ts";
import type { Member, RatchetTree } from "./tree.ts";
import { treeHash } from "./tree-hash.ts";
import { validateMembers } from "./tree-validation.ts";
import type {
  Capabilities,
  Credential,
  Extension,
  GroupContext,
  Lifetime,
  Proposal,
} from "./types.ts";

/** What one commit made and the next one replaces as a whole. */
export interface EpochState {
  readonly context: GroupContext;
  readonly tree: RatchetTree;
  readonly own: PrivateTree;
  readonly secrets: EpochSecrets;
  readonly interimTranscriptHash: Uint8Array;
  readonly confirmationTag: Uint8Array;
}

export type ReInit = Proposal & { readonly kind: "reinit" };

/**
 * `removed`: a commit took us out; late messages can still be read and nothing else. `reinit`: a commit closed the group in favour of
 * one with these parameters (RFC 9420 §11.2).
 */
export type GroupStatus =
  | { readonly kind: "active" }
  | { readonly kind: "removed" }
  | { readonly kind: "reinit"; readonly reinit: ReInit };

/** A group as one member sees it, in one epoch. Immutable: every operation answers with the next value. */
export interface Group {
  readonly suite: CipherSuite;
  readonly options: GroupOptions;
  readonly status: GroupStatus;
  readonly state: EpochState;
  /** Keys of the current epoch's messages. */
  readonly messageKeys: SecretTree;
  /** Newest first. */
  readonly past: readonly PastEpoch[];
  readonly proposals: ProposalStore;

  readonly context: GroupContext;
  readonly tree: RatchetTree;
  readonly ownLeaf: number;
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  /** Equal for all members of an epoch, and for nobody else (RFC 9420 §8.7). */
  readonly epochAuthenticator: Uint8Array;
}

export type GroupParts = Pick<
  Group,
  "suite" | "options" | "status" | "state" | "messageKeys" | "past" | "proposals"
>;

/** Puts the fields that follow from the others beside them. */
export function groupOf(parts: GroupParts): Group {
  const { context, tree, own, secrets } = parts.state;
  return {
    ...parts,
    context,
    tree,
    ownLeaf: own.leafIndex,
    groupId: context.groupId,
    epoch: context.epoch,
    epochAuthenticator: secrets.epochAuthenticator,
  };
}

/** A group of one, at epoch 0 (RFC 9420 §11). Throws `mls/unsupported` where the creator lacks what `extensions` ask for. */
export function createGroup(input: {
  readonly crypto: CryptoProvider;
  readonly cipherSuite: CipherSuite;
  readonly groupId: Uint8Array;
  readonly signer: KeyPair;
  readonly credential: Credential;
  readonly capabilities: Capabilities;
  readonly lifetime: Lifetime;
  readonly leafExtensions?: readonly Extension[];
  readonly extensions?: readonly Extension[];
  readonly options?: Partial<GroupOptions>;
}): Group {
  const { crypto, cipherSuite: suite, signer, extensions = [] } = input;
  checkDistinctExtensions(extensions);
  const leafKey = generateKeyPair(crypto, suite);
  const leaf = signLeaf({
    crypto,
    suite,
    signer,
    place: undefined,
    leaf: {
      encryptionKey: leafKey.publicKey,
      signatureKey: signer.publicKey,
      credential: input.credential,
      capabilities: input.capabilities,
      source: { kind: "key-package", lifetime: input.lifetime },
      extensions: input.leafExtensions ?? [],
    },
  });
  const tree = createTree(suite, leaf);
  validateMembers(tree, extensions);
  const context: GroupContext = {
    version: mls10,
    cipherSuite: suite.id,
    groupId: new Uint8Array(input.groupId),
    epoch: 0n,
    treeHash: treeHash(crypto, tree),
    confirmedTranscriptHash: new Uint8Array(0),
    extensions,
  };
  const epochSecret = crypto.bytes(suite.hashLength);
  const { secrets, encryptionSecret } = deriveEpochSecrets(crypto, suite, epochSecret);
  epochSecret.fill(0);
  const confirmed = context.confirmedTranscriptHash;
  const tag = confirmationTag(crypto, suite, secrets.confirmationKey, confirmed);
  return groupOf({
    suite,
    options: groupOptions(input.options),
    status: { kind: "active" },
    state: {
      context,
      tree,
      own: createPrivateTree(0, leafKey.privateKey),
      secrets,
      interimTranscriptHash: interimTranscriptHash(crypto, suite, confirmed, tag),
      confirmationTag: tag,
    },
    messageKeys: createSecretTree(encryptionSecret, leafCount(tree)),
    past: [],
    proposals: noProposals,
  });
}

/** All members by ascending leaf index. */
export function members(group: Group): Member[] {
  return membersOf(group.tree);
}

/** The member at a leaf index; undefined where the leaf is blank or there is none. */
export function memberAt(group: Group, leafIndex: number): Member | undefined {
  const leaf = leafAt(group.tree, leafIndex);
  return leaf && { leafIndex, leaf };
}

/** Whether a commit took us out of this group. */
export function isRemoved(group: Group): boolean {
  return group.status.kind === "removed";
}

/** Throws `mls/inactive` for a group that we were removed from or that was closed, and `mls/wrong-signer` for a key not in our leaf. */
export function checkMaySend(group: Group, signer: KeyPair): void {
  if (group.status.kind !== "active") {
    throw new MlsError("mls/inactive", { status: group.status.kind }, { disposition: "halt" });
  }
  const leaf = leafAt(group.tree, group.ownLeaf);
  invariant(leaf, "an active member has a leaf");
  if (!equal(leaf.signatureKey, signer.publicKey)) {
    throw new MlsError("mls/wrong-signer", {}, { disposition: "fix-caller" });
  }
}
