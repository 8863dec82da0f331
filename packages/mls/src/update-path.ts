import { deriveKeyPair, generateKeyPair, labels } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import { signLeaf } from "./create-key-package.ts";
import { deriveSecret } from "./crypto-labels.ts";
import { encryptContext, sealTo } from "./encrypt-labels.ts";
import { MlsError } from "./errors.ts";
import { createPrivateTree, withKeys } from "./private-tree.ts";
import type { PrivateTree } from "./private-tree.ts";
import { pathFromRoot, replaceLeaf, resolution } from "./tree.ts";
import type { RatchetTree } from "./tree.ts";
import { parentHash, subtreeHash } from "./tree-hash.ts";
import { covers, encryptionKeyOf } from "./tree-node.ts";
import type { TreeNode } from "./tree-node.ts";
import type { HpkeCiphertext, LeafNode, ParentNode, UpdatePath } from "./types.ts";

/** A node of a filtered direct path (RFC 9420 §4.1.2) and the subtree that its path secret is sealed to. */
export interface PathStep {
  readonly index: number;
  readonly copath: TreeNode;
}

/** From the leaf's parent to the root, without nodes whose other child has an empty resolution. */
export function filteredDirectPath(tree: RatchetTree, leafIndex: number): PathStep[] {
  const steps: PathStep[] = [];
  for (const { node, copath } of pathFromRoot(tree, leafIndex)) {
    if (copath.resolutionSize > 0) steps.unshift({ index: node.index, copath });
  }
  return steps;
}

/** A path of our own before it is sealed: the new tree is there, so that its hash can go into the context of the seals. */
export interface NewPath {
  readonly tree: RatchetTree;
  readonly leafNode: LeafNode;
  readonly nodes: readonly NewPathNode[];
  readonly own: PrivateTree;
  readonly commitSecret: Uint8Array;
  /** Path and node secrets: wipe once the path was sealed and the Welcomes were made. */
  readonly spent: readonly Uint8Array[];
}

interface NewPathNode extends PathStep {
  readonly publicKey: Uint8Array;
  readonly pathSecret: Uint8Array;
}

/**
 * Fresh keys for a leaf and its filtered direct path (RFC 9420 §7.5), with parent hashes and a signed leaf. `tree` has the commit's
 * proposals applied already.
 */
export function createPath(input: {
  readonly crypto: CryptoProvider;
  readonly tree: RatchetTree;
  readonly leafIndex: number;
  readonly groupId: Uint8Array;
  readonly signer: KeyPair;
  readonly leaf: Pick<LeafNode, "credential" | "capabilities" | "extensions">;
}): NewPath {
  const { crypto, tree, leafIndex, signer } = input;
  const { suite } = tree;
  const leafKey = generateKeyPair(crypto, suite);
  const spent: Uint8Array[] = [];
  const privateKeys: [number, Uint8Array][] = [];
  const nodes: NewPathNode[] = [];
  let pathSecret: Uint8Array = crypto.bytes(suite.hashLength);
  for (const step of filteredDirectPath(tree, leafIndex)) {
    const pair = nodeKeyPair(crypto, suite, pathSecret);
    nodes.push({ ...step, publicKey: pair.publicKey, pathSecret });
    privateKeys.push([step.index, pair.privateKey]);
    spent.push(pathSecret);
    pathSecret = nextPathSecret(crypto, suite, pathSecret);
  }
  const { parents, leafParentHash } = parentHashes(crypto, suite, nodes);
  const leafNode = signLeaf({
    crypto,
    suite,
    signer,
    place: { groupId: input.groupId, leafIndex },
    leaf: {
      encryptionKey: leafKey.publicKey,
      signatureKey: signer.publicKey,
      credential: input.leaf.credential,
      capabilities: input.leaf.capabilities,
      source: { kind: "commit", parentHash: leafParentHash },
      extensions: input.leaf.extensions,
    },
  });
  return {
    tree: replaceLeaf(tree, leafIndex, leafNode, (_, index) => parents.get(index)),
    leafNode,
    nodes,
    own: withKeys(createPrivateTree(leafIndex, leafKey.privateKey), privateKeys),
    commitSecret: pathSecret,
    spent,
  };
}

