import type { Group } from "./group.ts";
import { findProposal } from "./proposals.ts";
import type { ProposalRef, StoredProposal } from "./proposals.ts";
import { resolved } from "./resolve-proposals.ts";
import type { ResolvedProposal } from "./resolve-proposals.ts";
import type { Proposal, ProposalOrRef } from "./types.ts";

/** The proposals of a commit of our own: first those by reference, then those by value, each in the order given. */
export function selectProposals(
  group: Group,
  references: "all" | readonly ProposalRef[],
  byValue: readonly Proposal[],
): { readonly items: readonly ProposalOrRef[]; readonly proposals: readonly ResolvedProposal[] } {
  const stored =
    references === "all"
      ? compatible(group, byValue)
      : references.map((ref) => findProposal(group.proposals, ref));
  const sender = { kind: "member", leafIndex: group.ownLeaf } as const;
  return {
    items: [
      ...stored.map(({ ref }) => ({ kind: "reference", reference: ref }) as const),
      ...byValue.map((proposal) => ({ kind: "proposal", proposal }) as const),
    ],
    proposals: [
      ...stored.map(resolved),
      ...byValue.map((proposal) => ({ proposal, sender, byReference: false })),
    ],
  };
}

/**
 * RFC 9420 §12.2: of all that was proposed in this epoch, what goes together. A Remove wins over Updates, the newest Update over older
 * ones, everything over a ReInit; nothing of our own leaf.
 */
function compatible(group: Group, byValue: readonly Proposal[]): StoredProposal[] {
  const all = [...group.proposals.values()];
  const removed = new Set(
    [...byValue, ...all.map(({ proposal }) => proposal)].flatMap((proposal) =>
      proposal.kind === "remove" ? [proposal.removed] : [],
    ),
  );
  const taken = new Set<string>(byValue.map(slot));
  const chosen: StoredProposal[] = [];
  // From the newest: of two for one place the later one stays.
  for (const stored of all.toReversed()) {
    const { proposal, sender } = stored;
    if (proposal.kind === "external-init") continue;
    if (proposal.kind === "remove" && proposal.removed === group.ownLeaf) continue;
    if (proposal.kind === "update") {
      if (sender.kind !== "member" || sender.leafIndex === group.ownLeaf) continue;
      if (removed.has(sender.leafIndex)) continue;
    }
    const place = proposal.kind === "update" ? `leaf ${leafOf(stored)}` : slot(proposal);
    if (place !== "" && taken.has(place)) continue;
    taken.add(place);
    chosen.unshift(stored);
  }
  const others = chosen.filter(({ proposal }) => proposal.kind !== "reinit");
  return others.length > 0 || byValue.length > 0 ? others : chosen.slice(0, 1);
}

/** What only one proposal of a list may hold; empty where there is no such limit. */
function slot(proposal: Proposal): string {
  switch (proposal.kind) {
    case "add":
      return `client ${proposal.keyPackage.leafNode.signatureKey.join()}`;
    case "remove":
      return `leaf ${proposal.removed}`;
    case "psk":
      return `psk ${proposal.psk.nonce.join()}`;
    case "group-context-extensions":
      return proposal.kind;
    case "update":
    case "reinit":
    case "external-init":
    case "custom":
      return "";
  }
}

function leafOf({ sender }: StoredProposal): number {
  return sender.kind === "member" ? sender.leafIndex : -1;
}
