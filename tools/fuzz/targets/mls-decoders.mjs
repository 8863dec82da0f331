import { equal } from "../../../packages/base/src/index.ts";
import { copyOf } from "../mutate-value.mjs";
import {
  crypto,
  evesKeys,
  extensions,
  firstWelcome,
  bigCommit,
  groupInfo,
  groups,
  messages,
  mls,
  pendingBytes,
  process,
  ratchetTree,
  snapshotEntries,
  suite3,
} from "./mls-world.mjs";

const same = (a, b, what) => {
  if (!equal(a, b)) throw new Error(`${what}: what was decoded encodes to other bytes`);
};

const all = [...messages.public, ...messages.private, firstWelcome, bigCommit.welcome, groupInfo];
const keyPackageMessage = mls.encodeMlsMessage({
  kind: "key-package",
  keyPackage: evesKeys.keyPackage,
});

/** A target takes any bytes, and throws nothing but typed errors. `parse` and `print` let its input be changed as a value. */
export const targets = [
  {
    name: "mls-message",
    seeds: [...all, keyPackageMessage],
    parse: mls.decodeMlsMessage,
    print: mls.encodeMlsMessage,
    run(bytes) {
      const whole = mls.decodeMlsMessage(bytes);
      // RFC 9420 §2.1 knows one encoding of each value: remembered bytes and new ones are the same.
      same(mls.encodeMlsMessage(copyOf(whole)), bytes, "message");
      mls.peekMessage(bytes);
    },
  },
  { name: "mls-peek", seeds: all.map((bytes) => bytes.slice(0, 64)), run: mls.peekMessage },
  {
    name: "mls-key-package",
    seeds: [evesKeys.bytes],
    parse: mls.decodeKeyPackage,
    print: mls.encodeKeyPackage,
    run(bytes) {
      const keyPackage = mls.decodeKeyPackage(bytes);
      same(mls.encodeKeyPackage(copyOf(keyPackage)), bytes, "key package");
      mls.verifyKeyPackage({ crypto, keyPackage, extensions, nowSeconds: 5n });
    },
  },
  {
    name: "mls-tree",
    seeds: [
      ratchetTree,
      mls.encodeRatchetTree(groups.bob.past.length > 0 ? groups.cyd.tree : groups.bob.tree),
    ],
    run(bytes) {
      const tree = mls.decodeRatchetTree(suite3, bytes);
      same(mls.encodeRatchetTree(tree), bytes, "tree");
      mls.treeHash(crypto, tree);
      mls.validateTree({ crypto, tree, groupId: groups.ada.groupId, extensions });
    },
  },
  {
    name: "mls-extensions",
    seeds: extensions.map(({ data }) => data),
    run(bytes) {
      // Each of the two refuses the other's bytes.
      let failure;
      for (const decode of [mls.decodeRequiredCapabilities, mls.decodeExternalSenders]) {
        try {
          decode(bytes);
        } catch (error) {
          failure = error;
        }
      }
      if (failure) throw failure;
    },
  },
  {
    name: "mls-pending",
    seeds: [pendingBytes],
    run: (bytes) => void mls.decodePending(crypto, bytes),
  },
  {
    name: "mls-snapshot",
    // The first byte chooses which entry the others replace.
    seeds: snapshotEntries.map(([, bytes], i) => new Uint8Array([i, ...bytes])),
    run(bytes) {
      const [key] = snapshotEntries[(bytes[0] ?? 0) % snapshotEntries.length];
      const entries = new Map(snapshotEntries).set(key, bytes.slice(1));
      const group = mls.restoreGroup({ crypto, entries });
      mls.snapshot(group);
      for (const message of messages.private) process(group, message);
    },
  },
];
