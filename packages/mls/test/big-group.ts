import { generateKeyPair } from "@coterie/crypto";
import { signLeaf } from "../src/create-key-package.ts";
import { groupOf } from "../src/group.ts";
import type { Extension, LeafNode } from "../src/index.ts";
import { deriveEpochSecrets } from "../src/key-schedule.ts";
import { defaultGroupOptions } from "../src/options.ts";
import { createPrivateTree } from "../src/private-tree.ts";
import { createSecretTree } from "../src/secret-tree.ts";
import { confirmationTag, interimTranscriptHash } from "../src/transcript.ts";
import { applyAdd, createTree, leafCount } from "../src/tree.ts";
import type { RatchetTree } from "../src/tree.ts";
import { treeHash } from "../src/tree-hash.ts";
import { validateMembers } from "../src/tree-validation.ts";
import { capabilities, crypto as plain, groupId, person, suite } from "./people.ts";
import type { Person } from "./people.ts";

/** As large as an XMTP leaf: 66 bytes of credential, a handful of capabilities. */
function leafOf(who: Person, encryptionKey: Uint8Array): LeafNode {
  return signLeaf({
    crypto: plain,
    suite: who.suite,
    signer: who.signer,
    place: { groupId, leafIndex: 0 },
    leaf: {
      encryptionKey,
      signatureKey: who.signer.publicKey,
      credential: { kind: "basic", identity: new Uint8Array(66).fill(1) },
      capabilities,
      source: { kind: "update" },
      extensions: [],
    },
  });
}

/** A member whose keys are only bytes, to which one can seal but as which nobody can open. */
function filler(index: number, like: LeafNode): LeafNode {
  const key = new Uint8Array(32).fill(0x11);
  new DataView(key.buffer).setUint32(0, index + 1);
  return { ...like, encryptionKey: key, signatureKey: key.with(31, 1) };
}

export interface Big {
  readonly ada: Person;
  readonly bob: Person;
}

/** Two real members, the first and the last, of a group of this size, put together without a commit. */
export function bigGroup(size: number, extensions: readonly Extension[] = []): Big {
  const people = [person("ada"), person("bob")] as const;
  const keys = people.map(() => generateKeyPair(plain, suite()));
  const leaves = people.map((who, i) => leafOf(who, keys[i]?.publicKey as Uint8Array));
  let tree: RatchetTree = createTree(suite(), leaves[0] as LeafNode);
  for (let i = 1; i < size - 1; i++) ({ tree } = applyAdd(tree, filler(i, leaves[0] as LeafNode)));
  ({ tree } = applyAdd(tree, leaves[1] as LeafNode));
  validateMembers(tree, []);
  const context = {
    version: 1,
    cipherSuite: 3,
    groupId,
    epoch: 7n,
    treeHash: treeHash(plain, tree),
    confirmedTranscriptHash: new Uint8Array(32),
    extensions,
  };
  const { secrets, encryptionSecret } = deriveEpochSecrets(
    plain,
    suite(),
    new Uint8Array(32).fill(3),
  );
  const confirmed = context.confirmedTranscriptHash;
  const tag = confirmationTag(plain, suite(), secrets.confirmationKey, confirmed);
  for (const [i, who] of people.entries()) {
    const leafIndex = i === 0 ? 0 : size - 1;
    who.group = groupOf({
      suite: suite(),
      options: defaultGroupOptions,
      status: { kind: "active" },
      state: {
        context,
        tree,
        own: createPrivateTree(leafIndex, keys[i]?.privateKey as Uint8Array),
        secrets,
        interimTranscriptHash: interimTranscriptHash(plain, suite(), confirmed, tag),
        confirmationTag: tag,
      },
      messageKeys: createSecretTree(encryptionSecret, leafCount(tree)),
      past: [],
      proposals: new Map(),
    });
  }
  return { ada: people[0], bob: people[1] };
}
