import { toUtf8 } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { decodeWith, encodeWith } from "../src/codec.ts";
import { readUpdatePath, writeUpdatePath } from "../src/commit-types.ts";
import { leafNodeBytes } from "../src/leaf-node.ts";
import { noCounts, countOf, countsOf, withKey, withoutKey } from "../src/counts.ts";
import { createPrivateTree } from "../src/private-tree.ts";
import { mergePath, openPath } from "../src/receive-path.ts";
import {
  applyAdd,
  applyRemove,
  applyUpdate,
  createTree,
  leafCount,
  memberAt,
  membersOf,
  nodeAt,
  requireMember,
  treeOf,
  withFreeLeaf,
} from "../src/tree.ts";
import type { RatchetTree } from "../src/tree.ts";
import { decodeRatchetTree, encodeRatchetTree } from "../src/tree-codec.ts";
import { treeHash } from "../src/tree-hash.ts";
import { parentOver } from "../src/tree-node.ts";
import type { TreeNode } from "../src/tree-node.ts";
import { validateMembers, validateTree } from "../src/tree-validation.ts";
import type { ParentNode, UpdatePath } from "../src/types.ts";
import { createPath, sealPath } from "../src/update-path.ts";
import type { NewPath } from "../src/update-path.ts";
import { seeded } from "./arbitraries.ts";
import { suiteOf } from "./vectors.ts";
import { person } from "./world.ts";
import type { Person } from "./world.ts";

const crypto = opensslProvider;
const suite = suiteOf(3);
const groupId = toUtf8("tree rules");
const people: readonly Person[] = Array.from({ length: 9 }, (_, i) =>
  person(crypto, suite, `p${i}`),
);
const who = (index: number): Person => people[index] as Person;

const refused = (code: string, details: Record<string, unknown> = {}): unknown =>
  expect.objectContaining({ code, details: expect.objectContaining(details) });

function treeWith(count: number): RatchetTree {
  let tree = createTree(suite, who(0).keyPackage.leafNode);
  for (let i = 1; i < count; i++) ({ tree } = applyAdd(tree, who(i).keyPackage.leafNode));
  return tree;
}

function pathOf(
  tree: RatchetTree,
  leafIndex: number,
  added: readonly number[] = [],
): { created: NewPath; path: UpdatePath; groupContext: Uint8Array } {
  const leaf = requireMember(tree, leafIndex);
  const created = createPath({
    crypto,
    tree,
    leafIndex,
    groupId,
    signer: who(leafIndex).signer,
    leaf,
  });
  const groupContext = treeHash(crypto, created.tree);
  return { created, groupContext, path: sealPath({ crypto, path: created, groupContext, added }) };
}

/** The same tree with one parent replaced, whatever that breaks. */
function withParent(
  tree: RatchetTree,
  index: number,
  change: (parent: ParentNode | undefined) => ParentNode | undefined,
): RatchetTree {
  const rebuild = (node: TreeNode): TreeNode => {
    if (node.left === undefined || node.right === undefined) return node;
    const parent = node.index === index ? change(node.parent) : node.parent;
    return parentOver(parent, rebuild(node.left), rebuild(node.right));
  };
  return treeOf(suite, rebuild(tree.root));
}

const valid = (tree: RatchetTree): void => validateTree({ crypto, tree, groupId, extensions: [] });

test("RFC 9420 §12.1.1: adds fill the leftmost blank leaf, then extend the tree", () => {
  let tree = treeWith(4);
  tree = applyRemove(applyRemove(tree, 1), 2);
  const first = applyAdd(tree, who(5).keyPackage.leafNode);
  const second = applyAdd(first.tree, who(6).keyPackage.leafNode);
  const third = applyAdd(second.tree, who(7).keyPackage.leafNode);
  expect([first.leafIndex, second.leafIndex, third.leafIndex]).toEqual([1, 2, 4]);
  expect(leafCount(second.tree)).toBe(4);
  expect(leafCount(third.tree)).toBe(8);
  expect(withFreeLeaf(third.tree).leafIndex).toBe(5);
  expect(withFreeLeaf(treeWith(2)).leafIndex).toBe(2);
});

