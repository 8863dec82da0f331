// A group in which everybody has committed, so that no parent is blank: put together from the parts of the package, as the commits of N
// members would take hours.
import { groupOf } from "../../../packages/mls/dist/group.js";
import { deriveEpochSecrets } from "../../../packages/mls/dist/key-schedule.js";
import { defaultGroupOptions } from "../../../packages/mls/dist/options.js";
import { createSecretTree } from "../../../packages/mls/dist/secret-tree.js";
import { confirmationTag, interimTranscriptHash } from "../../../packages/mls/dist/transcript.js";
import { applyAdd, createTree, leafCount, pathFromRoot } from "../../../packages/mls/dist/tree.js";
import { treeHash } from "../../../packages/mls/dist/tree-hash.js";
import { createPath } from "../../../packages/mls/dist/update-path.js";
import { crowd, maker as crypto, suite } from "./people.mjs";

/** The group as its first and its last member see it. */
export function filledGroup(size) {
  const people = crowd(size);
  const groupId = crypto.bytes(16);
  const leafOf = (who) => who.keys.keyPackage.leafNode;
  let tree = createTree(suite, leafOf(people[0]));
  for (const who of people.slice(1)) ({ tree } = applyAdd(tree, leafOf(who)));
  const privateKeys = new Map();
  for (const [leafIndex, who] of people.entries()) {
    const path = createPath({
      crypto,
      tree,
      leafIndex,
      groupId,
      signer: who.signer,
      leaf: leafOf(who),
    });
    ({ tree } = path);
    for (const [index, key] of path.own.keys) privateKeys.set(index, key);
  }
  const context = {
    version: 1,
    cipherSuite: suite.id,
    groupId,
    epoch: 7n,
    treeHash: treeHash(crypto, tree),
    confirmedTranscriptHash: crypto.bytes(32),
    extensions: [],
  };
  const { secrets, encryptionSecret } = deriveEpochSecrets(crypto, suite, crypto.bytes(32));
  const confirmed = context.confirmedTranscriptHash;
  const tag = confirmationTag(crypto, suite, secrets.confirmationKey, confirmed);
  const seenBy = (leafIndex) => {
    const indices = [2 * leafIndex, ...pathFromRoot(tree, leafIndex).map(({ node }) => node.index)];
    const keys = indices.flatMap((index) =>
      privateKeys.has(index) ? [[index, privateKeys.get(index)]] : [],
    );
    return groupOf({
      suite,
      options: defaultGroupOptions,
      status: { kind: "active" },
      state: {
        context,
        tree,
        own: { leafIndex, keys: new Map(keys) },
        secrets,
        interimTranscriptHash: interimTranscriptHash(crypto, suite, confirmed, tag),
        confirmationTag: tag,
      },
      messageKeys: createSecretTree(encryptionSecret, leafCount(tree)),
      past: [],
      proposals: new Map(),
    });
  };
  return { first: seenBy(0), last: seenBy(size - 1), people };
}

/** Nodes on a member's way to the root that a path fills. */
export function depthOf(size) {
  return Math.ceil(Math.log2(size));
}
