import type { CipherSuite } from "@coterie/crypto";
import { MlsError } from "./errors.ts";
import { detached } from "./leaf-node.ts";
import { limits } from "./limits.ts";
import { changeKeys, keysOf } from "./tree-keys.ts";
import type { KeyChange, TreeKeys } from "./tree-keys.ts";
import { childrenOf, covers, emptyAt, leafAt, parentOver } from "./tree-node.ts";
import type { TreeNode } from "./tree-node.ts";
import type { LeafNode, ParentNode } from "./types.ts";

/**
 * A ratchet tree (RFC 9420 §7) as an immutable value: a change of one leaf or path costs O(log N) in time and memory, hashes and key
 * sets of what did not change are shared.
 */
export interface RatchetTree {
  readonly suite: CipherSuite;
  readonly root: TreeNode;
  /** Public keys in the tree, collected on first use and carried along from then on. */
  readonly memo: { keys: TreeKeys | undefined };
}

/** A member with its place. */
export interface Member {
  readonly leafIndex: number;
  readonly leaf: LeafNode;
}

/** A tree of one member, at leaf 0. */
export function createTree(suite: CipherSuite, leaf: LeafNode): RatchetTree {
  return treeOf(suite, leafAt(0, leaf));
}

export function treeOf(suite: CipherSuite, root: TreeNode, keys?: TreeKeys): RatchetTree {
  return { suite, root, memo: { keys } };
}

/** Leaves of the tree, blank ones included: a power of two. */
export function leafCount(tree: RatchetTree): number {
  return 2 ** tree.root.level;
}

/** The node with this index in array form; undefined outside of the tree. */
export function nodeAt(tree: RatchetTree, index: number): TreeNode | undefined {
  if (!Number.isInteger(index) || index < 0 || index > 2 * leafCount(tree) - 2) return undefined;
  let node = tree.root;
  while (node.index !== index) node = childrenOf(node)[index < node.index ? 0 : 1];
  return node;
}

/** The leaf node at a leaf index; undefined where it is blank or outside of the tree. */
export function memberAt(tree: RatchetTree, leafIndex: number): LeafNode | undefined {
  return nodeAt(tree, 2 * leafIndex)?.leaf;
}

/** All members from left to right. */
export function membersOf(tree: RatchetTree): Member[] {
  const members: Member[] = [];
  const visit = (node: TreeNode): void => {
    if (node.leaf !== undefined) members.push({ leafIndex: node.index / 2, leaf: node.leaf });
    if (node.left !== undefined) visit(node.left);
    if (node.right !== undefined) visit(node.right);
  };
  visit(tree.root);
  return members;
}

/**
 * RFC 9420 §12.1.1 (Add): sets the leftmost blank leaf, extending the tree where there is none, and lists it as unmerged in the nodes
 * above. Throws `mls/limit` when the tree is as large as we allow.
 */
export function applyAdd(
  tree: RatchetTree,
  leaf: LeafNode,
): { readonly tree: RatchetTree; readonly leafIndex: number } {
  const { tree: roomy, leafIndex } = withFreeLeaf(tree);
  const unmerged = (parent: ParentNode | undefined): ParentNode | undefined =>
    parent && { ...parent, unmergedLeaves: insertSorted(parent.unmergedLeaves, leafIndex) };
  return { tree: replaceLeaf(roomy, leafIndex, leaf, unmerged), leafIndex };
}

/** RFC 9420 §12.1.2 (Update): sets a member's leaf and blanks the nodes above. */
export function applyUpdate(tree: RatchetTree, leafIndex: number, leaf: LeafNode): RatchetTree {
  requireMember(tree, leafIndex);
  return replaceLeaf(tree, leafIndex, leaf, blank);
}

/** RFC 9420 §12.1.3 (Remove): blanks a member's leaf and the nodes above, then truncates the tree. */
export function applyRemove(tree: RatchetTree, leafIndex: number): RatchetTree {
  requireMember(tree, leafIndex);
  return truncate(replaceLeaf(tree, leafIndex, undefined, blank));
}