test("RFC 9420 §12.1.3: removals truncate the tree to its last member", () => {
  const tree = treeWith(9);
  expect(leafCount(tree)).toBe(16);
  expect(leafCount(applyRemove(tree, 8))).toBe(8);
  let small = tree;
  for (let i = 8; i > 1; i--) small = applyRemove(small, i);
  expect(leafCount(small)).toBe(2);
  expect(leafCount(applyRemove(small, 1))).toBe(1);
  let sparse = tree;
  for (let i = 1; i < 8; i++) sparse = applyRemove(sparse, i);
  expect(leafCount(sparse)).toBe(16);
  expect(leafCount(applyRemove(sparse, 8))).toBe(1);
});

test("a change leaves the tree it started from as it was", () => {
  const { created } = pathOf(treeWith(5), 2);
  const before = encodeRatchetTree(created.tree);
  const hash = treeHash(crypto, created.tree);
  applyRemove(created.tree, 0);
  applyUpdate(created.tree, 1, who(7).keyPackage.leafNode);
  pathOf(applyAdd(created.tree, who(6).keyPackage.leafNode).tree, 0);
  expect(encodeRatchetTree(created.tree)).toEqual(before);
  expect(treeHash(crypto, decodeRatchetTree(suite, before))).toEqual(hash);
});

test("what a commit puts into the tree does not keep the commit in memory", () => {
  const tree = treeWith(9);
  const { path } = pathOf(tree, 0);
  const received = decodeWith(readUpdatePath, encodeWith(writeUpdatePath, path));
  const merged = mergePath({ crypto, tree, senderLeaf: 0, path: received });
  expect(received.leafNode.encryptionKey.buffer.byteLength).toBeGreaterThan(900);
  const leaf = requireMember(merged, 0);
  expect(leaf).toEqual(received.leafNode);
  for (const bytes of [leaf.encryptionKey, leaf.signature, leafNodeBytes(leaf)]) {
    expect(bytes.buffer.byteLength).toBe(leafNodeBytes(leaf).length);
  }
  expect(merged.root.parent?.encryptionKey.buffer.byteLength).toBe(32);
});

test("a leaf that is blank or outside of the tree is no member", () => {
  const tree = applyRemove(treeWith(4), 1);
  for (const leafIndex of [1, 4, 0xffffffff, -1, 0.5]) {
    expect(memberAt(tree, leafIndex)).toBe(undefined);
    expect(() => applyRemove(tree, leafIndex)).toThrowError(refused("mls/no-such-member"));
    expect(() => applyUpdate(tree, leafIndex, who(5).keyPackage.leafNode)).toThrowError(
      refused("mls/no-such-member"),
    );
  }
  expect(membersOf(tree).map(({ leafIndex }) => leafIndex)).toEqual([0, 2, 3]);
});

test("RFC 9420 §7.3: encryption and signature keys are unique among members", () => {
  const tree = treeWith(3);
  const twice = applyAdd(tree, who(1).keyPackage.leafNode).tree;
  expect(() => validateMembers(twice, [])).toThrowError(
    refused("mls/duplicate-key", { what: "encryption" }),
  );
  const sameSigner = person(crypto, suite, "again", { signer: who(1).signer });
  const signers = applyAdd(tree, sameSigner.keyPackage.leafNode).tree;
  expect(() => validateMembers(signers, [])).toThrowError(
    refused("mls/duplicate-key", { what: "signature" }),
  );
  // A commit that removes somebody and adds them again under the same signature key: no two at a time.
  validateMembers(applyAdd(applyRemove(tree, 1), sameSigner.keyPackage.leafNode).tree, []);
  // Also where the tree arrives as bytes and nothing was counted before.
  expect(() => valid(decodeRatchetTree(suite, encodeRatchetTree(twice)))).toThrowError(
    refused("mls/duplicate-key"),
  );
});

