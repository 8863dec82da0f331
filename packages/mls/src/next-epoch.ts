import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import { groupOf } from "./group.ts";
import type { EpochState, Group, ReInit } from "./group.ts";
import {
  deriveEpochSecret,
  deriveEpochSecrets,
  deriveJoinerSecret,
  deriveMemberSecret,
  zeroSecret,
} from "./key-schedule.ts";
import { retain } from "./past-epochs.ts";
import type { PrivateTree } from "./private-tree.ts";
import { noProposals } from "./proposals.ts";
import { createSecretTree } from "./secret-tree.ts";
import { confirmationTag, confirmedTranscriptHash, interimTranscriptHash } from "./transcript.ts";
import type { ConfirmedInput } from "./transcript.ts";
import { leafCount, memberAt } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import { treeHash } from "./tree-hash.ts";
import type { Extension, GroupContext, LeafNode } from "./types.ts";
import { groupContextBytes } from "./welcome-types.ts";

/** An epoch that was computed and not yet entered. */
export interface StagedEpoch {
  readonly state: EpochState;
  readonly encryptionSecret: Uint8Array;
  /** Leaves as they were before, where they differ now; `undefined` was blank. */
  readonly leavesBefore: ReadonlyMap<number, LeafNode | undefined>;
  readonly reinit: ReInit | undefined;
}

/** RFC 9420 §12.4.1: the context that path secrets are sealed under, still with the old transcript hash (MLS-03). */
export function provisionalContext(
  crypto: CryptoProvider,
  before: Pick<EpochState, "context">,
  tree: RatchetTree,
  extensions: readonly Extension[],
): GroupContext {
  const { version, cipherSuite, groupId, epoch, confirmedTranscriptHash: old } = before.context;
  return {
    version,
    cipherSuite,
    groupId,
    epoch: epoch + 1n,
    treeHash: treeHash(crypto, tree),
    confirmedTranscriptHash: old,
    extensions,
  };
}

/** The context of the new epoch: the provisional one with the commit in its transcript. */
export function contextAfter(
  crypto: CryptoProvider,
  suite: CipherSuite,
  before: Pick<EpochState, "interimTranscriptHash">,
  provisional: GroupContext,
  commit: ConfirmedInput,
): GroupContext {
  const interim = before.interimTranscriptHash;
  return {
    ...provisional,
    confirmedTranscriptHash: confirmedTranscriptHash(crypto, suite, interim, commit),
  };
}

/** The key schedule from one epoch to the next (RFC 9420 §8). `memberSecret` opens the Welcome: wipe both after use. */
export function stageEpoch(input: {
  readonly crypto: CryptoProvider;
  readonly context: GroupContext;
  readonly tree: RatchetTree;
  readonly own: PrivateTree;
  /** Of the epoch before, or from an ExternalInit. */
  readonly initSecret: Uint8Array;
  /** Absent for a commit without a path. */
  readonly commitSecret: Uint8Array | undefined;
  readonly pskSecret: Uint8Array;
  readonly leavesBefore: ReadonlyMap<number, LeafNode | undefined>;
  readonly reinit: ReInit | undefined;
}): {
  readonly staged: StagedEpoch;
  readonly joinerSecret: Uint8Array;
  readonly memberSecret: Uint8Array;
} {
  const { crypto, context, tree, initSecret } = input;
  const { suite } = tree;
  const contextBytes = groupContextBytes(context);
  const commitSecret = input.commitSecret ?? zeroSecret(suite);
  const from = { initSecret, commitSecret, contextBytes };
  const joinerSecret = deriveJoinerSecret(crypto, suite, from);
  const memberSecret = deriveMemberSecret(crypto, suite, joinerSecret, input.pskSecret);
  const epochSecret = deriveEpochSecret(crypto, suite, memberSecret, contextBytes);
  const { secrets, encryptionSecret } = deriveEpochSecrets(crypto, suite, epochSecret);
  epochSecret.fill(0);
  const confirmed = context.confirmedTranscriptHash;
  const tag = confirmationTag(crypto, suite, secrets.confirmationKey, confirmed);
  const state: EpochState = {
    context,
    tree,
    own: input.own,
    secrets,
    interimTranscriptHash: interimTranscriptHash(crypto, suite, confirmed, tag),
    confirmationTag: tag,
  };
  const { leavesBefore, reinit } = input;
  return { staged: { state, encryptionSecret, leavesBefore, reinit }, joinerSecret, memberSecret };
}

/** What a staged epoch that is not entered holds alone: the group may share keys with it, and a proposal of ours the key of our leaf. */
export function stagedSecrets(group: Group, staged: StagedEpoch): Uint8Array[] {
  const shared = new Set<Uint8Array>(group.state.own.keys.values());
  for (const { updateKey } of group.proposals.values()) {
    if (updateKey) shared.add(updateKey.privateKey);
  }
  const { state, encryptionSecret } = staged;
  const keys = [...state.own.keys.values()].filter((key) => !shared.has(key));
  return [encryptionSecret, ...Object.values(state.secrets), ...keys];
}

/** Which of these leaves a commit changed, with what was there before. */
export function leavesChanged(
  before: RatchetTree,
  after: RatchetTree,
  candidates: Iterable<number>,
): ReadonlyMap<number, LeafNode | undefined> {
  const changed = new Map<number, LeafNode | undefined>();
  for (const leafIndex of candidates) {
    const leaf = memberAt(before, leafIndex);
    if (leaf !== memberAt(after, leafIndex)) changed.set(leafIndex, leaf);
  }
  return changed;
}

/** Enters a staged epoch; the one that ends is kept for late messages. Proposals that were not committed are gone (RFC 9420 §12.4). */
export function enterEpoch(
  group: Group,
  staged: StagedEpoch,
): { readonly group: Group; readonly spent: readonly Uint8Array[] } {
  const { suite, options, state: before, messageKeys } = group;
  const { senderData: senderDataSecret, resumptionPsk } = before.secrets;
  const record = {
    context: before.context,
    senderDataSecret,
    resumptionPsk,
    leafCount: messageKeys.leafCount,
    leaves: staged.leavesBefore,
  };
  const { past, spent } = retain(group.past, { record, messageKeys }, options.pastEpochs);
  const { state, encryptionSecret, reinit } = staged;
  return {
    group: groupOf({
      suite,
      options,
      status: reinit ? { kind: "reinit", reinit } : { kind: "active" },
      state,
      messageKeys: createSecretTree(encryptionSecret, leafCount(state.tree)),
      past,
      proposals: noProposals,
    }),
    spent: [...spent, ...endedSecrets(group, state)],
  };
}

/** Secrets of the epoch that ended which the next one does not share. Its sender data and resumption secrets may live on in its record. */
export function endedSecrets(group: Group, next: EpochState | undefined): Uint8Array[] {
  const { secrets, own } = group.state;
  const kept = new Set(next?.own.keys.values());
  return [
    secrets.exporter,
    secrets.external,
    secrets.confirmationKey,
    secrets.membershipKey,
    secrets.init,
    ...[...own.keys.values()].filter((key) => !kept.has(key)),
    ...[...group.proposals.values()].flatMap(({ updateKey }) =>
      updateKey && !kept.has(updateKey.privateKey) ? [updateKey.privateKey] : [],
    ),
  ];
}
