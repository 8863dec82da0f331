import { labels } from "../../../packages/crypto/src/index.ts";
import { decodeWith, encodeWith, Reader } from "../../../packages/mls/src/codec.ts";
import { signWithLabel } from "../../../packages/mls/src/crypto-labels.ts";
import { decryptWithLabel, encryptWithLabel } from "../../../packages/mls/src/encrypt-labels.ts";
import { readContentBody, writeContentBody } from "../../../packages/mls/src/framing-types.ts";
import {
  deriveMemberSecret,
  deriveWelcomeKey,
  zeroSecret,
} from "../../../packages/mls/src/key-schedule.ts";
import { sealPrivateMessage } from "../../../packages/mls/src/protect.ts";
import { nextKey } from "../../../packages/mls/src/ratchet.ts";
import { findRatchet } from "../../../packages/mls/src/secret-tree.ts";
import { signAsMember } from "../../../packages/mls/src/send.ts";
import {
  readGroupInfo,
  readGroupSecrets,
  writeGroupInfo,
  writeGroupInfoTbs,
  writeGroupSecrets,
} from "../../../packages/mls/src/welcome-types.ts";
import {
  ada,
  answerOf,
  bigCommit,
  bob,
  bytesOf,
  crypto,
  eve,
  firstWelcome,
  groupInfo,
  groups,
  judge,
  messages,
  mls,
  process,
  psks,
  publicFrom,
  resignKeyPackage,
  resignLeaf,
  suite3,
} from "./mls-world.mjs";

const before = bytesOf(groups.bob);
let sinceLook = 0;

/** An answer and never an exception; now and then, that the group is to the byte what it was. */
function take(message) {
  const result = process(groups.bob, message);
  if (++sinceLook < 500) return result;
  sinceLook = 0;
  if (bytesOf(groups.bob) !== before) throw new Error("a message changed the group it was for");
  return result;
}

const flagged = (flags, bytes) => new Uint8Array([flags, ...bytes]);

/** Flags say which inner signatures ada makes again, so that what lies behind them is reached. */
function resigned(content, flags, signer) {
  const { groupId } = groups.ada;
  const place = { groupId, leafIndex: signer === ada.signer ? 0 : 3 };
  const proposal = (item) => {
    if (item.kind === "add" && flags & 2) {
      return { ...item, keyPackage: resignKeyPackage(item.keyPackage, eve.signer) };
    }
    if (item.kind === "update" && flags & 2) {
      return { ...item, leafNode: resignLeaf(item.leafNode, ada.signer, place) };
    }
    return item;
  };
  if (content.kind === "proposal") return { ...content, proposal: proposal(content.proposal) };
  if (content.kind !== "commit") return content;
  const { commit } = content;
  const path =
    commit.path && flags & 1
      ? { ...commit.path, leafNode: resignLeaf(commit.path.leafNode, signer, place) }
      : commit.path;
  const proposals = commit.proposals.map((item) =>
    item.kind === "proposal" ? { kind: "proposal", proposal: proposal(item.proposal) } : item,
  );
  return { kind: "commit", commit: { proposals, path } };
}

/** As ada, or under her key as whoever the content says it is from. */
function forgedPublic(bytes) {
  const decoded = mls.decodeMlsMessage(bytes.slice(1));
  if (decoded.kind !== "public") return take(bytes.slice(1));
  const flags = bytes[0] ?? 0;
  const { content, auth } = decoded.message;
  const sender = flags & 4 ? { kind: "member", leafIndex: 0 } : content.sender;
  const signer = sender.kind.startsWith("new-member") ? eve.signer : ada.signer;
  const framed = { ...content, sender, content: resigned(content.content, flags, signer) };
  return take(publicFrom(framed, auth.confirmationTag, signer));
}

const kinds = ["application", "proposal", "commit"];

/** The first byte: what the content says it is, and whether ada signs it. */
function forgedPrivate(bytes) {
  const kind = kinds[(bytes[0] ?? 0) % 3];
  const group = groups.ada;
  const body = bytes.slice(1);
  const r = new Reader(body);
  let content = readContentBody(r, kind);
  const padding = r.remaining;
  if (bytes[0] & 4) content = resigned(content, 3, ada.signer);
  const signed = signAsMember({
    crypto,
    group,
    signer: ada.signer,
    wireFormat: "private",
    content,
    authenticatedData: new Uint8Array(0),
  });
  const confirmationTag = kind === "commit" ? new Uint8Array(32) : undefined;
  const auth = { ...signed.auth, confirmationTag };
  const ratchet = kind === "application" ? "application" : "handshake";
  const found = findRatchet(crypto, suite3, group.messageKeys, 0, ratchet);
  const { key } = nextKey(crypto, suite3, found.ratchet);
  const message = sealPrivateMessage(crypto, suite3, {
    message: { ...signed, auth },
    leafIndex: bytes[0] & 8 ? 2 : 0,
    key: bytes[0] & 16 ? { ...key, generation: 0xfffffffe } : key,
    senderDataSecret: group.state.secrets.senderData,
    padding,
  });
  return take(mls.encodeMlsMessage({ kind: "private", message }));
}

const bodyOf = (content) => encodeWith(writeContentBody, content);
const privateBodies = messages.public.flatMap((bytes) => {
  const { content } = mls.decodeMlsMessage(bytes).message.content;
  return [0, 4].map((flag) =>
    flagged(kinds.indexOf(content.kind) + 3 * (flag ? 4 : 0), bodyOf(content)),
  );
});
const said = { kind: "application", data: new Uint8Array(5) };

const join = (welcome, keyPackages) =>
  answerOf(() => mls.join({ crypto, welcome, keyPackages, judge, psks, foundedFrom: groups.ada }));

