import { toHex } from "@coterie/base";
import { countOf, countsOf, withKey, withoutKey } from "./counts.ts";
import type { Counts } from "./counts.ts";
import type { TreeNode } from "./tree-node.ts";
import type { LeafNode, ParentNode } from "./types.ts";

/** Every public key of a tree, counted: RFC 9420 wants each to be there once. */
export interface TreeKeys {
  /** HPKE keys of leaves and parents. */
  readonly encryption: Counts;
  /** Signature keys of leaves. */
  readonly signature: Counts;
}

/** Contents that leave and enter a tree; a parent that only changes its unmerged leaves is in both. */
export interface KeyChange {
  readonly removed: (LeafNode | ParentNode)[];
  readonly added: (LeafNode | ParentNode)[];
}

export function keysOf(root: TreeNode): TreeKeys {
  const encryption: string[] = [];
  const signature: string[] = [];
  const visit = (node: TreeNode): void => {
    if (node.leaf !== undefined) {
      encryption.push(text(node.leaf.encryptionKey));
      signature.push(text(node.leaf.signatureKey));
    }
    if (node.parent !== undefined) encryption.push(text(node.parent.encryptionKey));
    if (node.left !== undefined) visit(node.left);
    if (node.right !== undefined) visit(node.right);
  };
  visit(root);
  return { encryption: countsOf(encryption), signature: countsOf(signature) };
}

export function changeKeys(keys: TreeKeys, change: KeyChange): TreeKeys {
  let { encryption, signature } = keys;
  const kept = new Set<Uint8Array>(change.added.map((node) => node.encryptionKey));
  const before = new Set<Uint8Array>(change.removed.map((node) => node.encryptionKey));
  for (const node of change.removed) {
    if (!kept.has(node.encryptionKey))
      encryption = withoutKey(encryption, text(node.encryptionKey));
    if ("signatureKey" in node) signature = withoutKey(signature, text(node.signatureKey));
  }
  for (const node of change.added) {
    if (!before.has(node.encryptionKey)) encryption = withKey(encryption, text(node.encryptionKey));
    if ("signatureKey" in node) signature = withKey(signature, text(node.signatureKey));
  }
  return { encryption, signature };
}

export function hasEncryptionKey(keys: TreeKeys, key: Uint8Array): boolean {
  return countOf(keys.encryption, text(key)) > 0;
}

function text(key: Uint8Array): string {
  // In one go: a string that was put together piece by piece is copied again when it is first looked up. A tree of a stranger may have keys of any
  // length, which are refused later.
  return key.length <= 256 ? String.fromCharCode(...key) : toHex(key);
}
