import { toUtf8 } from "@coterie/base";
import { generateKeyPair } from "@coterie/crypto";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { createPrivateTree, withLeafKey } from "../src/private-tree.ts";
import type { PrivateTree } from "../src/private-tree.ts";
import { implantPathSecret, mergePath, openPath } from "../src/receive-path.ts";
import { signLeaf } from "../src/create-key-package.ts";
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
  treeKeys,
} from "../src/tree.ts";
import type { RatchetTree } from "../src/tree.ts";
import { decodeRatchetTree, encodeRatchetTree } from "../src/tree-codec.ts";
import { treeHash } from "../src/tree-hash.ts";
import { keysOf } from "../src/tree-keys.ts";
import { encryptionKeyOf } from "../src/tree-node.ts";
import { supportOf } from "../src/tree-support.ts";
import { validateMembers, validateTree } from "../src/tree-validation.ts";
import { createPath, pathSecretFor, sealPath } from "../src/update-path.ts";
import { validateLeaf } from "../src/validate-leaf.ts";
import { seeded } from "./arbitraries.ts";
import { suiteOf } from "./vectors.ts";
import { person } from "./world.ts";
import type { Person } from "./world.ts";

const crypto = opensslProvider;
const suite = suiteOf(3);
const groupId = toUtf8("story");

interface Participant {
  readonly who: Person;
  readonly own: PrivateTree;
}

/** What does not depend on history must be what it would be if the tree were built from its bytes. */
function expectSameFromBytes(tree: RatchetTree): void {
  const fresh = decodeRatchetTree(suite, encodeRatchetTree(tree));
  expect(leafCount(fresh)).toBe(leafCount(tree));
  expect(treeHash(crypto, fresh)).toEqual(treeHash(crypto, tree));
  expect(supportOf(fresh)).toEqual(supportOf(tree));
  const keys = keysOf(fresh.root);
  for (const what of ["encryption", "signature"] as const) {
    expect(treeKeys(tree)[what].distinct).toBe(keys[what].distinct);
    expect(treeKeys(tree)[what].total).toBe(keys[what].total);
  }
  validateTree({ crypto, tree: fresh, groupId, extensions: [] });
}

function expectOwn(tree: RatchetTree, own: PrivateTree): void {
  for (const [index, key] of own.keys) {
    const node = nodeAt(tree, index);
    expect(crypto.dhPublicKey(suite.dh, key)).toEqual(node && encryptionKeyOf(node));
  }
}

test.each([1, 2, 3, 4, 5, 6])(
  "RFC 9420 §7: random commits keep all members in step, and every tree is valid for a joiner (seed %i)",
  (seed) => {
    const random = seeded(seed);
    const pick = (count: number): number => Math.floor(random() * count);
    let names = 0;
    const founder = person(crypto, suite, "0");
    let tree = createTree(suite, founder.keyPackage.leafNode);
    let group = new Map<number, Participant>([
      [0, { who: founder, own: createPrivateTree(0, founder.secrets.encryptionKey.privateKey) }],
    ]);

    for (let round = 0; round < 25; round++) {
      const indices = [...group.keys()];
      const committer = indices[pick(indices.length)] as number;
      const next = new Map(group);
      const others = indices.filter((index) => index !== committer);
      let changed = tree;

      for (const index of others) {
        const member = next.get(index) as Participant;
        const luck = random();
        if (luck < 0.15) {
          changed = applyRemove(changed, index);
          next.delete(index);
        } else if (luck < 0.3) {
          const key = generateKeyPair(crypto, suite);
          const replaces = requireMember(tree, index);
          const leaf = signLeaf({
            crypto,
            suite,
            signer: member.who.signer,
            place: { groupId, leafIndex: index },
            leaf: { ...replaces, encryptionKey: key.publicKey, source: { kind: "update" } },
          });
          const place = { kind: "update", groupId, leafIndex: index, replaces } as const;
          validateLeaf({ crypto, suite, leaf, place });
          changed = applyUpdate(changed, index, leaf);
          next.set(index, { ...member, own: withLeafKey(member.own, key.privateKey) });
        }
      }
      const added: number[] = [];
      for (let count = round < 8 ? 1 + pick(4) : pick(3); count > 0; count--) {
        const who = person(crypto, suite, String(++names));
        const at = applyAdd(changed, who.keyPackage.leafNode);
        changed = at.tree;
        added.push(at.leafIndex);
        const own = createPrivateTree(at.leafIndex, who.secrets.encryptionKey.privateKey);
        next.set(at.leafIndex, { who, own });
      }
      // Now and then a commit without a path: adds only, so that unmerged leaves pile up.
      if (added.length > 0 && next.size === group.size + added.length && random() < 0.4) {
        const quiet = indices.every((index) => memberAt(changed, index) === memberAt(tree, index));
        if (quiet) {
          tree = changed;
          group = next;
          expectSameFromBytes(tree);
          continue;
        }
      }

      const { who } = group.get(committer) as Participant;
      const leaf = requireMember(changed, committer);
      const created = createPath({
        crypto,
        tree: changed,
        leafIndex: committer,
        groupId,
        signer: who.signer,
        leaf,
      });
      const groupContext = treeHash(crypto, created.tree);
      const path = sealPath({ crypto, path: created, groupContext, added });
      const place = { kind: "commit", groupId, leafIndex: committer, replaces: leaf } as const;
      validateLeaf({ crypto, suite, leaf: path.leafNode, place });
      const merged = mergePath({ crypto, tree: changed, senderLeaf: committer, path });
      validateMembers(merged, []);
      expect(treeHash(crypto, merged)).toEqual(groupContext);

      for (const [index, member] of next) {
        if (index === committer) next.set(index, { ...member, own: created.own });
        else if (added.includes(index)) {
          const pathSecret = pathSecretFor(created, index) as Uint8Array;
          const own = implantPathSecret({
            crypto,
            tree: merged,
            own: member.own,
            committerLeaf: committer,
            pathSecret,
          });
          next.set(index, { ...member, own });
        } else {
          const opened = openPath({
            crypto,
            tree: merged,
            own: member.own,
            senderLeaf: committer,
            path,
            groupContext,
            added,
          });
          expect(opened.commitSecret).toEqual(created.commitSecret);
          next.set(index, { ...member, own: opened.own });
        }
      }
      for (const [index, member] of group) {
        if (next.has(index)) continue;
        expect(() =>
          openPath({
            crypto,
            tree: merged,
            own: member.own,
            senderLeaf: committer,
            path,
            groupContext,
            added,
          }),
        ).toThrowError(
          expect.objectContaining({
            code: expect.stringMatching(/^mls\/(no-path-key|open-failed|bad-path)$/),
          }),
        );
      }
      tree = merged;
      group = next;
      expect(membersOf(tree).map(({ leafIndex }) => leafIndex)).toEqual(
        [...group.keys()].toSorted((a, b) => a - b),
      );
      for (const { own } of group.values()) expectOwn(tree, own);
      expectSameFromBytes(tree);
    }
  },
  60_000,
);
