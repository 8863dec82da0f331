import { equal, wipe } from "@coterie/base";
import { labels } from "@coterie/crypto";
import type { CryptoProvider } from "@coterie/crypto";
import { isDhKey } from "./dh-key.ts";
import { decryptWithLabel } from "./encrypt-labels.ts";
import { MlsError } from "./errors.ts";
import { pruned, withKeys } from "./private-tree.ts";
import type { PrivateTree } from "./private-tree.ts";
import { nodeAt, replaceLeaf, treeKeys } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import { within } from "./tree-hash.ts";
import { hasEncryptionKey } from "./tree-keys.ts";
import { commonAncestor } from "./tree-math.ts";
import { childrenOf, covers, encryptionKeyOf } from "./tree-node.ts";
import type { TreeNode } from "./tree-node.ts";
import type { UpdatePath } from "./types.ts";
import { filteredDirectPath, nextPathSecret, nodeKeyPair, parentHashes } from "./update-path.ts";

/** What a member gains from a path: keys for its nodes, and the secret that enters the key schedule. */
export interface OpenedPath {
  readonly own: PrivateTree;
  readonly commitSecret: Uint8Array;
  /** Of the path alone; also among what is spent. */
  readonly pathSecrets: readonly Uint8Array[];
  /** With the private keys that the path replaces, which the group as it was still needs. */
  readonly spent: readonly Uint8Array[];
}

/**
 * Puts a received path into a tree that has the commit's proposals applied (RFC 9420 §7.5, §12.4.2). Checks its length, its keys, and
 * the leaf's parent hash; the leaf itself is for `validateLeaf`. `senderLeaf` may be a blank leaf: an external commit. Throws
 * `mls/bad-path` with `why`.
 */
export function mergePath(input: {
  readonly crypto: CryptoProvider;
  readonly tree: RatchetTree;
  readonly senderLeaf: number;
  readonly path: UpdatePath;
}): RatchetTree {
  const { crypto, tree, senderLeaf, path } = input;
  const steps = filteredDirectPath(tree, senderLeaf);
  if (steps.length !== path.nodes.length) throw badPath("length");
  const keys = treeKeys(tree);
  const nodes = [];
  for (const [i, step] of steps.entries()) {
    const publicKey = (path.nodes[i] as UpdatePath["nodes"][number]).encryptionKey;
    if (!isDhKey(tree.suite, publicKey)) throw badPath("key");
    nodes.push({ ...step, publicKey: publicKey.slice() });
  }
  // RFC 9420 §12.4.2: no key of the path is in the tree, not even in a node that the path replaces; nor twice in the path.
  const fresh = [path.leafNode.encryptionKey, ...nodes.map((node) => node.publicKey)];
  for (const [i, key] of fresh.entries()) {
    if (hasEncryptionKey(keys, key)) {
      // A leaf with a key that is there already is refused alike, whichever way it comes.
      throw i === 0
        ? new MlsError("mls/duplicate-key", { what: "encryption" })
        : badPath("known-key");
    }
    if (fresh.some((other, j) => j < i && equal(other, key))) throw badPath("repeated-key");
  }
  const { parents, leafParentHash } = parentHashes(crypto, tree.suite, nodes);
  const { source } = path.leafNode;
  if (source.kind !== "commit" || !equal(source.parentHash, leafParentHash)) {
    throw badPath("parent-hash");
  }
  return replaceLeaf(tree, senderLeaf, path.leafNode, (_, index) => parents.get(index));
}

/**
 * Opens the one ciphertext of a merged path that is for us, and derives the keys from there to the root (RFC 9420 §7.5).
 * `groupContext` is the encoded provisional context as for `sealPath`. Throws `mls/bad-path`, `mls/open-failed`, or
 * `mls/no-path-key` where we hold no key that the path was sealed to.
 */
