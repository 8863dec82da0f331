import { toUtf8 } from "@coterie/base";
import { generateKeyPair } from "@coterie/crypto";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { createPrivateTree } from "../src/private-tree.ts";
import { mergePath, openPath } from "../src/receive-path.ts";
import { signLeaf } from "../src/create-key-package.ts";
import {
  applyAdd,
  applyRemove,
  applyUpdate,
  createTree,
  nodeAt,
  requireMember,
} from "../src/tree.ts";
import type { RatchetTree } from "../src/tree.ts";
import { treeHash } from "../src/tree-hash.ts";
import { validateMembers } from "../src/tree-validation.ts";
import { createPath, sealPath } from "../src/update-path.ts";
import type { NewPath } from "../src/update-path.ts";
import type { HpkeCiphertext, LeafNode, UpdatePath } from "../src/types.ts";
import { validateLeaf } from "../src/validate-leaf.ts";
import { suiteOf } from "./vectors.ts";
import { capabilities, counting, person } from "./world.ts";
import type { Calls } from "./world.ts";

const suite = suiteOf(3);
const groupId = toUtf8("growth");
const { crypto, calls } = counting(opensslProvider);
const founder = person(crypto, suite, "founder");
const newcomer = person(crypto, suite, "newcomer");

/** Members whose keys are only bytes: nothing is ever sealed to them here. */
function filler(index: number): LeafNode {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(0, index + 1);
  return {
    encryptionKey: key,
    signatureKey: key.with(31, 1),
    credential: { kind: "basic", identity: toUtf8(`filler ${index}`) },
    capabilities,
    source: { kind: "key-package", lifetime: { notBefore: 0n, notAfter: 1n } },
    extensions: [],
    signature: new Uint8Array(64),
  };
}

/** A tree with everything cached that the epoch before left in the caches. */
function warmTree(members: number): RatchetTree {
  let tree = createTree(suite, founder.keyPackage.leafNode);
  for (let i = 1; i < members; i++) ({ tree } = applyAdd(tree, filler(i)));
  validateMembers(tree, []);
  treeHash(crypto, tree);
  return tree;
}

function spend(run: () => void): Calls {
  const before = { ...calls };
  run();
  const spent = { ...calls };
  for (const name of Object.keys(spent) as (keyof Calls)[]) spent[name] -= before[name];
  return spent;
}

const sizes = [100, 400, 1_000, 4_000];
const trees = new Map(sizes.map((size) => [size, warmTree(size)]));
const depth = (size: number): number => Math.ceil(Math.log2(size));

test.each(sizes)("cost: an add to %i members hashes one path", (size) => {
  const spent = spend(() => {
    const { tree } = applyAdd(trees.get(size) as RatchetTree, newcomer.keyPackage.leafNode);
    validateMembers(tree, []);
    treeHash(crypto, tree);
  });
  // Up to one fresh blank subtree per level, each of which is hashed once per process.
  expect(spent.hash).toBeLessThanOrEqual(4 * depth(size));
  expect(spent.verify + spent.sign + spent.dh + spent.generateDh).toBe(0);
});

test.each(sizes)("cost: an update or a removal among %i members hashes one path", (size) => {
  const tree = trees.get(size) as RatchetTree;
  const at = Math.floor(size / 3);
  const update = spend(() => {
    const next = applyUpdate(tree, at, newcomer.keyPackage.leafNode);
    validateMembers(next, []);
    treeHash(crypto, next);
  });
  expect(update.hash).toBe(depth(size) + 1);
  const remove = spend(() => {
    const next = applyRemove(tree, at);
    validateMembers(next, []);
    treeHash(crypto, next);
  });
  expect(remove.hash).toBeLessThanOrEqual(depth(size) + 1);
});

test.each(sizes)(
  "cost: a received path among %i members is one open, d key pairs and 2d hashes",
  (size) => {
    // The committer sits in the far half, so that its path has all d nodes and ours is the lowest open there is: the root.
    const mine = generateKeyPair(crypto, suite);
    const base = trees.get(size) as RatchetTree;
    const committerLeaf = size - 1;
    const signer = newcomer.signer;
    const own = createPrivateTree(0, mine.privateKey);
    const place = { groupId, leafIndex: committerLeaf };
    const leafOf = (index: number): LeafNode =>
      index === 0
        ? { ...founder.keyPackage.leafNode, encryptionKey: mine.publicKey }
        : signLeaf({
            crypto,
            suite,
            signer,
            place,
            leaf: { ...newcomer.keyPackage.leafNode, source: { kind: "update" } },
          });
    let tree = applyUpdate(base, 0, leafOf(0));
    tree = applyUpdate(tree, committerLeaf, leafOf(committerLeaf));
    validateMembers(tree, []);
    treeHash(crypto, tree);

    const replaces = requireMember(tree, committerLeaf);
    const created = createPath({
      crypto,
      tree,
      leafIndex: committerLeaf,
      groupId,
      signer,
      leaf: replaces,
    });
    const groupContext = treeHash(crypto, created.tree);
    // Only our own ciphertext is real.
    const sealedToUs = sealPathToFirst(created, groupContext);
    const spent = spend(() => {
      validateLeaf({
        crypto,
        suite,
        leaf: sealedToUs.leafNode,
        place: { kind: "commit", ...place, replaces },
      });
      const merged = mergePath({ crypto, tree, senderLeaf: committerLeaf, path: sealedToUs });
      validateMembers(merged, []);
      treeHash(crypto, merged);
      const opened = openPath({
        crypto,
        tree: merged,
        own,
        senderLeaf: committerLeaf,
        path: sealedToUs,
        groupContext,
        added: [],
      });
      expect(opened.commitSecret).toEqual(created.commitSecret);
    });
    expect(spent.verify).toBe(1);
    expect(spent.dh).toBe(1);
    expect(spent.dhPublicKey).toBeLessThanOrEqual(depth(size));
    expect(spent.hash).toBeLessThanOrEqual(2 * depth(size) + 2);
  },
);

/** Seals the last path secret to leaf 0 alone, and fills the other places: what a receiver does must not depend on them. */
function sealPathToFirst(path: NewPath, groupContext: Uint8Array): UpdatePath {
  const top = path.nodes.at(-1);
  const us = nodeAt(path.tree, 0);
  if (top === undefined || us === undefined) throw new Error("a path with nodes");
  const sealed = sealPath({
    crypto,
    path: { ...path, nodes: [{ ...top, copath: us }] },
    groupContext,
    added: [],
  });
  const ours = sealed.nodes[0]?.encryptedPathSecret[0];
  const dummy: HpkeCiphertext = { kemOutput: new Uint8Array(32), ciphertext: new Uint8Array(48) };
  const nodes = path.nodes.map((node) => {
    const filled = Array.from({ length: node.copath.resolutionSize }, () => dummy);
    if (node === top && ours !== undefined) filled[0] = ours;
    return { encryptionKey: node.publicKey, encryptedPathSecret: filled };
  });
  return { leafNode: path.leafNode, nodes };
}
