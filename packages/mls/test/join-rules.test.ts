import { toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import {
  acceptAll,
  commit,
  decodeRatchetTree,
  encodeRatchetTree,
  extensionTypes,
  findExtension,
  join,
  resumptionPsk,
  treeHash,
} from "../src/index.ts";
import type { GroupInfo, JoinInput, RatchetTree } from "../src/index.ts";
import { replaceLeaf } from "../src/tree.ts";
import { rewelcome } from "./forge.ts";
import type { OpenWelcome } from "./forge.ts";
import { crypto, groupOfPeople, keyPackageOf, now, person, suite } from "./people.ts";
import type { Person } from "./people.ts";

const [ada, bob] = groupOfPeople(["ada", "bob", "cyd"]) as [Person, Person];
const dan = person("dan");
const kp = keyPackageOf(dan);
const made = commit({
  crypto,
  group: ada.group,
  signer: ada.signer,
  proposals: [{ kind: "add", keyPackage: kp.keyPackage }],
  forcePath: true,
  nowSeconds: now,
});
const welcome = made.welcome as Uint8Array;

function joinBy(bytes: Uint8Array, more: Partial<JoinInput> = {}): string {
  const result = join({ crypto, welcome: bytes, keyPackages: [kp], judge: acceptAll, ...more });
  return result.kind === "refused" ? result.reason.code : result.kind;
}

function altered(alter: (info: GroupInfo) => GroupInfo, signer = ada.signer): Uint8Array {
  return rewelcome(welcome, kp, signer, ({ secrets, info }) => ({ secrets, info: alter(info) }));
}

function alteredSecrets(
  alter: (secrets: OpenWelcome["secrets"]) => OpenWelcome["secrets"],
): Uint8Array {
  return rewelcome(welcome, kp, ada.signer, ({ secrets, info }) => ({
    secrets: alter(secrets),
    info,
  }));
}

/** The GroupInfo of a committer who puts another tree into it, hash and all. */
function withTree(info: GroupInfo, change: (tree: RatchetTree) => RatchetTree): GroupInfo {
  const carried = findExtension(info.extensions, extensionTypes.ratchetTree);
  const tree = change(decodeRatchetTree(suite(), carried?.data as Uint8Array));
  return {
    ...info,
    groupContext: { ...info.groupContext, treeHash: treeHash(crypto, tree) },
    extensions: [{ type: extensionTypes.ratchetTree, data: encodeRatchetTree(tree) }],
  };
}

test("a Welcome that was only opened and sealed again still joins", () => {
  expect(joinBy(altered((info) => info))).toBe("joined");
});

test("RFC 9420 §12.4.3.1: the GroupInfo is signed by the member it names", () => {
  expect(joinBy(altered((info) => info, bob.signer))).toBe("mls/bad-signature");
  expect(joinBy(altered((info) => ({ ...info, signer: 1 })))).toBe("mls/bad-signature");
  expect(joinBy(altered((info) => ({ ...info, signer: 9 })))).toBe("mls/unknown-sender");
});

test("RFC 9420 §12.4.3.1: the tree is there, is the one that was hashed, and is valid", () => {
  expect(joinBy(altered((info) => ({ ...info, extensions: [] })))).toBe("mls/missing-tree");
  const wrongHash = altered((info) => ({
    ...info,
    groupContext: { ...info.groupContext, treeHash: new Uint8Array(32) },
  }));
  expect(joinBy(wrongHash)).toBe("mls/wrong-tree-hash");
  const bent = altered((info) =>
    withTree(info, (tree) => {
      const leaf = tree.root.left?.right?.leaf;
      if (!leaf) throw new Error("bob's leaf");
      const credential = { kind: "basic", identity: toUtf8("bob's evil twin") } as const;
      return replaceLeaf(tree, 1, { ...leaf, credential }, (parent) => parent);
    }),
  );
  expect(joinBy(bent)).toBe("mls/bad-tree");
  const parentless = altered((info) =>
    withTree(info, (tree) =>
      replaceLeaf(
        tree,
        1,
        tree.root.left?.right?.leaf,
        (parent) => parent && { ...parent, parentHash: new Uint8Array(32).fill(1) },
      ),
    ),
  );
  expect(joinBy(parentless)).toBe("mls/bad-tree");
});

test("RFC 9420 §12.4.3.1: our own leaf is in the tree as we made it", () => {
  const other = keyPackageOf(dan);
  const confused = { ...kp, keyPackage: { ...kp.keyPackage, leafNode: other.keyPackage.leafNode } };
  expect(joinBy(welcome, { keyPackages: () => confused })).toBe("mls/not-in-tree");
  expect(joinBy(welcome, { keyPackages: [other] })).toBe("mls/not-for-us");
  const signer = bob.signer;
  expect(joinBy(welcome, { keyPackages: [{ ...kp, signer }] })).toBe("mls/wrong-signer");
});

test("RFC 9420 §12.4.3.1: the confirmation tag fits, and is whole", () => {
  for (const confirmationTag of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(32)]) {
    expect(joinBy(altered((info) => ({ ...info, confirmationTag })))).toBe(
      "mls/bad-confirmation-tag",
    );
  }
});

