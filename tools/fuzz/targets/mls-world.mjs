// A group with something in every corner, the same in every run, and what a member of it could forge.
import { toHex } from "../../../packages/base/src/index.ts";
import { opensslProvider } from "../../../packages/crypto/src/openssl.ts";
import { encodeWith } from "../../../packages/mls/src/codec.ts";
import { membershipTag, signContent } from "../../../packages/mls/src/content-auth.ts";
import { signWithLabel } from "../../../packages/mls/src/crypto-labels.ts";
import * as mls from "../../../packages/mls/src/index.ts";
import { writeKeyPackageTbs } from "../../../packages/mls/src/key-package.ts";
import { leafTbs } from "../../../packages/mls/src/validate-leaf.ts";
import { groupContextBytes } from "../../../packages/mls/src/welcome-types.ts";
import { deterministicProvider, suite3 } from "../../../packages/mls/test/deterministic.ts";

export { mls, suite3 };
export const crypto = deterministicProvider(opensslProvider, "fuzz");
export const judge = mls.acceptAll;
const text = (what) => new TextEncoder().encode(what);

const capabilities = {
  versions: [1, 0x1a1a],
  cipherSuites: [3],
  extensions: [10, 0xff00, 0xff01],
  proposals: [10, 0xff07],
  credentials: [1, 2, 0x4a4a],
};
const lifetime = { notBefore: 0n, notAfter: 2n ** 40n };
const common = { crypto, cipherSuite: suite3, capabilities, lifetime };

function personOf(name, credential = { kind: "basic", identity: text(name) }) {
  return { ...common, signer: crypto.generateSigner("ed25519"), credential };
}

const psk = text("a secret that all have");
export const psks = (id) => (id.kind === "external" ? psk : undefined);

/** What a call answers; that it throws, even a typed error, is a failure. */
export function answerOf(call) {
  try {
    return call();
  } catch (cause) {
    throw new Error("thrown where an answer was due", { cause });
  }
}

export function process(group, message) {
  const input = { crypto, group, message, judge, psks, nowSeconds: 1_700_000_000n };
  return answerOf(() => mls.process(input));
}

export const ada = personOf("ada");
export const bob = personOf("bob");
const cyd = personOf("cyd", { kind: "x509", certificates: [text("leaf"), text("root")] });
export const eve = personOf("eve", { kind: "unknown", type: 0x4a4a, data: text("?") });
const outsider = personOf("outsider");
export const evesKeys = mls.createKeyPackage({
  ...eve,
  extensions: [{ type: 10, data: new Uint8Array(0) }],
});

const required = mls.encodeRequiredCapabilities({
  extensions: [0xff00],
  proposals: [0xff07],
  credentials: [1],
});
const senders = mls.encodeExternalSenders([
  { signatureKey: outsider.signer.publicKey, credential: outsider.credential },
]);
export const extensions = [
  { type: 3, data: required },
  { type: 5, data: senders },
  { type: 0xff00, data: text("metadata") },
];

const groupId = text("fuzzed group");
let adas = mls.createGroup({ ...ada, groupId, extensions });
const made = mls.commit({
  crypto,
  group: adas,
  signer: ada.signer,
  proposals: [bob, cyd].map((who) => {
    who.keys = mls.createKeyPackage(who);
    return { kind: "add", keyPackage: who.keys.keyPackage };
  }),
  forcePath: true,
});
adas = mls.adopt(made).group;
const joined = (who) => {
  const result = mls.join({ crypto, welcome: made.welcome, keyPackages: [who.keys], judge });
  if (result.kind !== "joined") throw result.reason;
  return result.group;
};
let bobs = joined(bob);
let cyds = joined(cyd);
export const firstWelcome = made.welcome;

const must = (group, message) => {
  const result = process(group, message);
  if (!("group" in result)) throw new Error(result.kind, { cause: result.reason });
  return result.group;
};
const says = (group, who, what) => {
  const sent = mls.seal({ crypto, group, signer: who.signer, plaintext: text(what) });
  return [sent.group, sent.message];
};

// A skipped key, a past epoch, proposals by a member and by the outsider, and an update of bob's own.
let message;
[adas] = says(adas, ada, "never arrives");
[adas, message] = says(adas, ada, "arrives");
bobs = must(bobs, message);
const path = mls.commit({ crypto, group: cyds, signer: cyd.signer });
cyds = mls.adopt(path).group;
[adas, bobs] = [must(adas, path.message), must(bobs, path.message)];
[adas, message] = says(adas, ada, "in the second epoch");
bobs = must(bobs, message);
const proposal = { kind: "custom", type: 0xff07, data: text("x") };
const proposed = mls.propose({ crypto, group: adas, signer: ada.signer, proposal });
adas = proposed.group;
[bobs, cyds] = [must(bobs, proposed.message), must(cyds, proposed.message)];
const asked = mls.proposeAsExternal({
  crypto,
  cipherSuite: suite3,
  groupId,
  epoch: adas.epoch,
  signer: outsider.signer,
  senderIndex: 0,
  proposal: { kind: "add", keyPackage: mls.createKeyPackage(personOf("dan")).keyPackage },
});
[adas, bobs, cyds] = [must(adas, asked), must(bobs, asked), must(cyds, asked)];
const update = mls.propose({
  crypto,
  group: bobs,
  signer: bob.signer,
  proposal: { kind: "update" },
  wireFormat: "public",
});
bobs = update.group;
[adas, cyds] = [must(adas, update.message), must(cyds, update.message)];