test("RFC 9420 §7.3: each credential type in use is supported by all", () => {
  const both = { credentials: [1, 2] };
  const odd = person(crypto, suite, "odd", { capabilities: both });
  const x509 = {
    ...odd.keyPackage.leafNode,
    credential: { kind: "x509", certificates: [] } as const,
  };
  expect(() => validateMembers(applyAdd(treeWith(2), x509).tree, [])).toThrowError(
    refused("mls/unsupported", { what: "credential", type: 2 }),
  );
  const open = [0, 1].map(
    (i) => person(crypto, suite, `open${i}`, { capabilities: both }).keyPackage.leafNode,
  );
  const [first, second] = open;
  if (!first || !second) throw new Error("two");
  validateMembers(applyAdd(applyAdd(createTree(suite, first), second).tree, x509).tree, []);
});

test("RFC 9420 §13.4: extensions of the context are supported by all, and leave with the last who lacks them", () => {
  const able = Array.from({ length: 3 }, (_, i) =>
    person(crypto, suite, `able${i}`, { capabilities: { extensions: [0xff00, 0x0a0a + i] } }),
  );
  let tree = treeWith(2);
  for (const { keyPackage } of able) ({ tree } = applyAdd(tree, keyPackage.leafNode));
  const extensions = [{ type: 0xff00, data: new Uint8Array(0) }];
  expect(() => validateMembers(tree, extensions)).toThrowError(
    refused("mls/unsupported", { what: "extension", type: 0xff00 }),
  );
  validateMembers(applyRemove(applyRemove(tree, 0), 1), extensions);
});

test("RFC 9420 §12.4.2: keys of a path are new to the tree and differ from each other", () => {
  const tree = pathOf(treeWith(5), 0).created.tree;
  const { path } = pathOf(tree, 1);
  const [first, second] = path.nodes;
  if (!first || !second) throw new Error("two nodes");
  const withKeyOf = (encryptionKey: Uint8Array): UpdatePath => ({
    ...path,
    nodes: [{ ...first, encryptionKey }, ...path.nodes.slice(1)],
  });
  const merge = (changed: UpdatePath): RatchetTree =>
    mergePath({ crypto, tree, senderLeaf: 1, path: changed });
  merge(path);
  const memberKey = requireMember(tree, 3).encryptionKey;
  expect(() => merge(withKeyOf(memberKey))).toThrowError(
    refused("mls/bad-path", { why: "known-key" }),
  );
  // Also a key that the path itself would replace.
  const replaced = nodeAt(tree, 1)?.parent?.encryptionKey as Uint8Array;
  expect(() => merge(withKeyOf(replaced))).toThrowError(
    refused("mls/bad-path", { why: "known-key" }),
  );
  expect(() => merge(withKeyOf(second.encryptionKey))).toThrowError(
    refused("mls/bad-path", { why: "repeated-key" }),
  );
  expect(() => merge(withKeyOf(path.leafNode.encryptionKey))).toThrowError(
    refused("mls/bad-path", { why: "repeated-key" }),
  );
  expect(() => merge(withKeyOf(new Uint8Array(33)))).toThrowError(
    refused("mls/bad-path", { why: "key" }),
  );
  expect(() => merge(withKeyOf(new Uint8Array(32).fill(9)))).toThrowError(
    refused("mls/bad-path", { why: "parent-hash" }),
  );
  expect(() => merge({ ...path, nodes: path.nodes.slice(1) })).toThrowError(
    refused("mls/bad-path", { why: "length" }),
  );
});

