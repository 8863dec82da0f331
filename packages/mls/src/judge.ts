import { invariant } from "@coterie/base";
import type { ErrorDetails } from "@coterie/base";
import type { Member } from "./tree.ts";
import type { Credential, GroupContext, LeafNode, Proposal } from "./types.ts";

/** A group in one epoch, as far as a judge needs it. */
export interface GroupView {
  readonly context: GroupContext;
  /** All members by ascending leaf index. Costs a walk of the tree: ask for single members where that is enough. */
  members(): Member[];
  memberAt(leafIndex: number): Member | undefined;
}

/** Who made a proposal. `external` counts the entries of the external_senders extension. */
export type ProposalSender =
  | { readonly kind: "member"; readonly leafIndex: number; readonly leaf: LeafNode }
  | {
      readonly kind: "external";
      readonly senderIndex: number;
      readonly signatureKey: Uint8Array;
      readonly credential: Credential;
    }
  | { readonly kind: "new-member" };

export interface ProposalInCommit {
  readonly proposal: Proposal;
  /** The author of this proposal, which for one by reference need not be the committer. */
  readonly sender: ProposalSender;
  readonly byReference: boolean;
}

export interface CommitView {
  readonly kind: "commit";
  /** As it was before the commit; for an external commit the new leaf. */
  readonly committer: Member;
  readonly external: boolean;
  readonly proposals: readonly ProposalInCommit[];
  /** The committer's new leaf where the commit has a path. */
  readonly pathLeaf?: LeafNode;
  readonly authenticatedData: Uint8Array;
  readonly before: GroupView;
  readonly after: GroupView;
}

export interface ProposalView {
  readonly kind: "proposal";
  readonly proposal: Proposal;
  readonly sender: ProposalSender;
  readonly authenticatedData: Uint8Array;
  readonly group: GroupView;
}

export interface JoinView {
  readonly kind: "join";
  /** Who signed the GroupInfo: the member that added us. */
  readonly signer: Member;
  readonly group: GroupView;
  readonly ownLeaf: number;
}

export type Verdict =
  | { readonly kind: "accept" }
  /** Permanent. */
  | { readonly kind: "refuse"; readonly code: string; readonly details?: ErrorDetails | undefined }
  /** Something has to arrive first; the same input may be judged again later. */
  | { readonly kind: "wait"; readonly for: unknown };

/** The application's rules. Synchronous: every member must reach the same verdict from the same state. */
export type Judge = (view: CommitView | ProposalView | JoinView) => Verdict;

/** A judge's refusal, as it comes back in a result. */
export interface Refusal {
  readonly code: string;
  readonly details?: ErrorDetails | undefined;
}

/** Accepts everything that RFC 9420 accepts: for tests, and for applications without rules of their own. */
export const acceptAll: Judge = () => ({ kind: "accept" });

/** Asks the judge. A promise is a bug of the caller, not a verdict: nothing may change while it is pending. */
export function ask(judge: Judge, view: CommitView | ProposalView | JoinView): Verdict {
  const verdict = judge(view);
  const kind = (verdict as { kind?: unknown } | undefined)?.kind;
  invariant(
    kind === "accept" || kind === "refuse" || kind === "wait",
    "a judge answers at once with a verdict, not with a promise",
  );
  return verdict;
}