export function openPath(input: {
  readonly crypto: CryptoProvider;
  /** With the path merged. */
  readonly tree: RatchetTree;
  readonly own: PrivateTree;
  readonly senderLeaf: number;
  readonly path: UpdatePath;
  readonly groupContext: Uint8Array;
  /** Leaves that the same commit adds. */
  readonly added: readonly number[];
}): OpenedPath {
  const { crypto, tree, own, senderLeaf, path, groupContext } = input;
  const added = input.added.toSorted((a, b) => a - b);
  const steps = filteredDirectPath(tree, senderLeaf);
  for (const [i, { copath }] of steps.entries()) {
    const expected = copath.resolutionSize - within(copath, added).length;
    if (path.nodes[i]?.encryptedPathSecret.length !== expected) throw badPath("ciphertexts");
  }
  const from = steps.findIndex((step) => covers(step.copath, own.leafIndex));
  const step = steps[from];
  // A leaf that the commit adds got its secret by Welcome; whoever had its place before has none.
  if (step === undefined || added.includes(own.leafIndex)) {
    throw new MlsError("mls/no-path-key", { leafIndex: own.leafIndex });
  }
  const { position, node } = recipient(step.copath, own.leafIndex, added);
  const privateKey = own.keys.get(node.index);
  const publicKey = encryptionKeyOf(node);
  const sealed = path.nodes[from]?.encryptedPathSecret[position];
  if (privateKey === undefined || publicKey === undefined || sealed === undefined) {
    throw new MlsError("mls/no-path-key", { node: node.index });
  }
  const pair = { privateKey, publicKey };
  const label = labels.mlsEncrypt.pathNode;
  const pathSecret = decryptWithLabel(crypto, tree.suite, pair, label, groupContext, sealed);
  const indices = steps.slice(from).map(({ index }) => index);
  return deriveUp(crypto, tree, own, indices, pathSecret);
}

/**
 * The path secret of a Welcome (RFC 9420 §12.4.3.1): keys from the lowest node above both us and the committer up to the root. Throws
 * `mls/bad-path` where they do not fit the tree.
 */
export function implantPathSecret(input: {
  readonly crypto: CryptoProvider;
  readonly tree: RatchetTree;
  readonly own: PrivateTree;
  readonly committerLeaf: number;
  readonly pathSecret: Uint8Array;
}): PrivateTree {
  const { crypto, tree, own, committerLeaf, pathSecret } = input;
  const lowest = commonAncestor(own.leafIndex, committerLeaf);
  const steps = filteredDirectPath(tree, committerLeaf).map(({ index }) => index);
  const from = steps.indexOf(lowest);
  if (from === -1) throw badPath("no-common-node");
  const opened = deriveUp(crypto, tree, own, steps.slice(from), pathSecret);
  // The one that was given is its owner's to wipe.
  wipe(...opened.pathSecrets.filter((secret) => secret !== pathSecret), opened.commitSecret);
  return opened.own;
}

/** Each private key is checked against the public one that the tree shows (RFC 9420 §7.5). */
function deriveUp(
  crypto: CryptoProvider,
  tree: RatchetTree,
  own: PrivateTree,
  indices: readonly number[],
  firstSecret: Uint8Array,
): OpenedPath {
  if (firstSecret.length !== tree.suite.hashLength) throw badPath("secret-length");
  const keys: [number, Uint8Array][] = [];
  const replaced: Uint8Array[] = [];
  const pathSecrets: Uint8Array[] = [];
  let pathSecret = firstSecret;
  for (const index of indices) {
    const pair = nodeKeyPair(crypto, tree.suite, pathSecret);
    const expected = nodeAt(tree, index)?.parent?.encryptionKey;
    if (expected === undefined || !equal(pair.publicKey, expected)) throw badPath("public-key");
    keys.push([index, pair.privateKey]);
    const before = own.keys.get(index);
    if (before !== undefined) replaced.push(before);
    pathSecrets.push(pathSecret);
    pathSecret = nextPathSecret(crypto, tree.suite, pathSecret);
  }
  const kept = pruned(withKeys(own, keys), tree);
  const spent = [...pathSecrets, ...replaced, ...kept.spent];
  return { own: kept.own, commitSecret: pathSecret, pathSecrets, spent };
}

/**
 * The node in a resolution that stands for a leaf, and its position among those not added by the commit. Walks down one path and counts
 * what lies to the left, rather than listing a resolution that may be as long as the group.
 */
function recipient(
  copath: TreeNode,
  leafIndex: number,
  added: readonly number[],
): { readonly position: number; readonly node: TreeNode } {
  let node = copath;
  let position = 0;
  while (node.level > 0) {
    if (node.parent !== undefined) {
      const unmerged = node.parent.unmergedLeaves.filter((leaf) => !added.includes(leaf));
      const at = unmerged.indexOf(leafIndex);
      if (at === -1) return { position, node };
      while (node.level > 0) node = childrenOf(node)[2 * leafIndex < node.index ? 0 : 1];
      return { position: position + 1 + at, node };
    }
    const [left, right] = childrenOf(node);
    if (covers(right, leafIndex)) {
      position += left.resolutionSize - within(left, added).length;
      node = right;
    } else node = left;
  }
  return { position, node };
}

function badPath(why: string): MlsError {
  return new MlsError("mls/bad-path", { why });
}
