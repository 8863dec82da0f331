import type { KeyPair } from "@coterie/crypto";
import { findProposal } from "./proposals.ts";
import type { ProposalStore, StoredProposal } from "./proposals.ts";
import type { Proposal, ProposalOrRef, Sender } from "./types.ts";

/** A proposal of a commit with its own author: the committer for one by value, whoever sent it for one by reference. */
export interface ResolvedProposal {
  readonly proposal: Proposal;
  readonly sender: Sender;
  readonly byReference: boolean;
  /** Of an Update of our own. */
  readonly updateKey?: KeyPair;
}

/** Throws `mls/unknown-proposal` for a reference to a proposal that we have not seen in this epoch. */
export function resolveProposals(
  items: readonly ProposalOrRef[],
  store: ProposalStore,
  committer: Sender,
): ResolvedProposal[] {
  return items.map((item) =>
    item.kind === "proposal"
      ? { proposal: item.proposal, sender: committer, byReference: false }
      : resolved(findProposal(store, item.reference)),
  );
}

export function resolved(stored: StoredProposal): ResolvedProposal {
  const { proposal, sender, updateKey } = stored;
  const base = { proposal, sender, byReference: true };
  return updateKey === undefined ? base : { ...base, updateKey };
}