test("RFC 9420 §7.6: new leaves get no ciphertext, and the tree may grow in the same commit", () => {
  const added: number[] = [];
  let tree = treeWith(4);
  for (const index of [5, 6]) {
    const at = applyAdd(tree, who(index).keyPackage.leafNode);
    ({ tree } = at);
    added.push(at.leafIndex);
  }
  const { created, path, groupContext } = pathOf(tree, 0, added);
  expect(path.nodes.map((node) => node.encryptedPathSecret.length)).toEqual([1, 2, 0]);
  const merged = mergePath({ crypto, tree, senderLeaf: 0, path });
  const own = createPrivateTree(3, who(3).secrets.encryptionKey.privateKey);
  const opened = openPath({ crypto, tree: merged, own, senderLeaf: 0, path, groupContext, added });
  expect(opened.commitSecret).toEqual(created.commitSecret);
  const tooMany = path.nodes.map((node) => ({
    ...node,
    encryptedPathSecret: path.nodes[0]?.encryptedPathSecret ?? [],
  }));
  expect(() =>
    openPath({
      crypto,
      tree: merged,
      own,
      senderLeaf: 0,
      path: { ...path, nodes: tooMany },
      groupContext,
      added,
    }),
  ).toThrowError(refused("mls/bad-path", { why: "ciphertexts" }));
});

test("a commit that removes and adds into the same slot excludes the newcomer and evicts the old member", () => {
  const tree = applyRemove(treeWith(4), 2);
  const at = applyAdd(tree, who(6).keyPackage.leafNode);
  expect(at.leafIndex).toBe(2);
  const { path, created, groupContext } = pathOf(at.tree, 0, [2]);
  expect(path.nodes.map((node) => node.encryptedPathSecret.length)).toEqual([1, 1]);
  const merged = mergePath({ crypto, tree: at.tree, senderLeaf: 0, path });
  const open = (index: number): unknown =>
    openPath({
      crypto,
      tree: merged,
      own: createPrivateTree(index, who(index).secrets.encryptionKey.privateKey),
      senderLeaf: 0,
      path,
      groupContext,
      added: [2],
    }).commitSecret;
  expect(open(3)).toEqual(created.commitSecret);
  expect(() => open(2)).toThrowError(refused("mls/no-path-key"));
});

test("RFC 9420 §7.5: a secret that does not give the public keys of the path is refused", () => {
  const tree = treeWith(4);
  const { path, created, groupContext } = pathOf(tree, 0);
  const other = pathOf(tree, 0);
  const mixed = {
    ...path,
    nodes: path.nodes.map((node, i) =>
      i === 1
        ? { ...node, encryptedPathSecret: other.path.nodes[1]?.encryptedPathSecret ?? [] }
        : node,
    ),
  };
  const own = createPrivateTree(2, who(2).secrets.encryptionKey.privateKey);
  const open = (from: UpdatePath, context: Uint8Array): unknown =>
    openPath({
      crypto,
      tree: created.tree,
      own,
      senderLeaf: 0,
      path: from,
      groupContext: context,
      added: [],
    });
  open(path, groupContext);
  expect(() => open(mixed, other.groupContext)).toThrowError(
    refused("mls/bad-path", { why: "public-key" }),
  );
  expect(() => open(path, toUtf8("MLS-03: another context"))).toThrowError(
    refused("mls/open-failed"),
  );
});

