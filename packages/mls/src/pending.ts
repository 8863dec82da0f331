import type { CommitView, ProposalInCommit } from "./judge.ts";
import type { StagedEpoch } from "./next-epoch.ts";
import type { Member } from "./tree.ts";
import type { GroupContext, LeafNode } from "./types.ts";
import { viewBefore, viewOf } from "./views.ts";

/** A commit of our own that the group has not accepted yet. A value like the group: adopt it, or drop it. */
export interface PendingCommit {
  /** Of the epoch it was built on, which names that epoch and nothing else. */
  readonly baseAuthenticator: Uint8Array;
  readonly contextBefore: GroupContext;
  readonly staged: StagedEpoch;
  readonly committer: Member;
  readonly external: boolean;
  readonly proposals: readonly ProposalInCommit[];
  readonly pathLeaf: LeafNode | undefined;
  readonly authenticatedData: Uint8Array;
  /** What a judge is to see of it, here as at every receiver. */
  readonly view: CommitView;
}

export function pendingCommit(parts: Omit<PendingCommit, "view">): PendingCommit {
  return { ...parts, view: commitView(parts) };
}

export function commitView(parts: Omit<PendingCommit, "view" | "baseAuthenticator">): CommitView {
  const { contextBefore, staged, committer, external, proposals, pathLeaf } = parts;
  const { context, tree } = staged.state;
  return {
    kind: "commit",
    committer,
    external,
    proposals,
    ...(pathLeaf === undefined ? {} : { pathLeaf }),
    authenticatedData: parts.authenticatedData,
    before: viewBefore(contextBefore, tree, staged.leavesBefore),
    after: viewOf(context, tree),
  };
}
