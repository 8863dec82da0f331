import { secretsOf } from "./secret-tree.ts";
import type { SecretTree } from "./secret-tree.ts";
import type { GroupContext, LeafNode } from "./types.ts";

/** What stays of an epoch that a commit ended, to open application messages that arrive late. */
export interface PastEpoch {
  readonly record: PastRecord;
  readonly messageKeys: SecretTree;
}

/** The part of a past epoch that never changes again. */
export interface PastRecord {
  readonly context: GroupContext;
  readonly senderDataSecret: Uint8Array;
  readonly resumptionPsk: Uint8Array;
  /** Width of the epoch's trees: a power of two. */
  readonly leafCount: number;
  /** Leaves as they were in this epoch, where the epoch after it has others; `undefined` is a blank one. */
  readonly leaves: ReadonlyMap<number, LeafNode | undefined>;
}

/** Newest first, at most `keep`, with the secrets of those that fell out. */
export function retain(
  past: readonly PastEpoch[],
  newest: PastEpoch,
  keep: number,
): { readonly past: readonly PastEpoch[]; readonly spent: readonly Uint8Array[] } {
  const all = [newest, ...past];
  const spent: Uint8Array[] = [];
  for (const { record, messageKeys } of all.slice(keep)) {
    spent.push(record.senderDataSecret, record.resumptionPsk, ...secretsOf(messageKeys));
  }
  return { past: all.slice(0, keep), spent };
}

/**
 * The leaf of a past epoch: the nearest record from that epoch on that has its own version, or else the current tree's.
 * `past` is newest first and `index` counts in it.
 */
export function leafInPast(
  past: readonly PastEpoch[],
  index: number,
  leafIndex: number,
  current: (leafIndex: number) => LeafNode | undefined,
): LeafNode | undefined {
  for (let at = index; at >= 0; at--) {
    const leaves = past[at]?.record.leaves;
    if (leaves?.has(leafIndex)) return leaves.get(leafIndex);
  }
  return current(leafIndex);
}
