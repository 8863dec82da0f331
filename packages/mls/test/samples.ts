import { toUtf8 } from "@coterie/base";
import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import { encodeMlsMessage } from "../src/message.ts";
import { applyAdd, createTree } from "../src/tree.ts";
import type { RatchetTree } from "../src/tree.ts";
import { encodeRatchetTree } from "../src/tree-codec.ts";
import { treeHash } from "../src/tree-hash.ts";
import type { Commit, Content, MlsMessage, Proposal, Sender } from "../src/types.ts";
import { createPath, sealPath } from "../src/update-path.ts";
import { person } from "./world.ts";

export const groupId: Uint8Array = toUtf8("samples");

/** A valid tree of five with a fresh path and one unmerged leaf. */
export function sampleTree(
  crypto: CryptoProvider,
  suite: CipherSuite,
): { tree: RatchetTree; commit: Commit } {
  const people = ["a", "b", "c", "d", "e"].map((name) => person(crypto, suite, name));
  const [first, ...rest] = people.map(({ keyPackage }) => keyPackage.leafNode);
  if (first === undefined) throw new Error("five people");
  let tree = createTree(suite, first);
  for (const leaf of rest.slice(0, 3)) ({ tree } = applyAdd(tree, leaf));
  const [{ signer } = { signer: crypto.generateSigner(suite.signature) }] = people;
  const path = createPath({ crypto, tree, leafIndex: 0, groupId, signer, leaf: first });
  const sealed = sealPath({ crypto, path, groupContext: treeHash(crypto, path.tree), added: [] });
  const keyPackage = person(crypto, suite, "f").keyPackage;
  const commit: Commit = {
    proposals: [
      { kind: "proposal", proposal: { kind: "add", keyPackage } },
      { kind: "reference", reference: new Uint8Array(32).fill(9) },
    ],
    path: sealed,
  };
  const last = rest[3];
  if (last === undefined) throw new Error("five people");
  return { tree: applyAdd(path.tree, last).tree, commit };
}

/** One message of each kind, with each kind of proposal, sender and extension in it. */
export function sampleMessages(
  crypto: CryptoProvider,
  suite: CipherSuite,
): Record<string, MlsMessage> {
  const { tree, commit } = sampleTree(crypto, suite);
  const { keyPackage } = person(crypto, suite, "sample", {
    capabilities: { extensions: [0xff00, 0x0a0a], proposals: [0xff01] },
    leafExtensions: [{ type: 0xff00, data: toUtf8("leaf") }],
  });
  const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(length);
  const context = {
    version: 1,
    cipherSuite: suite.id,
    groupId,
    epoch: 5n,
    treeHash: treeHash(crypto, tree),
    confirmedTranscriptHash: bytes(32),
    extensions: [{ type: 0xff00, data: bytes(80) }],
  };
  const resumption = {
    kind: "resumption",
    usage: "branch",
    groupId,
    epoch: 4n,
    nonce: bytes(32),
  } as const;
  const proposals: Record<string, Proposal> = {
    add: { kind: "add", keyPackage },
    update: { kind: "update", leafNode: { ...keyPackage.leafNode, source: { kind: "update" } } },
    remove: { kind: "remove", removed: 3 },
    externalPsk: { kind: "psk", psk: { kind: "external", pskId: bytes(9), nonce: bytes(32) } },
    resumptionPsk: { kind: "psk", psk: resumption },
    reinit: { kind: "reinit", groupId, version: 1, cipherSuite: 2, extensions: [] },
    externalInit: { kind: "external-init", kemOutput: bytes(32) },
    contextExtensions: { kind: "group-context-extensions", extensions: context.extensions },
    custom: { kind: "custom", type: 0xff01, data: bytes(70) },
    x509: {
      kind: "update",
      leafNode: {
        ...keyPackage.leafNode,
        credential: { kind: "x509", certificates: [bytes(100), bytes(3)] },
      },
    },
    otherCredential: {
      kind: "update",
      leafNode: {
        ...keyPackage.leafNode,
        credential: { kind: "unknown", type: 0xf0f0, data: bytes(5) },
      },
    },
  };
  const member: Sender = { kind: "member", leafIndex: 1 };
  const framed = (content: Content, sender: Sender): MlsMessage => ({
    kind: "public",
    message: {
      content: { groupId, epoch: 5n, sender, authenticatedData: bytes(4), content },
      auth: {
        signature: bytes(64),
        confirmationTag: content.kind === "commit" ? bytes(32) : undefined,
      },
      membershipTag: sender.kind === "member" ? bytes(32) : undefined,
    },
  });
  const messages: Record<string, MlsMessage> = {
    keyPackage: { kind: "key-package", keyPackage },
    application: framed({ kind: "application", data: bytes(20) }, member),
    commit: framed({ kind: "commit", commit }, member),
    externalCommit: framed({ kind: "commit", commit }, { kind: "new-member-commit" }),
    external: framed(
      { kind: "proposal", proposal: { kind: "remove", removed: 1 } },
      { kind: "external", senderIndex: 2 },
    ),
    newMember: framed(
      { kind: "proposal", proposal: { kind: "add", keyPackage } },
      { kind: "new-member-proposal" },
    ),
    private: {
      kind: "private",
      message: {
        groupId,
        epoch: 5n,
        contentType: "application",
        authenticatedData: bytes(0),
        encryptedSenderData: bytes(28),
        ciphertext: bytes(200),
      },
    },
    welcome: {
      kind: "welcome",
      welcome: {
        cipherSuite: suite.id,
        secrets: [1, 2].map(() => ({
          newMember: bytes(32),
          encryptedGroupSecrets: { kemOutput: bytes(32), ciphertext: bytes(90) },
        })),
        encryptedGroupInfo: bytes(300),
      },
    },
    groupInfo: {
      kind: "group-info",
      groupInfo: {
        groupContext: context,
        extensions: [{ type: 2, data: encodeRatchetTree(tree) }],
        confirmationTag: bytes(32),
        signer: 0,
        signature: bytes(64),
      },
    },
  };
  for (const [name, proposal] of Object.entries(proposals)) {
    messages[`proposal ${name}`] = framed({ kind: "proposal", proposal }, member);
  }
  return messages;
}

export function sampleMessageBytes(
  crypto: CryptoProvider,
  suite: CipherSuite,
): Record<string, Uint8Array> {
  const out: Record<string, Uint8Array> = {};
  for (const [name, message] of Object.entries(sampleMessages(crypto, suite)))
    out[name] = encodeMlsMessage(message);
  return out;
}
