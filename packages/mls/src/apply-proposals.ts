import { withLeafKey } from "./private-tree.ts";
import type { PrivateTree } from "./private-tree.ts";
import type { EpochState, ReInit } from "./group.ts";
import type { ResolvedProposal } from "./resolve-proposals.ts";
import { applyAdd, applyRemove, applyUpdate } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import type { Extension, KeyPackage, PreSharedKeyId } from "./types.ts";
import { checkCustomSupport, extensionsAfter } from "./validate-proposals.ts";

/** What a valid list of proposals makes of an epoch, before a path. */
export interface Applied {
  readonly tree: RatchetTree;
  /** With the key of an Update of our own in force. */
  readonly own: PrivateTree;
  readonly extensions: readonly Extension[];
  readonly added: readonly { readonly leafIndex: number; readonly keyPackage: KeyPackage }[];
  readonly removed: readonly number[];
  readonly updated: readonly number[];
  /** In the order of the commit. */
  readonly psks: readonly PreSharedKeyId[];
  readonly kemOutput: Uint8Array | undefined;
  readonly reinit: ReInit | undefined;
}

/** RFC 9420 §12.3: updates, removals, then additions in their order. The list has been checked. */
export function applyProposals(state: EpochState, proposals: readonly ResolvedProposal[]): Applied {
  let { tree, own } = state;
  const updated: number[] = [];
  const removed: number[] = [];
  const added: { leafIndex: number; keyPackage: KeyPackage }[] = [];
  const psks: PreSharedKeyId[] = [];
  let kemOutput: Uint8Array | undefined;
  let reinit: ReInit | undefined;
  for (const { proposal, sender, updateKey } of proposals) {
    if (proposal.kind === "update" && sender.kind === "member") {
      tree = applyUpdate(tree, sender.leafIndex, proposal.leafNode);
      updated.push(sender.leafIndex);
      if (sender.leafIndex === own.leafIndex && updateKey) {
        own = withLeafKey(own, updateKey.privateKey);
      }
    }
  }
  for (const { proposal } of proposals)
    if (proposal.kind === "remove") removed.push(proposal.removed);
  for (const leafIndex of removed) tree = applyRemove(tree, leafIndex);
  checkCustomSupport(tree, proposals);
  for (const { proposal } of proposals) {
    if (proposal.kind === "add") {
      const { keyPackage } = proposal;
      const grown = applyAdd(tree, keyPackage.leafNode);
      tree = grown.tree;
      added.push({ leafIndex: grown.leafIndex, keyPackage });
    } else if (proposal.kind === "psk") psks.push(proposal.psk);
    else if (proposal.kind === "external-init") ({ kemOutput } = proposal);
    else if (proposal.kind === "reinit") reinit = proposal;
  }
  const extensions = extensionsAfter(state, proposals);
  return { tree, own, extensions, added, removed, updated, psks, kemOutput, reinit };
}
