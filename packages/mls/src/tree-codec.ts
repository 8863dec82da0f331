import type { CipherSuite } from "@coterie/crypto";
import { badValue, decodeWith, encodeWith, Writer } from "./codec.ts";
import type { Reader } from "./codec.ts";
import { remember } from "./encoded.ts";
import { MlsError } from "./errors.ts";
import { readLeafNode, readParentNode, writeLeafNode } from "./leaf-node.ts";
import { limits } from "./limits.ts";
import { treeOf } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import { parentNodeBytes } from "./tree-hash.ts";
import { childrenOf, emptyAt, isEmpty, leafAt, parentOver } from "./tree-node.ts";
import type { TreeNode } from "./tree-node.ts";
import type { LeafNode, ParentNode } from "./types.ts";

type NodeContent =
  | { readonly kind: "leaf"; readonly leaf: LeafNode }
  | { readonly kind: "parent"; readonly parent: ParentNode };

/** The content of a `ratchet_tree` extension (RFC 9420 §12.4.3.3), without the blanks at the end. */
export function encodeRatchetTree(tree: RatchetTree): Uint8Array<ArrayBuffer> {
  const { pieces, length } = piecesOf(tree);
  const writer = new Writer(length + 4);
  writePieces(writer, pieces, length);
  return writer.finish();
}

export function writeRatchetTree(w: Writer, tree: RatchetTree): void {
  const { pieces, length } = piecesOf(tree);
  writePieces(w, pieces, length);
}

function piecesOf(tree: RatchetTree): {
  readonly pieces: readonly Uint8Array[];
  readonly length: number;
} {
  const pieces: Uint8Array[] = [];
  collectUpToLastNode(pieces, tree.root);
  return { pieces, length: pieces.reduce((sum, piece) => sum + piece.length, 0) };
}

function writePieces(w: Writer, pieces: readonly Uint8Array[], length: number): void {
  w.varint(length);
  for (const piece of pieces) w.bytes(piece);
}

/** Reads a `ratchet_tree` extension. Form only: see `validateTree` for what a joiner has to check. */
export function decodeRatchetTree(suite: CipherSuite, bytes: Uint8Array): RatchetTree {
  return decodeWith((reader) => readRatchetTree(reader, suite), bytes);
}

/** Each blank node is one byte, so that a subtree has one encoding wherever it is not the last. */
function collectUpToLastNode(pieces: Uint8Array[], node: TreeNode): void {
  const { left, right } = node;
  if (left === undefined || right === undefined) {
    if (!isEmpty(node)) pieces.push(encodeWith(writeNode, node));
    return;
  }
  if (isEmpty(right) && node.parent === undefined) return collectUpToLastNode(pieces, left);
  collectAll(pieces, left);
  pieces.push(encodeWith(writeNode, node));
  collectUpToLastNode(pieces, right);
}

/** A Welcome carries the whole tree, of which one path differs from that of the Welcome before: so pieces of 32 leaves are kept. */
const keptLevel = 5;

function collectAll(pieces: Uint8Array[], node: TreeNode): void {
  if (node.level > keptLevel && !isEmpty(node)) {
    const [left, right] = childrenOf(node);
    collectAll(pieces, left);
    pieces.push(encodeWith(writeNode, node));
    collectAll(pieces, right);
  } else if (node.level === keptLevel) {
    node.memo.encoding ??= encodeWith(writeSubtree, node);
    pieces.push(node.memo.encoding);
  } else pieces.push(encodeWith(writeSubtree, node));
}

function writeSubtree(w: Writer, node: TreeNode): void {
  if (isEmpty(node)) return w.bytes(new Uint8Array(2 ** (node.level + 1) - 1));
  if (node.left !== undefined) writeSubtree(w, node.left);
  writeNode(w, node);
  if (node.right !== undefined) writeSubtree(w, node.right);
}

export function readRatchetTree(r: Reader, suite: CipherSuite): RatchetTree {
  const nodes = r.vector((reader) => reader.optional(readNode), limits.treeNodes);
  // RFC 9420 §12.4.3.3: the last node is not blank.
  if (nodes.at(-1) === undefined) throw new MlsError("mls/bad-tree", { nodes: nodes.length });
  let level = 0;
  while (2 ** (level + 1) - 1 < nodes.length) level++;
  return treeOf(suite, assemble(nodes, 2 ** level - 1, level));
}

function assemble(
  nodes: readonly (NodeContent | undefined)[],
  index: number,
  level: number,
): TreeNode {
  const content = nodes[index];
  if (level === 0) {
    if (content?.kind === "parent") throw badValue("node_type", 2);
    return leafAt(index, content?.leaf);
  }
  if (content?.kind === "leaf") throw badValue("node_type", 1);
  const step = 2 ** (level - 1);
  if (index - 2 ** level + 1 >= nodes.length) return emptyAt(index, level);
  const left = assemble(nodes, index - step, level - 1);
  const right = assemble(nodes, index + step, level - 1);
  return parentOver(content?.parent, left, right);
}

function writeNode(w: Writer, node: TreeNode): void {
  if (node.leaf !== undefined) {
    w.u8(1);
    w.u8(1);
    writeLeafNode(w, node.leaf);
  } else if (node.parent !== undefined) {
    w.u8(1);
    w.u8(2);
    w.bytes(parentNodeBytes(node.parent));
  } else w.u8(0);
}

function readNode(r: Reader): NodeContent {
  const type = r.u8();
  if (type === 1) return { kind: "leaf", leaf: readLeafNode(r) };
  if (type !== 2) throw badValue("node_type", type);
  const start = r.offset;
  const parent = readParentNode(r);
  return { kind: "parent", parent: remember(parent, r.since(start)) };
}
