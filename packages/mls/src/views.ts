import type { GroupView, ProposalInCommit, ProposalSender } from "./judge.ts";
import { externalSenderAt } from "./external-senders.ts";
import type { ResolvedProposal } from "./resolve-proposals.ts";
import { memberAt, membersOf, requireMember } from "./tree.ts";
import type { Member, RatchetTree } from "./tree.ts";
import type { GroupContext, LeafNode, Sender } from "./types.ts";

export function viewOf(context: GroupContext, tree: RatchetTree): GroupView {
  return {
    context,
    members: () => membersOf(tree),
    memberAt: (leafIndex) => asMember(leafIndex, memberAt(tree, leafIndex)),
  };
}

/** A view of an older version of a tree, by the leaves that have changed since: `undefined` was blank. */
export function viewBefore(
  context: GroupContext,
  after: RatchetTree,
  leaves: ReadonlyMap<number, LeafNode | undefined>,
): GroupView {
  return {
    context,
    members() {
      const all = new Map<number, LeafNode | undefined>();
      for (const { leafIndex, leaf } of membersOf(after)) all.set(leafIndex, leaf);
      for (const [leafIndex, leaf] of leaves) all.set(leafIndex, leaf);
      const out: Member[] = [];
      for (const [leafIndex, leaf] of all) if (leaf) out.push({ leafIndex, leaf });
      return out.toSorted((a, b) => a.leafIndex - b.leafIndex);
    },
    memberAt(leafIndex) {
      const leaf = leaves.has(leafIndex) ? leaves.get(leafIndex) : memberAt(after, leafIndex);
      return asMember(leafIndex, leaf);
    },
  };
}

/** Who stands behind a sender in this epoch. Throws `mls/no-such-member` or `mls/unknown-sender`. */
export function proposalSender(
  context: GroupContext,
  tree: RatchetTree,
  sender: Sender,
): ProposalSender {
  switch (sender.kind) {
    case "member": {
      const { leafIndex } = sender;
      return { kind: "member", leafIndex, leaf: requireMember(tree, leafIndex) };
    }
    case "external": {
      const { senderIndex } = sender;
      return {
        kind: "external",
        senderIndex,
        ...externalSenderAt(context.extensions, senderIndex),
      };
    }
    case "new-member-proposal":
    case "new-member-commit":
      return { kind: "new-member" };
  }
}

export function proposalsInCommit(
  context: GroupContext,
  tree: RatchetTree,
  proposals: readonly ResolvedProposal[],
): ProposalInCommit[] {
  return proposals.map(({ proposal, sender, byReference }) => ({
    proposal,
    sender: proposalSender(context, tree, sender),
    byReference,
  }));
}

function asMember(leafIndex: number, leaf: LeafNode | undefined): Member | undefined {
  return leaf && { leafIndex, leaf };
}