/** The leftmost blank leaf, and the tree extended for it where needed (RFC 9420 §12.4.2: an external committer goes there too). */
export function withFreeLeaf(tree: RatchetTree): {
  readonly tree: RatchetTree;
  readonly leafIndex: number;
} {
  let { root } = tree;
  if (root.members === leafCount(tree)) {
    if (2 * leafCount(tree) > limits.leaves) {
      throw new MlsError("mls/limit", { value: 2 * leafCount(tree), limit: limits.leaves });
    }
    const empty =
      root.level === 0
        ? leafAt(2, undefined)
        : emptyAt(root.index + 2 ** (root.level + 1), root.level);
    root = parentOver(undefined, root, empty);
  }
  let node = root;
  while (node.level > 0) {
    const [left, right] = childrenOf(node);
    node = left.members < 2 ** left.level ? left : right;
  }
  return { tree: treeOf(tree.suite, root, tree.memo.keys), leafIndex: node.index / 2 };
}

/** Replaces a leaf and every parent above it, sharing all the rest. */
export function replaceLeaf(
  tree: RatchetTree,
  leafIndex: number,
  leaf: LeafNode | undefined,
  onParent: (parent: ParentNode | undefined, index: number) => ParentNode | undefined,
): RatchetTree {
  const change: KeyChange = { removed: [], added: [] };
  const kept = leaf && detached(leaf);
  const replace = (node: TreeNode): TreeNode => {
    if (node.level === 0) {
      if (node.leaf !== undefined) change.removed.push(node.leaf);
      if (kept !== undefined) change.added.push(kept);
      return leafAt(node.index, kept);
    }
    const parent = onParent(node.parent, node.index);
    if (node.parent !== undefined) change.removed.push(node.parent);
    if (parent !== undefined) change.added.push(parent);
    const [left, right] = childrenOf(node);
    return covers(left, leafIndex)
      ? parentOver(parent, replace(left), right)
      : parentOver(parent, left, replace(right));
  };
  const root = replace(tree.root);
  // Collected here at the latest, so that every tree made of this one starts from the same keys.
  return treeOf(tree.suite, root, changeKeys(treeKeys(tree), change));
}

/** The public keys in the tree: O(N) for a tree that was decoded, carried along by every change. */
export function treeKeys(tree: RatchetTree): TreeKeys {
  tree.memo.keys ??= keysOf(tree.root);
  return tree.memo.keys;
}

/** Nodes that hold keys for all members below (RFC 9420 §4.1.1), in the order of the RFC. */
export function resolution(tree: RatchetTree, node: TreeNode): TreeNode[] {
  const out: TreeNode[] = [];
  const visit = (at: TreeNode): void => {
    if (at.resolutionSize === 0) return;
    if (at.leaf !== undefined) out.push(at);
    else if (at.parent === undefined) {
      for (const child of childrenOf(at)) visit(child);
    } else {
      out.push(at);
      for (const leafIndex of at.parent.unmergedLeaves) out.push(leafBelow(at, leafIndex));
    }
  };
  visit(node);
  return out;
}

function leafBelow(node: TreeNode, leafIndex: number): TreeNode {
  let at = node;
  while (at.level > 0) at = childrenOf(at)[2 * leafIndex < at.index ? 0 : 1];
  return at;
}

/** The parents above a leaf, from the root down, each with its child towards the leaf and the other one. */
export function pathFromRoot(
  tree: RatchetTree,
  leafIndex: number,
): { readonly node: TreeNode; readonly child: TreeNode; readonly copath: TreeNode }[] {
  const path = [];
  let node = tree.root;
  while (node.level > 0) {
    const [left, right] = childrenOf(node);
    const [child, copath] = covers(left, leafIndex) ? [left, right] : [right, left];
    path.push({ node, child, copath });
    node = child;
  }
  return path;
}

/** Throws `mls/no-such-member` where the leaf is blank or outside of the tree. */
export function requireMember(tree: RatchetTree, leafIndex: number): LeafNode {
  const leaf = memberAt(tree, leafIndex);
  if (leaf === undefined) throw new MlsError("mls/no-such-member", { leafIndex });
  return leaf;
}

function truncate(tree: RatchetTree): RatchetTree {
  let { root } = tree;
  while (root.level > 0) {
    const [left, right] = childrenOf(root);
    if (right.members > 0) break;
    root = left;
  }
  return root === tree.root ? tree : treeOf(tree.suite, root, tree.memo.keys);
}

const blank = (): undefined => undefined;

function insertSorted(sorted: readonly number[], value: number): number[] {
  const at = sorted.findIndex((other) => other > value);
  return at === -1 ? [...sorted, value] : sorted.toSpliced(at, 0, value);
}
