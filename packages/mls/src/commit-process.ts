import { toUtf8, wipe } from "@coterie/base";
import { hpkeReceiveExport, labels } from "@coterie/crypto";
import { announceAdds } from "./ahead.ts";
import { applyProposals } from "./apply-proposals.ts";
import type { Applied } from "./apply-proposals.ts";
import { MlsError } from "./errors.ts";
import type { EpochState, Group } from "./group.ts";
import { ask } from "./judge.ts";
import type { CommitView } from "./judge.ts";
import { externalKeyPair } from "./key-schedule.ts";
import {
  contextAfter,
  endedSecrets,
  enterEpoch,
  leavesChanged,
  provisionalContext,
  stagedSecrets,
  stageEpoch,
} from "./next-epoch.ts";
import type { StagedEpoch } from "./next-epoch.ts";
import type { OpenedMessage } from "./open-message.ts";
import { commitView } from "./pending.ts";
import type { ProcessInput, Processed } from "./processed.ts";
import { derivePskSecret } from "./psk.ts";
import type { PreSharedKey } from "./psk.ts";
import { findPsks } from "./psk-lookup.ts";
import { mergePath, openPath } from "./receive-path.ts";
import type { OpenedPath } from "./receive-path.ts";
import { resolveProposals } from "./resolve-proposals.ts";
import type { ResolvedProposal } from "./resolve-proposals.ts";
import { tagFits } from "./transcript.ts";
import { memberAt, requireMember, withFreeLeaf } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import { validateMembers } from "./tree-validation.ts";
import type { Commit, GroupContext, Sender, UpdatePath } from "./types.ts";
import { validateLeaf } from "./validate-leaf.ts";
import { checkExternalList, checkMemberList, needsPath } from "./validate-proposals.ts";
import { proposalsInCommit } from "./views.ts";
import { groupContextBytes } from "./welcome-types.ts";

/** RFC 9420 §12.4.2. All that MLS asks is checked before the judge is asked, and nothing is kept before the judge has agreed. */
export function processCommit(
  input: ProcessInput,
  opened: OpenedMessage,
  commit: Commit,
): Processed {
  const { crypto, group } = input;
  const { state } = group;
  const { content: framed, auth, wireFormat } = opened.message;
  const proposals = checkedProposals(input, framed.sender, commit);
  // RFC 9420 §12.4.2: every PSK is at hand before anything else is done.
  const psks = findPsks(
    proposals.flatMap(({ proposal }) => (proposal.kind === "psk" ? [proposal.psk] : [])),
    group,
    input.psks,
  );
  const applied = applyProposals(state, proposals);
  const place = placeOf(framed.sender, applied.tree);
  const tree = treeAfter(input, applied, place, commit.path);
  const provisional = provisionalContext(crypto, state, tree, applied.extensions);
  const transcript = { wireFormat, content: framed, signature: auth.signature };
  const context = contextAfter(crypto, group.suite, state, provisional, transcript);
  const removed = applied.removed.includes(group.ownLeaf);
  const candidates = [
    ...applied.removed,
    ...applied.updated,
    ...applied.added.map(({ leafIndex }) => leafIndex),
    place.leafIndex,
  ];
  const leavesBefore = leavesChanged(state.tree, tree, candidates);
  const { reinit } = applied;
  const next = { context, tree, provisional };
  const { staged, spent, pathSecrets } = removed
    ? { staged: withoutSecrets(state, next, leavesBefore, reinit), spent: [], pathSecrets: [] }
    : secretsAfter(input, opened, commit, applied, place, psks, next, leavesBefore);

  const committerLeaf = place.external
    ? requireMember(tree, place.leafIndex)
    : requireMember(state.tree, place.leafIndex);
  const view: CommitView = commitView({
    contextBefore: state.context,
    staged,
    committer: { leafIndex: place.leafIndex, leaf: committerLeaf },
    external: place.external,
    proposals: proposalsInCommit(state.context, state.tree, proposals),
    pathLeaf: commit.path?.leafNode,
    authenticatedData: framed.authenticatedData,
  });
  const verdict = ask(input.judge, view);
  if (verdict.kind !== "accept") {
    if (!removed) wipe(...stagedSecrets(group, staged), ...pathSecrets);
    if (verdict.kind === "wait") return { kind: "waiting", for: verdict.for };
    return { kind: "refused", reason: { code: verdict.code, details: verdict.details } };
  }
  const entered = removed ? leave(opened.group) : enterEpoch(opened.group, staged);
  return {
    kind: "committed",
    group: entered.group,
    view,
    removed,
    spent: [...opened.spent, ...entered.spent, ...spent],
  };
}

interface Place {
  readonly leafIndex: number;
  readonly external: boolean;
  /** The tree with room for the committer. */
  readonly tree: RatchetTree;
}

/** Where the committer is: an external one goes to the leftmost free leaf (RFC 9420 §12.4.3.2). */
function placeOf(sender: Sender, tree: RatchetTree): Place {
  if (sender.kind === "member") return { leafIndex: sender.leafIndex, external: false, tree };
  return { ...withFreeLeaf(tree), external: true };
}

