import { invariant } from "@coterie/base";
import type { LeafNode, ParentNode } from "./types.ts";

/**
 * One node of a ratchet tree with all that is below it. Immutable, and shared between the versions of a tree: a change makes new
 * nodes on one direct path only. An all-blank subtree has no children in memory; `childrenOf` makes them when asked.
 */
export interface TreeNode {
  /** In the array form of the tree: leaf i is 2i. */
  readonly index: number;
  readonly level: number;
  readonly leaf: LeafNode | undefined;
  readonly parent: ParentNode | undefined;
  readonly left: TreeNode | undefined;
  readonly right: TreeNode | undefined;
  /** Leaves below that are not blank. */
  readonly members: number;
  /** How many nodes the resolution has (RFC 9420 §4.1.1). */
  readonly resolutionSize: number;
  /** What is derived from the fields above, on first use. */
  readonly memo: NodeMemo;
}

interface NodeMemo {
  /** One character per byte: a fifth of the memory that an array of 32 bytes takes, and there are two for each member. */
  treeHash: string | undefined;
  support: Support | undefined;
  /** Of all nodes below as `ratchet_tree` lists them, blanks included; kept for subtrees of one size only. */
  encoding: Uint8Array | undefined;
}

/** What all members below support, as ascending numbers, and what credential types they use. */
export interface Support {
  readonly extensions: readonly number[];
  readonly proposals: readonly number[];
  readonly credentials: readonly number[];
  readonly credentialsInUse: readonly number[];
}

export function leafAt(index: number, leaf: LeafNode | undefined): TreeNode {
  const members = leaf === undefined ? 0 : 1;
  return {
    index,
    level: 0,
    leaf,
    parent: undefined,
    left: undefined,
    right: undefined,
    members,
    resolutionSize: members,
    memo: { treeHash: undefined, support: undefined, encoding: undefined },
  };
}

export function emptyAt(index: number, level: number): TreeNode {
  return {
    index,
    level,
    leaf: undefined,
    parent: undefined,
    left: undefined,
    right: undefined,
    members: 0,
    resolutionSize: 0,
    memo: { treeHash: undefined, support: undefined, encoding: undefined },
  };
}

export function parentOver(
  parent: ParentNode | undefined,
  left: TreeNode,
  right: TreeNode,
): TreeNode {
  const index = left.index + 2 ** left.level;
  const level = left.level + 1;
  const below = left.resolutionSize + right.resolutionSize;
  if (parent === undefined && below === 0) return emptyAt(index, level);
  return {
    index,
    level,
    leaf: undefined,
    parent,
    left,
    right,
    members: left.members + right.members,
    resolutionSize: parent === undefined ? below : 1 + parent.unmergedLeaves.length,
    memo: { treeHash: undefined, support: undefined, encoding: undefined },
  };
}

/** All blank, parents included. */
export function isEmpty(node: TreeNode): boolean {
  return node.leaf === undefined && node.left === undefined;
}

/** Both children of a node that is not a leaf. */
export function childrenOf(node: TreeNode): readonly [TreeNode, TreeNode] {
  invariant(node.level > 0, "a leaf has no children");
  if (node.left !== undefined && node.right !== undefined) return [node.left, node.right];
  const step = 2 ** (node.level - 1);
  return [emptyAt(node.index - step, node.level - 1), emptyAt(node.index + step, node.level - 1)];
}

/** Leaf indices below a node: from the first, up to but without the second. */
export function leafRange(node: TreeNode): readonly [number, number] {
  const first = (node.index + 1 - 2 ** node.level) / 2;
  return [first, first + 2 ** node.level];
}

/** Whether a leaf is below the node, or is it. */
export function covers(node: TreeNode, leafIndex: number): boolean {
  const [first, end] = leafRange(node);
  return leafIndex >= first && leafIndex < end;
}

/** HPKE key of a node, undefined where it is blank. */
export function encryptionKeyOf(node: TreeNode): Uint8Array | undefined {
  return node.leaf?.encryptionKey ?? node.parent?.encryptionKey;
}
