import type { CryptoProvider, HashName } from "@coterie/crypto";
import { Writer } from "./codec.ts";
import { encodingOf } from "./encoded.ts";
import { leafNodeBytes, writeParentNode } from "./leaf-node.ts";
import type { RatchetTree } from "./tree.ts";
import { childrenOf, isEmpty, leafRange } from "./tree-node.ts";
import type { TreeNode } from "./tree-node.ts";
import type { ParentNode } from "./types.ts";

/** The tree hash of the whole tree (RFC 9420 §7.8): two hashes per changed path once it was computed before. */
export function treeHash(crypto: CryptoProvider, tree: RatchetTree): Uint8Array {
  return subtreeHash(crypto, tree.suite.hash, tree.root);
}

/** The tree hash of one node, remembered in the node. */
export function subtreeHash(crypto: CryptoProvider, hash: HashName, node: TreeNode): Uint8Array {
  const known = node.memo.treeHash;
  if (known !== undefined) return fromLatin1(known);
  const value = isEmpty(node)
    ? emptyHash(crypto, hash, node)
    : hashNode(crypto, hash, node, node.parent, (child) => subtreeHash(crypto, hash, child));
  node.memo.treeHash = toLatin1(value);
  return value;
}

/**
 * RFC 9420 §7.9: the hash that a subtree had before these leaves were added, for leaves that ascend and lie below the node: they are
 * blanked, and taken from the unmerged leaves of all parents. Costs one hash per node above one of them.
 */
export function originalHash(
  crypto: CryptoProvider,
  hash: HashName,
  node: TreeNode,
  without: readonly number[],
): Uint8Array {
  if (without.length === 0) return subtreeHash(crypto, hash, node);
  if (node.level === 0) return hashLeaf(crypto, hash, node.index / 2, undefined);
  const gone = new Set(without);
  const parent = node.parent && {
    ...node.parent,
    unmergedLeaves: node.parent.unmergedLeaves.filter((leafIndex) => !gone.has(leafIndex)),
  };
  return hashNode(crypto, hash, node, parent, (child) =>
    originalHash(crypto, hash, child, within(child, without)),
  );
}

/** RFC 9420 §7.9: the parent hash of a node, given the tree hash its copath child had when the node was last set. */
export function parentHash(
  crypto: CryptoProvider,
  hash: HashName,
  parent: Pick<ParentNode, "encryptionKey" | "parentHash">,
  originalSiblingHash: Uint8Array,
): Uint8Array {
  const writer = new Writer(256);
  writer.opaque(parent.encryptionKey);
  writer.opaque(parent.parentHash);
  writer.opaque(originalSiblingHash);
  return crypto.hash(hash, writer.finish());
}

/** Those of the ascending leaf indices that lie below a node. */
export function within(node: TreeNode, leaves: readonly number[]): readonly number[] {
  const [first, end] = leafRange(node);
  const from = lowerBound(leaves, first);
  const to = lowerBound(leaves, end);
  return from === 0 && to === leaves.length ? leaves : leaves.slice(from, to);
}

/** Encoding of a parent node, made once. */
export function parentNodeBytes(parent: ParentNode): Uint8Array {
  return encodingOf(parent, writeParentNode);
}

function hashNode(
  crypto: CryptoProvider,
  hash: HashName,
  node: TreeNode,
  parent: ParentNode | undefined,
  hashOf: (child: TreeNode) => Uint8Array,
): Uint8Array {
  if (node.level === 0) {
    return hashLeaf(crypto, hash, node.index / 2, node.leaf && leafNodeBytes(node.leaf));
  }
  const [left, right] = childrenOf(node);
  return hashParent(crypto, hash, parent, hashOf(left), hashOf(right));
}

/** LeafNodeHashInput. */
function hashLeaf(
  crypto: CryptoProvider,
  hash: HashName,
  leafIndex: number,
  leaf: Uint8Array | undefined,
): Uint8Array {
  const input = new Uint8Array(6 + (leaf?.length ?? 0));
  input[0] = 1;
  new DataView(input.buffer).setUint32(1, leafIndex);
  if (leaf !== undefined) {
    input[5] = 1;
    input.set(leaf, 6);
  }
  return crypto.hash(hash, input);
}

/** ParentNodeHashInput. */
function hashParent(
  crypto: CryptoProvider,
  hash: HashName,
  parent: ParentNode | undefined,
  left: Uint8Array,
  right: Uint8Array,
): Uint8Array {
  const encoded = parent && parentNodeBytes(parent);
  const writer = new Writer(8 + left.length + right.length + (encoded?.length ?? 0));
  writer.u8(2);
  writer.u8(encoded === undefined ? 0 : 1);
  if (encoded !== undefined) writer.bytes(encoded);
  writer.opaque(left);
  writer.opaque(right);
  return crypto.hash(hash, writer.finish());
}

function toLatin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Hashes of all-blank subtrees, which depend on nothing but their place. Without these, each add into the blank half of a tree that
 * was just extended would hash that half again. Leaves are left out: they cost one hash and are half of the memory.
 */
const emptyHashes = new Map<string, Uint8Array>();
const maxEmptyHashes = 32_768;

function emptyHash(crypto: CryptoProvider, hash: HashName, node: TreeNode): Uint8Array {
  if (node.level === 0) return hashLeaf(crypto, hash, node.index / 2, undefined);
  const key = `${hash} ${node.index}`;
  let value = emptyHashes.get(key);
  if (value === undefined) {
    const [left, right] = childrenOf(node);
    value = hashParent(
      crypto,
      hash,
      undefined,
      emptyHash(crypto, hash, left),
      emptyHash(crypto, hash, right),
    );
    if (emptyHashes.size >= maxEmptyHashes) emptyHashes.clear();
    emptyHashes.set(key, value);
  }
  return value;
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
