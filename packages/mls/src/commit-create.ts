import { equal, wipe } from "@coterie/base";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import { announceAdds } from "./ahead.ts";
import { applyProposals } from "./apply-proposals.ts";
import type { Applied } from "./apply-proposals.ts";
import { encodeMlsMessage } from "./message.ts";
import { MlsError } from "./errors.ts";
import { checkMaySend } from "./group.ts";
import type { EpochState, Group } from "./group.ts";
import { signGroupInfo } from "./group-info.ts";
import {
  contextAfter,
  enterEpoch,
  leavesChanged,
  provisionalContext,
  stagedSecrets,
  stageEpoch,
} from "./next-epoch.ts";
import { pendingCommit } from "./pending.ts";
import type { PendingCommit } from "./pending.ts";
import type { PrivateTree } from "./private-tree.ts";
import { selectProposals } from "./select-proposals.ts";
import type { ProposalRef } from "./proposals.ts";
import { derivePskSecret } from "./psk.ts";
import { findPsks } from "./psk-lookup.ts";
import type { PskLookup } from "./psk-lookup.ts";
import type { ResolvedProposal } from "./resolve-proposals.ts";
import { protect, signAsMember } from "./send.ts";
import type { LeafChange } from "./send.ts";
import { requireMember } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import { validateMembers } from "./tree-validation.ts";
import type { Extension, GroupContext, Proposal, UpdatePath } from "./types.ts";
import { createPath, sealPath } from "./update-path.ts";
import type { NewPath } from "./update-path.ts";
import { checkMemberList, needsPath } from "./validate-proposals.ts";
import { proposalsInCommit } from "./views.ts";
import { makeWelcome } from "./welcome.ts";
import { groupContextBytes } from "./welcome-types.ts";

export interface CommitInput {
  readonly crypto: CryptoProvider;
  readonly group: Group;
  readonly signer: KeyPair;
  /** Go into the commit by value, in this order, after those by reference. */
  readonly proposals?: readonly Proposal[];
  /** Proposals of this epoch that were sent on their own. "all": those that make a valid list; none by default. */
  readonly references?: "all" | readonly ProposalRef[];
  /** A path even where RFC 9420 does not ask for one (it does unless there are only Add, PSK and ReInit proposals: MLS-03). */
  readonly forcePath?: boolean;
  /** PrivateMessage by default. */
  readonly wireFormat?: "private" | "public";
  readonly authenticatedData?: Uint8Array;
  /** MLS-05: changes to our own leaf, which need a path. */
  readonly newLeaf?: LeafChange;
  /** Default true. Where false, the joiner must get the tree by another way. */
  readonly ratchetTreeInWelcome?: boolean;
  /** Default false. */
  readonly externalPubInGroupInfo?: boolean;
  readonly padding?: number;
  /** Unix seconds, to check the lifetimes of added key packages. */
  readonly nowSeconds?: bigint;
  readonly psks?: PskLookup;
  /** For the commit that founds a group in place of another (`reinit`) or beside it (`branch`). */
  readonly founding?: "reinit" | "branch";
}

export interface CommitOutput {
  readonly pending: PendingCommit;
  /** MLSMessage. */
  readonly message: Uint8Array;
  /** MLSMessage, one for all that the commit adds. Send it once the commit was accepted. */
  readonly welcome?: Uint8Array;
  /** MLSMessage with the GroupInfo of the new epoch, tree and external_pub included, where `externalPubInGroupInfo` asked for it. */
  readonly groupInfo?: Uint8Array;
  /** Keep this one: a key of the handshake ratchet is used up. It is still in the old epoch. */
  readonly group: Group;
  readonly spent: readonly Uint8Array[];
}

/**
 * Builds a commit and leaves the group in its epoch (RFC 9420 §12.4.1): adopt what is pending when the commit came back in the order of
 * the group. What it adds is checked as strictly as receivers do. Throws an {@link MlsError} for an invalid list of proposals.
 */
