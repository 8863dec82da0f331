import { opensslProvider } from "@coterie/crypto/openssl";
import { nobleProvider } from "@coterie/crypto/noble";
import type { CryptoProvider } from "@coterie/crypto";
import { expect, test } from "vitest";
import { decodeWith, encodeWith } from "../src/codec.ts";
import { readUpdatePath, writeUpdatePath } from "../src/commit-types.ts";
import { createPrivateTree, withKeys } from "../src/private-tree.ts";
import type { PrivateTree } from "../src/private-tree.ts";
import { mergePath, openPath } from "../src/receive-path.ts";
import { requireMember } from "../src/tree.ts";
import type { RatchetTree } from "../src/tree.ts";
import { decodeRatchetTree } from "../src/tree-codec.ts";
import { treeHash } from "../src/tree-hash.ts";
import { nodeAt } from "../src/tree.ts";
import { encryptionKeyOf } from "../src/tree-node.ts";
import { validateMembers } from "../src/tree-validation.ts";
import { createPath, nextPathSecret, nodeKeyPair, sealPath } from "../src/update-path.ts";
import type { UpdatePath } from "../src/types.ts";
import { validateLeaf } from "../src/validate-leaf.ts";
import { groupContextBytes } from "../src/welcome-types.ts";
import { casesOf, hex, noVectors, privateKey, report, suiteOf } from "./vectors.ts";

interface TreeKemCase {
  readonly cipher_suite: number;
  readonly group_id: string;
  readonly epoch: number;
  readonly confirmed_transcript_hash: string;
  readonly ratchet_tree: string;
  readonly leaves_private: readonly {
    readonly index: number;
    readonly encryption_priv: string;
    readonly signature_priv: string;
    readonly path_secrets: readonly { readonly node: number; readonly path_secret: string }[];
  }[];
  readonly update_paths: readonly {
    readonly sender: number;
    readonly update_path: string;
    readonly path_secrets: readonly (string | null)[];
    readonly commit_secret: string;
    readonly tree_hash_after: string;
  }[];
}

function contextOf(c: TreeKemCase, hash: Uint8Array): Uint8Array {
  return groupContextBytes({
    version: 1,
    cipherSuite: c.cipher_suite,
    groupId: hex(c.group_id),
    epoch: BigInt(c.epoch),
    treeHash: hash,
    confirmedTranscriptHash: hex(c.confirmed_transcript_hash),
    extensions: [],
  });
}

function expectOwn(crypto: CryptoProvider, tree: RatchetTree, own: PrivateTree): void {
  for (const [index, key] of own.keys) {
    const node = nodeAt(tree, index);
    expect(crypto.dhPublicKey(tree.suite.dh, key)).toEqual(node && encryptionKeyOf(node));
  }
}

function receive(
  crypto: CryptoProvider,
  c: TreeKemCase,
  tree: RatchetTree,
  senderLeaf: number,
  path: UpdatePath,
): RatchetTree {
  const groupId = hex(c.group_id);
  const replaces = requireMember(tree, senderLeaf);
  const place = { kind: "commit", groupId, leafIndex: senderLeaf, replaces } as const;
  validateLeaf({ crypto, suite: tree.suite, leaf: path.leafNode, place });
  const merged = mergePath({ crypto, tree, senderLeaf, path });
  validateMembers(merged, []);
  return merged;
}

function check(crypto: CryptoProvider, c: TreeKemCase): void {
  const suite = suiteOf(c.cipher_suite);
  const tree = decodeRatchetTree(suite, hex(c.ratchet_tree));
  const groupId = hex(c.group_id);
  const members = c.leaves_private.map((leaf) => {
    const keys = leaf.path_secrets.map(({ node, path_secret }) => {
      const pair = nodeKeyPair(crypto, suite, hex(path_secret));
      return [node, pair.privateKey] as const;
    });
    const first = createPrivateTree(leaf.index, privateKey(suite.dh, leaf.encryption_priv));
    return { own: withKeys(first, keys), signaturePriv: leaf.signature_priv };
  });
  for (const { own } of members) expectOwn(crypto, tree, own);

  for (const each of c.update_paths) {
    const path = decodeWith(readUpdatePath, hex(each.update_path));
    const merged = receive(crypto, c, tree, each.sender, path);
    expect(treeHash(crypto, merged)).toEqual(hex(each.tree_hash_after));
    const groupContext = contextOf(c, hex(each.tree_hash_after));
    for (const { own } of members) {
      const expected = each.path_secrets[own.leafIndex];
      if (own.leafIndex === each.sender) {
        expect(expected).toBe(null);
        continue;
      }
      const opened = openPath({
        crypto,
        tree: merged,
        own,
        senderLeaf: each.sender,
        path,
        groupContext,
        added: [],
      });
      expect(opened.commitSecret).toEqual(hex(each.commit_secret));
      // The path secret that the vector names for this leaf is among those that were used.
      expect(opened.spent).toContainEqual(hex(expected ?? ""));
      if (c.cipher_suite <= 3) expectOwn(crypto, merged, opened.own);
    }
  }

  for (const { own, signaturePriv } of members) {
    const senderLeaf = own.leafIndex;
    const leaf = requireMember(tree, senderLeaf);
    const signer = {
      privateKey: privateKey(suite.signature, signaturePriv),
      publicKey: leaf.signatureKey,
    };
    const created = createPath({ crypto, tree, leafIndex: senderLeaf, groupId, signer, leaf });
    const groupContext = contextOf(c, treeHash(crypto, created.tree));
    const sealed = sealPath({ crypto, path: created, groupContext, added: [] });
    const path = decodeWith(readUpdatePath, encodeWith(writeUpdatePath, sealed));
    const merged = receive(crypto, c, tree, senderLeaf, path);
    expect(treeHash(crypto, merged)).toEqual(treeHash(crypto, created.tree));
    for (const other of members) {
      if (other.own.leafIndex === senderLeaf) continue;
      const opened = openPath({
        crypto,
        tree: merged,
        own: other.own,
        senderLeaf,
        path,
        groupContext,
        added: [],
      });
      expect(opened.commitSecret).toEqual(created.commitSecret);
    }
  }
}

test.skipIf(noVectors)(
  "RFC 9420 §7.5: paths of the vectors and our own, opened by every member",
  () => {
    const cases = casesOf<TreeKemCase>("treekem");
    for (const c of cases) check(opensslProvider, c);
    for (const c of cases) {
      if (c.cipher_suite <= 3 && c.leaves_private.length <= 3) check(nobleProvider, c);
    }
    report("treekem", cases.length);
  },
  300_000,
);

test("RFC 9420 §7.4: path secrets chain", () => {
  const suite = suiteOf(1);
  const first = new Uint8Array(32).fill(7);
  const second = nextPathSecret(opensslProvider, suite, first);
  expect(second).not.toEqual(first);
  expect(nodeKeyPair(opensslProvider, suite, first)).toEqual(
    nodeKeyPair(nobleProvider, suite, first),
  );
});