/** ada sends, bob receives. */
export const groups = { ada: adas, bob: bobs, cyd: cyds };

const commitOf = (more) =>
  mls.commit({
    crypto,
    group: adas,
    signer: ada.signer,
    psks,
    nowSeconds: 1_700_000_000n,
    ...more,
  });
const pskProposal = (nonce = crypto.bytes(32)) => ({
  kind: "psk",
  psk: { kind: "external", pskId: text("psk"), nonce },
});
export const bigCommit = commitOf({
  references: "all",
  proposals: [
    { kind: "add", keyPackage: evesKeys.keyPackage },
    pskProposal(),
    { kind: "group-context-extensions", extensions: extensions.slice(0, 2) },
  ],
  wireFormat: "public",
  externalPubInGroupInfo: true,
});
export const pendingBytes = mls.encodePending(bigCommit.pending);
const external = mls.joinByCommit({
  ...eve,
  groupInfo: mls.exportGroupInfo({ crypto, group: adas, signer: ada.signer }),
  judge,
  psks: [pskProposal().psk],
  pskLookup: psks,
});
const propose = (what, wireFormat) =>
  mls.propose({ crypto, group: adas, signer: ada.signer, proposal: what, wireFormat }).message;
const reinit = { kind: "reinit", groupId, version: 1, cipherSuite: 3, extensions };
const resumed = mls.resumptionPsk({ crypto, group: adas, usage: "application" }).id;

/** One of everything that a group may send. */
export const messages = {
  public: [
    bigCommit.message,
    commitOf({ wireFormat: "public" }).message,
    commitOf({ wireFormat: "public", proposals: [{ kind: "remove", removed: 2 }] }).message,
    commitOf({ wireFormat: "public", proposals: [reinit], forcePath: false }).message,
    external.message,
    asked,
    ...[reinit, pskProposal(), { kind: "psk", psk: resumed }, proposal, { kind: "update" }].map(
      (what) => propose(what, "public"),
    ),
    propose({ kind: "add", keyPackage: evesKeys.keyPackage }, "public"),
    propose({ kind: "custom", type: 10, data: new Uint8Array(0) }, "public"),
    propose({ kind: "group-context-extensions", extensions }, "public"),
  ],
  private: [
    commitOf({ references: "all", padding: 9 }).message,
    propose({ kind: "remove", removed: 2 }, "private"),
    says(adas, ada, "hello")[1],
  ],
};
export const groupInfo = mls.exportGroupInfo({ crypto, group: adas, signer: ada.signer });
export const ratchetTree = mls.encodeRatchetTree(adas.tree);
export const snapshotEntries = [...mls.snapshot(bobs)];

export function bytesOf(group) {
  return [...mls.snapshot(group)].map(([key, bytes]) => `${key} ${toHex(bytes)}`).join("\n");
}

/** Signs a leaf again, whatever is in it; `place` is for the sources that name one. */
export function resignLeaf(leaf, signer, place) {
  const where = leaf.source.kind === "key-package" ? undefined : place;
  const own = { ...leaf, signatureKey: signer.publicKey };
  const { privateKey } = signer;
  const tbs = leafTbs(own, where);
  return { ...own, signature: signWithLabel(crypto, suite3, privateKey, "LeafNodeTBS", tbs) };
}

export function resignKeyPackage(keyPackage, signer) {
  const place = { groupId, leafIndex: 0 };
  const leafNode = resignLeaf(keyPackage.leafNode, signer, place);
  const unsigned = { ...keyPackage, leafNode };
  const tbs = encodeWith(writeKeyPackageTbs, unsigned);
  const key = signer.privateKey;
  return { ...unsigned, signature: signWithLabel(crypto, suite3, key, "KeyPackageTBS", tbs) };
}

/** Content as a PublicMessage of ada's, with a signature and a membership tag that hold. */
export function publicFrom(content, confirmationTag, signer = ada.signer) {
  const group = adas;
  const contextBytes = groupContextBytes(group.context);
  const { privateKey } = signer;
  const what = { wireFormat: "public", content, contextBytes, privateKey };
  const auth = { signature: signContent(crypto, suite3, what), confirmationTag };
  const key = group.state.secrets.membershipKey;
  const tag = () =>
    membershipTag(crypto, suite3, { wireFormat: "public", content, auth }, contextBytes, key);
  return mls.encodeMlsMessage({
    kind: "public",
    message: { content, auth, membershipTag: content.sender.kind === "member" ? tag() : undefined },
  });
}