function checkedProposals(
  input: ProcessInput,
  sender: Sender,
  commit: Commit,
): readonly ResolvedProposal[] {
  const { crypto, group, nowSeconds } = input;
  const proposals = resolveProposals(commit.proposals, group.proposals, sender);
  const rules = { crypto, state: group.state, nowSeconds };
  announceAdds(crypto, group.suite, proposals, false);
  if (sender.kind === "member") checkMemberList(rules, proposals, sender.leafIndex);
  else checkExternalList(rules, proposals);
  // MLS-03.
  if (!commit.path && (needsPath(proposals) || sender.kind !== "member")) {
    throw new MlsError("mls/missing-path");
  }
  return proposals;
}

function treeAfter(
  input: ProcessInput,
  applied: Applied,
  place: Place,
  path: UpdatePath | undefined,
): RatchetTree {
  const { crypto, group } = input;
  const { state, suite, groupId } = group;
  const { leafIndex } = place;
  let { tree } = place;
  if (path) {
    const extensions = applied.extensions;
    const replaces = place.external ? resynced(state, applied) : memberAt(state.tree, leafIndex);
    validateLeaf({
      crypto,
      suite,
      leaf: path.leafNode,
      place: { kind: "commit", groupId, leafIndex, replaces },
      extensions,
    });
    tree = mergePath({ crypto, tree, senderLeaf: leafIndex, path });
  }
  validateMembers(tree, applied.extensions);
  return tree;
}

/** RFC 9420 §12.2: an external commit that removes its sender's old leaf meets what an Update of that leaf would. */
function resynced(state: EpochState, applied: Applied): ReturnType<typeof memberAt> {
  const [old] = applied.removed;
  return old === undefined ? undefined : memberAt(state.tree, old);
}

function secretsAfter(
  input: ProcessInput,
  opened: OpenedMessage,
  commit: Commit,
  applied: Applied,
  place: Place,
  psks: readonly PreSharedKey[],
  next: { context: GroupContext; tree: RatchetTree; provisional: GroupContext },
  leavesBefore: StagedEpoch["leavesBefore"],
): {
  readonly staged: StagedEpoch;
  readonly spent: readonly Uint8Array[];
  readonly pathSecrets: readonly Uint8Array[];
} {
  const { crypto, group } = input;
  const { state, suite } = group;
  const path: OpenedPath | undefined =
    commit.path &&
    openPath({
      crypto,
      tree: next.tree,
      own: applied.own,
      senderLeaf: place.leafIndex,
      path: commit.path,
      groupContext: groupContextBytes(next.provisional),
      added: applied.added.map(({ leafIndex }) => leafIndex),
    });
  const initSecret =
    applied.kemOutput === undefined
      ? state.secrets.init
      : externalInitSecret(input, applied.kemOutput);
  const pskSecret = derivePskSecret(crypto, suite, psks);
  const { staged, joinerSecret, memberSecret } = stageEpoch({
    crypto,
    context: next.context,
    tree: next.tree,
    own: path?.own ?? applied.own,
    initSecret,
    commitSecret: path?.commitSecret,
    pskSecret,
    leavesBefore,
    reinit: applied.reinit,
  });
  wipe(joinerSecret, memberSecret, pskSecret, path?.commitSecret);
  if (initSecret !== state.secrets.init) initSecret.fill(0);
  if (!tagFits(staged.state.confirmationTag, opened.message.auth.confirmationTag)) {
    wipe(...stagedSecrets(group, staged), ...(path?.pathSecrets ?? []));
    throw new MlsError("mls/bad-confirmation-tag");
  }
  return { staged, spent: path?.spent ?? [], pathSecrets: path?.pathSecrets ?? [] };
}

/** RFC 9420 §8.3. */
function externalInitSecret({ crypto, group }: ProcessInput, kemOutput: Uint8Array): Uint8Array {
  const { suite, state } = group;
  const pair = externalKeyPair(crypto, suite, state.secrets.external);
  try {
    return hpkeReceiveExport({
      crypto,
      suite,
      enc: kemOutput,
      privateKey: pair.privateKey,
      publicKey: pair.publicKey,
      info: new Uint8Array(0),
      context: toUtf8(labels.mlsExternalInit),
      length: suite.hashLength,
    });
  } finally {
    pair.privateKey.fill(0);
  }
}

/** Of a commit that removes us we can see the group after it, but none of its secrets. */
function withoutSecrets(
  state: EpochState,
  next: { context: GroupContext; tree: RatchetTree },
  leavesBefore: StagedEpoch["leavesBefore"],
  reinit: StagedEpoch["reinit"],
): StagedEpoch {
  const { context, tree } = next;
  const encryptionSecret = new Uint8Array(0);
  return { state: { ...state, context, tree }, encryptionSecret, leavesBefore, reinit };
}

/** RFC 9420 §12.4.2: a removed member keeps what opens late messages of its last epoch, and nothing that reaches beyond. */
function leave(group: Group): { readonly group: Group; readonly spent: readonly Uint8Array[] } {
  const { state } = group;
  const spent = endedSecrets(group, undefined);
  const gone = new Uint8Array(0);
  const secrets = {
    ...state.secrets,
    exporter: gone,
    external: gone,
    confirmationKey: gone,
    membershipKey: gone,
    init: gone,
  };
  const own = { leafIndex: state.own.leafIndex, keys: new Map<number, Uint8Array>() };
  return {
    group: {
      ...group,
      status: { kind: "removed" },
      state: { ...state, secrets, own },
      proposals: new Map(),
    },
    spent,
  };
}