test("RFC 9420 §12.4.3.1: the suite is the key package's, and no list has two extensions of a type", () => {
  const suited = altered((info) => ({
    ...info,
    groupContext: { ...info.groupContext, cipherSuite: 1 },
  }));
  expect(joinBy(suited)).toBe("mls/wrong-suite");
  const twice = { type: 0xff00, data: toUtf8("x") };
  const doubled = altered((info) => ({
    ...info,
    groupContext: { ...info.groupContext, extensions: [twice, twice] },
  }));
  expect(joinBy(doubled)).toBe("mls/duplicate-extension");
  const unknown = altered((info) => ({ ...info, extensions: [...info.extensions, twice, twice] }));
  expect(joinBy(unknown)).toBe("mls/duplicate-extension");
  const once = altered((info) => ({ ...info, extensions: [...info.extensions, twice] }));
  expect(joinBy(once)).toBe("joined");
});

test("RFC 9420 §13.4: nobody joins a group with extensions that it does not support", () => {
  const strange = altered((info) => ({
    ...info,
    groupContext: { ...info.groupContext, extensions: [{ type: 0xff77, data: toUtf8("x") }] },
  }));
  expect(joinBy(strange)).toBe("mls/unsupported");
});

test("RFC 9420 §12.4.3.1: the path secret fits the tree", () => {
  const wrong = alteredSecrets((secrets) => ({ ...secrets, pathSecret: new Uint8Array(32) }));
  expect(joinBy(wrong)).toBe("mls/bad-path");
  const short = alteredSecrets((secrets) => ({ ...secrets, pathSecret: new Uint8Array(16) }));
  expect(joinBy(short)).toBe("mls/bad-path");
});

test("RFC 9420 §12.4.3.1: at most one PSK founds a group, whose epoch is then 1", () => {
  const psks = (["reinit", "branch"] as const).map(
    (usage) => resumptionPsk({ crypto, group: ada.group, usage }).id,
  );
  const both = alteredSecrets((secrets) => ({ ...secrets, psks }));
  expect(joinBy(both, { psks: () => new Uint8Array(32) })).toBe("mls/bad-founding");

  // The Welcome is for epoch 2 of the group.
  const psk = resumptionPsk({ crypto, group: ada.group, usage: "branch" });
  const late = rewelcome(
    welcome,
    kp,
    ada.signer,
    ({ secrets, info }) => ({ secrets: { ...secrets, psks: [psk.id] }, info }),
    [psk],
  );
  expect(joinBy(late, { psks: () => psk.secret })).toBe("mls/bad-founding");

  const { group, signer } = ada;
  expect(() => commit({ crypto, group, signer, founding: "branch" })).toThrow(
    expect.objectContaining({ code: "mls/bad-founding" }),
  );
});

test("a message of another kind is not a Welcome", () => {
  expect(joinBy(made.message)).toBe("mls/wrong-wire-format");
});