const noAad = new Uint8Array(0);
const opened = (() => {
  const { welcome } = mls.decodeMlsMessage(firstWelcome);
  const ref = mls.keyPackageRef(crypto, bob.keys.keyPackage).join();
  const { newMember, encryptedGroupSecrets } = welcome.secrets.find(
    (entry) => entry.newMember.join() === ref,
  );
  const info = welcome.encryptedGroupInfo;
  const label = labels.mlsEncrypt.welcome;
  const { initKey } = bob.keys.secrets;
  const secrets = decryptWithLabel(crypto, suite3, initKey, label, info, encryptedGroupSecrets);
  const { joinerSecret } = decodeWith(readGroupSecrets, secrets);
  const { key, nonce } = deriveWelcomeKey(
    crypto,
    suite3,
    deriveMemberSecret(crypto, suite3, joinerSecret, zeroSecret(suite3)),
  );
  const plain = crypto.aeadOpen(suite3.aead, key, nonce, noAad, info);
  return { newMember, secrets, plain, key, nonce };
})();

/** What a committer can put into a Welcome: two lengths, GroupSecrets and GroupInfo in the clear. */
function forgedWelcome(bytes) {
  const r = new Reader(bytes);
  const flags = r.u8();
  let secrets = r.opaque();
  let info = r.rest();
  if (flags & 1) secrets = encodeWith(writeGroupSecrets, decodeWith(readGroupSecrets, secrets));
  if (flags & 2) {
    const decoded = decodeWith(readGroupInfo, info);
    const tbs = encodeWith(writeGroupInfoTbs, decoded);
    const { privateKey } = ada.signer;
    const signature = signWithLabel(crypto, suite3, privateKey, labels.mlsSign.groupInfo, tbs);
    info = encodeWith(writeGroupInfo, { ...decoded, signature });
  }
  const { newMember, key, nonce } = opened;
  const encryptedGroupInfo = crypto.aeadSeal(suite3.aead, key, nonce, noAad, info);
  const label = labels.mlsEncrypt.welcome;
  const { publicKey } = bob.keys.secrets.initKey;
  const encryptedGroupSecrets = encryptWithLabel(
    crypto,
    suite3,
    publicKey,
    label,
    encryptedGroupInfo,
    secrets,
  );
  const welcome = {
    cipherSuite: 3,
    secrets: [{ newMember, encryptedGroupSecrets }],
    encryptedGroupInfo,
  };
  join(mls.encodeMlsMessage({ kind: "welcome", welcome }), [bob.keys]);
}

const printWelcome = ({ flags, secrets, info }) =>
  encodeWith((w) => {
    w.u8(flags);
    w.opaque(encodeWith(writeGroupSecrets, secrets));
    w.bytes(encodeWith(writeGroupInfo, info));
  }, undefined);
const parseWelcome = (bytes) => {
  const r = new Reader(bytes);
  return {
    flags: r.u8(),
    secrets: decodeWith(readGroupSecrets, r.opaque()),
    info: decodeWith(readGroupInfo, r.rest()),
  };
};
const openWelcome = printWelcome({
  flags: 2,
  secrets: decodeWith(readGroupSecrets, opened.secrets),
  info: decodeWith(readGroupInfo, opened.plain),
});

function forgedGroupInfo(bytes) {
  const decoded = mls.decodeMlsMessage(bytes.slice(1));
  let message = bytes.slice(1);
  if (decoded.kind === "group-info" && bytes[0] & 1) {
    const tbs = encodeWith(writeGroupInfoTbs, decoded.groupInfo);
    const { privateKey } = ada.signer;
    const signature = signWithLabel(crypto, suite3, privateKey, labels.mlsSign.groupInfo, tbs);
    message = mls.encodeMlsMessage({
      kind: "group-info",
      groupInfo: { ...decoded.groupInfo, signature },
    });
  }
  answerOf(() => mls.joinByCommit({ ...eve, groupInfo: message, judge, pskLookup: psks }));
}

const parseFlagged = (bytes) => ({
  flags: bytes[0] ?? 0,
  message: mls.decodeMlsMessage(bytes.slice(1)),
});
const printFlagged = ({ flags, message }) => flagged(flags & 255, mls.encodeMlsMessage(message));

export const targets = [
  {
    name: "mls-process",
    seeds: [...messages.public, ...messages.private],
    parse: mls.decodeMlsMessage,
    print: mls.encodeMlsMessage,
    run: (bytes) => void take(bytes),
  },
  {
    name: "mls-process-signed",
    seeds: messages.public.flatMap((bytes) => [0, 3].map((flags) => flagged(flags, bytes))),
    parse: parseFlagged,
    print: printFlagged,
    run: (bytes) => void forgedPublic(bytes),
  },
  {
    name: "mls-process-sealed",
    seeds: [
      ...privateBodies,
      flagged(0, bodyOf(said)),
      flagged(0, new Uint8Array([...bodyOf(said), 0, 0])),
    ],
    run: (bytes) => void forgedPrivate(bytes),
  },
  {
    name: "mls-join",
    seeds: [firstWelcome, bigCommit.welcome],
    parse: mls.decodeMlsMessage,
    print: mls.encodeMlsMessage,
    run: (bytes) => void join(bytes, [bob.keys]),
  },
  {
    name: "mls-join-sealed",
    seeds: [openWelcome],
    parse: parseWelcome,
    print: printWelcome,
    run: forgedWelcome,
  },
  {
    name: "mls-join-by-commit",
    seeds: [0, 1].map((flags) => flagged(flags, groupInfo)),
    parse: parseFlagged,
    print: printFlagged,
    run: forgedGroupInfo,
  },
];
