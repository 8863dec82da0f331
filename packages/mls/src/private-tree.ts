import type { RatchetTree } from "./tree.ts";
import { nodeAt } from "./tree.ts";
import { encryptionKeyOf } from "./tree-node.ts";

/** The HPKE private keys that a member holds: its own leaf's and those of nodes above it. Immutable; at most one per level. */
export interface PrivateTree {
  readonly leafIndex: number;
  /** By node index in array form. */
  readonly keys: ReadonlyMap<number, Uint8Array>;
}

/** What a new member starts with. */
export function createPrivateTree(leafIndex: number, leafPrivateKey: Uint8Array): PrivateTree {
  return { leafIndex, keys: new Map([[2 * leafIndex, leafPrivateKey]]) };
}

/** With a new key for the member's own leaf, as when its Update was committed. */
export function withLeafKey(own: PrivateTree, leafPrivateKey: Uint8Array): PrivateTree {
  return withKeys(own, [[2 * own.leafIndex, leafPrivateKey]]);
}

export function withKeys(
  own: PrivateTree,
  keys: Iterable<readonly [number, Uint8Array]>,
): PrivateTree {
  const merged = new Map(own.keys);
  for (const [index, key] of keys) merged.set(index, key);
  return { leafIndex: own.leafIndex, keys: merged };
}

/** Without the keys of nodes that have become blank or are no longer in the tree; those keys are `spent`. */
export function pruned(
  own: PrivateTree,
  tree: RatchetTree,
): { readonly own: PrivateTree; readonly spent: Uint8Array[] } {
  const spent: Uint8Array[] = [];
  const keys = new Map<number, Uint8Array>();
  for (const [index, key] of own.keys) {
    const node = nodeAt(tree, index);
    if (node !== undefined && encryptionKeyOf(node) !== undefined) keys.set(index, key);
    else spent.push(key);
  }
  return { own: spent.length === 0 ? own : { leafIndex: own.leafIndex, keys }, spent };
}
