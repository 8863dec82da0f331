import { equal } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { isDhKey } from "./dh-key.ts";
import { MlsError } from "./errors.ts";
import { checkSupport, unsupported } from "./required-capabilities.ts";
import { treeKeys } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import { originalHash, parentHash, within } from "./tree-hash.ts";
import { childrenOf, covers } from "./tree-node.ts";
import type { TreeNode } from "./tree-node.ts";
import { allSupportCredential, supportOf } from "./tree-support.ts";
import type { Extension, ParentNode } from "./types.ts";
import { validateLeaf } from "./validate-leaf.ts";

/**
 * What a joiner checks of a received tree (RFC 9420 §12.4.3.1): every parent hash, every leaf, unmerged leaves, unique keys, and that
 * all members support what the group uses. Costs one signature per leaf that was not verified before. The caller compares the tree hash.
 */
export function validateTree(input: {
  readonly crypto: CryptoProvider;
  readonly tree: RatchetTree;
  readonly groupId: Uint8Array;
  readonly extensions: readonly Extension[];
  /** Unix seconds; lifetimes of leaves are not looked at without (XGC-10). */
  readonly nowSeconds?: bigint | undefined;
}): void {
  const { crypto, tree, groupId } = input;
  forEachParent(tree.root, (node, parent) => {
    if (!isDhKey(tree.suite, parent.encryptionKey)) throw badTree("parent-key", node);
    checkUnmerged(node, parent);
  });
  validateMembers(tree, input.extensions);
  forEachParent(tree.root, (node, parent) => {
    if (!parentHashValid(crypto, tree, node, parent)) throw badTree("parent-hash", node);
  });
  forEachLeaf(tree.root, (node) => {
    if (node.leaf === undefined) return;
    const place = { kind: "tree", groupId, leafIndex: node.index / 2 } as const;
    validateLeaf({
      crypto,
      suite: tree.suite,
      leaf: node.leaf,
      place,
      nowSeconds: input.nowSeconds,
    });
  });
}

/**
 * What RFC 9420 §7.3 asks of members together, for the tree as it is after a commit's proposals and path: encryption and signature keys
 * are unique, every credential type in use and every extension of the context is supported by all, and so is what is required. Looks
 * at aggregates, not at members: O(log N) after a change of one path. Throws `mls/duplicate-key` or `mls/unsupported`.
 */
export function validateMembers(tree: RatchetTree, extensions: readonly Extension[]): void {
  const keys = treeKeys(tree);
  for (const what of ["encryption", "signature"] as const) {
    if (keys[what].distinct !== keys[what].total) throw new MlsError("mls/duplicate-key", { what });
  }
  const support = supportOf(tree);
  for (const type of support.credentialsInUse) {
    if (!allSupportCredential(support, type)) throw unsupported("credential", type);
  }
  checkSupport(support, extensions);
}

/** RFC 9420 §12.4.3.1: unmerged leaves are members below, and listed in every parent on the way to them. */
function checkUnmerged(node: TreeNode, parent: ParentNode): void {
  for (const leafIndex of parent.unmergedLeaves) {
    if (!covers(node, leafIndex)) throw badTree("unmerged", node);
    let at = node;
    while (at.level > 0) {
      at = childrenOf(at)[2 * leafIndex < at.index ? 0 : 1];
      if (at.parent && !has(at.parent.unmergedLeaves, leafIndex)) throw badTree("unmerged", node);
    }
    if (at.leaf === undefined) throw badTree("unmerged", node);
  }
}

/** RFC 9420 §7.9.2, from the top down: one node below carries this node's parent hash and was set together with it. */
function parentHashValid(
  crypto: CryptoProvider,
  tree: RatchetTree,
  node: TreeNode,
  parent: ParentNode,
): boolean {
  const { hash } = tree.suite;
  const [left, right] = childrenOf(node);
  for (const [child, sibling] of [
    [left, right],
    [right, left],
  ] as const) {
    const carried = parentHashOf(setTogether(child, within(child, parent.unmergedLeaves)));
    if (carried?.length !== tree.suite.hashLength) continue;
    const original = originalHash(crypto, hash, sibling, within(sibling, parent.unmergedLeaves));
    if (equal(carried, parentHash(crypto, hash, parent, original))) return true;
  }
  return false;
}

/** The one node in the resolution that is left when the unmerged leaves of the parent above are taken away; undefined if not one is left. */
function setTogether(node: TreeNode, unmerged: readonly number[]): TreeNode | undefined {
  if (node.resolutionSize !== unmerged.length + 1) return undefined;
  if (node.leaf !== undefined) return node;
  if (node.parent !== undefined) {
    return sameNumbers(node.parent.unmergedLeaves, unmerged) ? node : undefined;
  }
  const [left, right] = childrenOf(node);
  const inLeft = within(left, unmerged);
  const inRight = within(right, unmerged);
  if (resolvesTo(right, inRight)) return setTogether(left, inLeft);
  return resolvesTo(left, inLeft) ? setTogether(right, inRight) : undefined;
}

/** Whether the resolution is exactly these leaves. */
function resolvesTo(node: TreeNode, leaves: readonly number[]): boolean {
  if (node.resolutionSize !== leaves.length) return false;
  if (leaves.length === 0 || node.leaf !== undefined) return true;
  if (node.parent !== undefined) return false;
  return childrenOf(node).every((child) => resolvesTo(child, within(child, leaves)));
}

function parentHashOf(node: TreeNode | undefined): Uint8Array | undefined {
  if (node?.parent !== undefined) return node.parent.parentHash;
  const source = node?.leaf?.source;
  return source?.kind === "commit" ? source.parentHash : undefined;
}

function forEachParent(node: TreeNode, visit: (node: TreeNode, parent: ParentNode) => void): void {
  if (node.parent !== undefined) visit(node, node.parent);
  if (node.left !== undefined) forEachParent(node.left, visit);
  if (node.right !== undefined) forEachParent(node.right, visit);
}

function forEachLeaf(node: TreeNode, visit: (node: TreeNode) => void): void {
  if (node.level === 0) visit(node);
  if (node.left !== undefined) forEachLeaf(node.left, visit);
  if (node.right !== undefined) forEachLeaf(node.right, visit);
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Binary search: the list may be as long as the tree is wide. */
function has(ascending: readonly number[], value: number): boolean {
  let low = 0;
  let high = ascending.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = ascending[middle] as number;
    if (found === value) return true;
    if (found < value) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

function badTree(why: string, node: TreeNode): MlsError {
  return new MlsError("mls/bad-tree", { why, node: node.index });
}