test("RFC 9420 §12.4.3.1: parent hashes, unmerged leaves and keys of a received tree are checked", () => {
  const filled = pathOf(pathOf(treeWith(6), 0).created.tree, 5).created.tree;
  const tree = applyAdd(filled, who(7).keyPackage.leafNode).tree;
  valid(tree);
  const { root } = tree;
  expect(root.parent?.unmergedLeaves).toEqual([6]);
  const broken = (index: number, change: Partial<ParentNode>): RatchetTree =>
    withParent(tree, index, (parent) => parent && { ...parent, ...change });
  expect(() => valid(broken(root.index, { unmergedLeaves: [] }))).toThrowError(
    refused("mls/bad-tree", { why: "parent-hash" }),
  );
  expect(() => valid(broken(root.index, { unmergedLeaves: [2, 6] }))).toThrowError(
    refused("mls/bad-tree", { why: "unmerged" }),
  );
  expect(() => valid(broken(root.index, { unmergedLeaves: [6, 7] }))).toThrowError(
    refused("mls/bad-tree", { why: "unmerged" }),
  );
  expect(() => valid(broken(root.index, { unmergedLeaves: [6, 9] }))).toThrowError(
    refused("mls/bad-tree", { why: "unmerged" }),
  );
  const other = new Uint8Array(32).fill(7);
  expect(() => valid(broken(root.index, { encryptionKey: other }))).toThrowError(
    refused("mls/bad-tree", { why: "parent-hash" }),
  );
  // MLS-07: of low order.
  expect(() => valid(broken(root.index, { encryptionKey: new Uint8Array(32) }))).toThrowError(
    refused("mls/bad-tree", { why: "parent-key" }),
  );
  expect(() => valid(broken(root.index, { encryptionKey: new Uint8Array(4) }))).toThrowError(
    refused("mls/bad-tree", { why: "parent-key" }),
  );
  expect(() => valid(broken(9, { parentHash: new Uint8Array(32) }))).toThrowError(
    refused("mls/bad-tree", { why: "parent-hash" }),
  );
  const copied = requireMember(tree, 1).encryptionKey;
  expect(() => valid(broken(root.index, { encryptionKey: copied }))).toThrowError(
    refused("mls/duplicate-key", { what: "encryption" }),
  );
  // A parent that no leaf vouches for.
  const invented = {
    encryptionKey: new Uint8Array(32).fill(3),
    parentHash: new Uint8Array(0),
    unmergedLeaves: [],
  };
  expect(() => valid(withParent(tree, 5, () => invented))).toThrowError(
    refused("mls/bad-tree", { why: "parent-hash" }),
  );
});

test("RFC 9420 §12.4.3.3: a tree whose last node is blank, or with a node in the wrong place, is refused", () => {
  expect(() => decodeRatchetTree(suite, Uint8Array.of(0))).toThrowError(refused("mls/bad-tree"));
  expect(() => decodeRatchetTree(suite, Uint8Array.of(1, 0))).toThrowError(refused("mls/bad-tree"));
  const bytes = encodeRatchetTree(treeWith(1));
  const body = bytes.subarray(2);
  const parentAtLeaf = Uint8Array.of(5, 1, 2, 0, 0, 0);
  expect(() => decodeRatchetTree(suite, parentAtLeaf)).toThrowError(
    refused("mls/bad-value", { field: "node_type" }),
  );
  const leafAtParent = Uint8Array.from([0x40, body.length + 1, 0, ...body]);
  expect(() => decodeRatchetTree(suite, leafAtParent)).toThrowError(
    refused("mls/bad-value", { field: "node_type" }),
  );
});

test("a multiset that shares structure counts as one that copies", () => {
  const random = seeded(11);
  let counts = noCounts;
  const model = new Map<string, number>();
  const keys = Array.from({ length: 300 }, (_, i) => `key ${i}`);
  for (let step = 0; step < 5_000; step++) {
    const key = keys[Math.floor(random() * keys.length)] as string;
    const has = model.get(key) ?? 0;
    if (has > 0 && random() < 0.5) {
      counts = withoutKey(counts, key);
      if (has === 1) model.delete(key);
      else model.set(key, has - 1);
    } else {
      counts = withKey(counts, key);
      model.set(key, has + 1);
    }
    expect(counts.distinct).toBe(model.size);
  }
  for (const key of keys) expect(countOf(counts, key)).toBe(model.get(key) ?? 0);
  const again = countsOf(
    [...model].flatMap(([key, count]) => Array.from({ length: count }, () => key)),
  );
  expect([again.distinct, again.total]).toEqual([counts.distinct, counts.total]);
  for (const key of keys) expect(countOf(again, key)).toBe(model.get(key) ?? 0);
  for (const [key, count] of model)
    for (let i = 0; i < count; i++) counts = withoutKey(counts, key);
  expect(counts).toEqual(noCounts);
});