export function commit(input: CommitInput): CommitOutput {
  const { crypto, group, signer, nowSeconds, wireFormat = "private" } = input;
  checkMaySend(group, signer);
  // RFC 9420 §11.2, §11.3: the commit that founds a group is its first one.
  if (input.founding && group.epoch !== 0n) {
    throw new MlsError("mls/bad-founding", { why: "epoch" }, { disposition: "fix-caller" });
  }
  const { state, ownLeaf, suite } = group;
  const { authenticatedData = new Uint8Array(0) } = input;
  const { items, proposals } = selectProposals(
    group,
    input.references ?? [],
    input.proposals ?? [],
  );
  announceAdds(crypto, suite, proposals, true);
  checkMemberList({ crypto, state, nowSeconds, founding: input.founding }, proposals, ownLeaf);
  const psks = findPsks(
    proposals.flatMap(({ proposal }) => (proposal.kind === "psk" ? [proposal.psk] : [])),
    group,
    input.psks,
  );
  const applied = applyProposals(state, proposals);
  const withPath = wantsPath(input, proposals);
  const made = withPath ? makePath(input, applied) : withoutPath(crypto, state, applied);
  const { tree, provisional, newPath } = made;
  validateMembers(tree, applied.extensions);

  const signed = signAsMember({
    crypto,
    group,
    signer,
    wireFormat,
    content: { kind: "commit", commit: { proposals: items, path: made.path } },
    authenticatedData,
  });
  const { signature } = signed.auth;
  const transcript = { wireFormat, content: signed.content, signature };
  const candidates = [...applied.removed, ...applied.updated, ...addedLeaves(applied)];
  if (withPath) candidates.push(ownLeaf);
  const pskSecret = derivePskSecret(crypto, suite, psks);
  const { staged, joinerSecret, memberSecret } = stageEpoch({
    crypto,
    context: contextAfter(crypto, suite, state, provisional, transcript),
    tree,
    own: made.own,
    initSecret: state.secrets.init,
    commitSecret: newPath?.commitSecret,
    pskSecret,
    leavesBefore: leavesChanged(state.tree, tree, candidates),
    reinit: applied.reinit,
  });
  const { confirmationTag } = staged.state;
  const sent = protect(
    crypto,
    group,
    { ...signed, auth: { signature, confirmationTag } },
    input.padding ?? 0,
  );
  const newSigner = input.newLeaf?.signer ?? signer;
  const welcome =
    applied.added.length > 0 &&
    makeWelcome({
      crypto,
      tree,
      groupInfo: signGroupInfo(crypto, staged.state, newSigner, {
        ratchetTree: input.ratchetTreeInWelcome ?? true,
        externalPub: input.externalPubInGroupInfo ?? false,
      }),
      joinerSecret,
      memberSecret,
      applied,
      path: newPath,
    });
  const groupInfo =
    input.externalPubInGroupInfo &&
    encodeMlsMessage({
      kind: "group-info",
      groupInfo: signGroupInfo(crypto, staged.state, newSigner, {
        ratchetTree: true,
        externalPub: true,
      }),
    });
  wipe(joinerSecret, memberSecret, pskSecret, newPath?.commitSecret, ...(newPath?.spent ?? []));
  return {
    pending: pendingCommit({
      baseAuthenticator: group.epochAuthenticator,
      contextBefore: state.context,
      staged,
      committer: { leafIndex: ownLeaf, leaf: requireMember(state.tree, ownLeaf) },
      external: false,
      proposals: proposalsInCommit(state.context, state.tree, proposals),
      pathLeaf: made.path?.leafNode,
      authenticatedData,
    }),
    message: sent.message,
    ...(welcome ? { welcome } : {}),
    ...(groupInfo ? { groupInfo } : {}),
    group: sent.group,
    spent: sent.spent,
  };
}

/**
 * Enters the epoch of our own commit. Messages that were received meanwhile stay in `group`. Throws `mls/pending-mismatch` if the commit
 * was not built on this epoch.
 */
export function adopt(input: { readonly group: Group; readonly pending: PendingCommit }): {
  readonly group: Group;
  readonly spent: readonly Uint8Array[];
} {
  const { group, pending } = input;
  if (
    group.status.kind !== "active" ||
    !equal(group.epochAuthenticator, pending.baseAuthenticator)
  ) {
    const { epoch } = pending.contextBefore;
    throw new MlsError("mls/pending-mismatch", { epoch, current: group.epoch });
  }
  return enterEpoch(group, pending.staged);
}

/**
 * Secrets of a pending commit that lost against another one: wipe them and drop it. `group` is the one it was built on, whose keys it may
 * share.
 */
export function discard(input: { readonly group: Group; readonly pending: PendingCommit }): {
  readonly spent: readonly Uint8Array[];
} {
  return { spent: stagedSecrets(input.group, input.pending.staged) };
}

interface Made {
  readonly tree: RatchetTree;
  readonly own: PrivateTree;
  readonly provisional: GroupContext;
  readonly path: UpdatePath | undefined;
  readonly newPath: NewPath | undefined;
}

function wantsPath(input: CommitInput, proposals: readonly ResolvedProposal[]): boolean {
  const needed = needsPath(proposals);
  if (needed && input.forcePath === false) {
    throw new MlsError("mls/missing-path", {}, { disposition: "fix-caller" });
  }
  return needed || input.forcePath === true || input.newLeaf !== undefined;
}

function makePath(input: CommitInput, applied: Applied): Made {
  const { crypto, group, newLeaf = {} } = input;
  const { state, ownLeaf, groupId } = group;
  const old = requireMember(state.tree, ownLeaf);
  const newPath = createPath({
    crypto,
    tree: applied.tree,
    leafIndex: ownLeaf,
    groupId,
    signer: newLeaf.signer ?? input.signer,
    leaf: {
      credential: newLeaf.credential ?? old.credential,
      capabilities: newLeaf.capabilities ?? old.capabilities,
      extensions: newLeaf.extensions ?? old.extensions,
    },
  });
  const { tree, own } = newPath;
  const provisional = provisionalContext(crypto, state, tree, applied.extensions);
  const groupContext = groupContextBytes(provisional);
  const path = sealPath({ crypto, path: newPath, groupContext, added: addedLeaves(applied) });
  return { tree, own, provisional, path, newPath };
}

function withoutPath(crypto: CryptoProvider, state: EpochState, applied: Applied): Made {
  const { tree, own } = applied;
  const extensions: readonly Extension[] = applied.extensions;
  const provisional = provisionalContext(crypto, state, tree, extensions);
  return { tree, own, provisional, path: undefined, newPath: undefined };
}

function addedLeaves(applied: Applied): number[] {
  return applied.added.map(({ leafIndex }) => leafIndex);
}
