import type { CipherSuite } from "@coterie/crypto";
import { badValue, decodeWith, encodeWith } from "./codec.ts";
import type { Reader, Writer } from "./codec.ts";
import { remember } from "./encoded.ts";
import { MlsError } from "./errors.ts";
import { readLeafNode, readParentNode, writeLeafNode } from "./leaf-node.ts";
import { limits } from "./limits.ts";
import { treeOf } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import { parentNodeBytes } from "./tree-hash.ts";
import { emptyAt, leafAt, parentOver } from "./tree-node.ts";
import type { TreeNode } from "./tree-node.ts";
import type { LeafNode, ParentNode } from "./types.ts";

type NodeContent =
  | { readonly kind: "leaf"; readonly leaf: LeafNode }
  | { readonly kind: "parent"; readonly parent: ParentNode };

/** The content of a `ratchet_tree` extension (RFC 9420 §12.4.3.3), without the blanks at the end. */
export function encodeRatchetTree(tree: RatchetTree): Uint8Array<ArrayBuffer> {
  return encodeWith(writeRatchetTree, tree);
}

/** Reads a `ratchet_tree` extension. Form only: see `validateTree` for what a joiner has to check. */
export function decodeRatchetTree(suite: CipherSuite, bytes: Uint8Array): RatchetTree {
  return decodeWith((reader) => readRatchetTree(reader, suite), bytes);
}

export function writeRatchetTree(w: Writer, tree: RatchetTree): void {
  let blanks = 0;
  const visit = (node: TreeNode): void => {
    if (node.left === undefined && node.leaf === undefined) {
      blanks += 2 ** (node.level + 1) - 1;
      return;
    }
    if (node.left !== undefined) visit(node.left);
    if (node.leaf === undefined && node.parent === undefined) blanks++;
    else {
      for (; blanks > 0; blanks--) w.u8(0);
      w.u8(1);
      writeNode(w, node);
    }
    if (node.right !== undefined) visit(node.right);
  };
  w.nested(() => visit(tree.root));
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
    writeLeafNode(w, node.leaf);
  } else if (node.parent !== undefined) {
    w.u8(2);
    w.bytes(parentNodeBytes(node.parent));
  }
}

function readNode(r: Reader): NodeContent {
  const type = r.u8();
  if (type === 1) return { kind: "leaf", leaf: readLeafNode(r) };
  if (type !== 2) throw badValue("node_type", type);
  const start = r.offset;
  const parent = readParentNode(r);
  return { kind: "parent", parent: remember(parent, r.since(start)) };
}