/**
 * Seals each path secret to the resolution of its copath child, without the leaves that the same commit adds (RFC 9420 §7.6).
 * `groupContext` is the encoded provisional context: new epoch, new tree hash, new extensions (MLS-03), old transcript hash. Throws
 * `mls/unusable-key` where a member published a key that nobody can own.
 */
export function sealPath(input: {
  readonly crypto: CryptoProvider;
  readonly path: NewPath;
  readonly groupContext: Uint8Array;
  readonly added: readonly number[];
}): UpdatePath {
  const { crypto, path } = input;
  const { suite } = path.tree;
  const added = new Set(input.added);
  const label = labels.mlsEncrypt.pathNode;
  const info = encryptContext(crypto, suite, label, input.groupContext);
  const sealOne = ({ index, key }: SealTarget, pathSecret: Uint8Array): HpkeCiphertext => {
    try {
      return sealTo(crypto, key, info, pathSecret);
    } catch (cause) {
      throw new MlsError("mls/unusable-key", { node: index }, { cause });
    }
  };
  const targets = path.nodes.map(({ copath }) => sealTargets(path.tree, copath, added));
  crypto.ahead?.dhEphemeral(
    suite.dh,
    targets.flatMap((ofNode) => ofNode.map(({ key }) => key)),
  );
  const nodes = path.nodes.map(({ publicKey, pathSecret }, i) => ({
    encryptionKey: publicKey,
    encryptedPathSecret: (targets[i] ?? []).map((target) => sealOne(target, pathSecret)),
  }));
  return { leafNode: path.leafNode, nodes };
}

interface SealTarget {
  readonly index: number;
  readonly key: Uint8Array;
}

function sealTargets(
  tree: RatchetTree,
  copath: TreeNode,
  added: ReadonlySet<number>,
): SealTarget[] {
  const targets: SealTarget[] = [];
  for (const node of resolution(tree, copath)) {
    const key = encryptionKeyOf(node);
    if (key === undefined || (node.level === 0 && added.has(node.index / 2))) continue;
    targets.push({ index: node.index, key });
  }
  return targets;
}

/** The path secret that goes into the Welcome of a leaf which the same commit adds (RFC 9420 §12.4.3.1). */
export function pathSecretFor(path: NewPath, leafIndex: number): Uint8Array | undefined {
  return path.nodes.find((node) => covers(node.copath, leafIndex))?.pathSecret;
}

/** RFC 9420 §7.4. The secret in between must not outlive the derivation. */
export function nodeKeyPair(
  crypto: CryptoProvider,
  suite: CipherSuite,
  pathSecret: Uint8Array,
): KeyPair {
  const nodeSecret = deriveSecret(crypto, suite, pathSecret, labels.mlsSecret.node);
  const pair = deriveKeyPair(crypto, suite, nodeSecret);
  nodeSecret.fill(0);
  return pair;
}

/** RFC 9420 §7.4; after the last node, the commit secret. */
export function nextPathSecret(
  crypto: CryptoProvider,
  suite: CipherSuite,
  pathSecret: Uint8Array,
): Uint8Array {
  return deriveSecret(crypto, suite, pathSecret, labels.mlsSecret.path);
}

/**
 * The parent nodes of a fresh path, from the root down (RFC 9420 §7.9), and the parent hash of the leaf. A fresh node has no unmerged
 * leaves, so the original sibling tree hash is the current one.
 */
export function parentHashes(
  crypto: CryptoProvider,
  suite: CipherSuite,
  nodes: readonly (PathStep & { readonly publicKey: Uint8Array })[],
): { readonly parents: Map<number, ParentNode>; readonly leafParentHash: Uint8Array } {
  const parents = new Map<number, ParentNode>();
  let above: Uint8Array = new Uint8Array(0);
  for (const { index, copath, publicKey } of nodes.toReversed()) {
    const parent: ParentNode = { encryptionKey: publicKey, parentHash: above, unmergedLeaves: [] };
    parents.set(index, parent);
    above = parentHash(crypto, suite.hash, parent, subtreeHash(crypto, suite.hash, copath));
  }
  return { parents, leafParentHash: above };
}
