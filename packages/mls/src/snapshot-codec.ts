import { equal } from "@coterie/base";
import { cipherSuites } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import { badValue } from "./codec.ts";
import type { Reader, Writer } from "./codec.ts";
import type { EpochState, GroupStatus, ReInit } from "./group.ts";
import type { EpochSecrets } from "./key-schedule.ts";
import { readLeafNode, writeLeafNode } from "./leaf-node.ts";
import { limits } from "./limits.ts";
import { readProposal, writeProposal } from "./proposal.ts";
import { MlsError } from "./errors.ts";
import { mostSkipped } from "./options.ts";
import type { GroupOptions } from "./options.ts";
import type { PastRecord } from "./past-epochs.ts";
import type { PrivateTree } from "./private-tree.ts";
import { readSender, writeSender } from "./framing-types.ts";
import type { StoredProposal } from "./proposals.ts";
import type { MessageKey, Ratchet } from "./ratchet.ts";
import type { SecretNode } from "./secret-tree.ts";
import { confirmationTag, tagFits } from "./transcript.ts";
import { memberAt } from "./tree.ts";
import { readRatchetTree, writeRatchetTree } from "./tree-codec.ts";
import { findExtension } from "./required-capabilities.ts";
import type { GroupContext, LeafNode } from "./types.ts";
import { readGroupContext, writeGroupContext } from "./welcome-types.ts";

// The entries of a snapshot, each behind one byte of version. What version 1 wrote must be readable for ever: a change of any of these
// is a new version.

export const snapshotVersion = 1;

/** Entries of a size that nothing legitimate has are refused before they are allocated. */
const maxPrivateKeys = 64;

export interface GroupHeader {
  readonly suite: CipherSuite;
  readonly options: GroupOptions;
  readonly status: GroupStatus;
}

export function writeHeader(w: Writer, { suite, options, status }: GroupHeader): void {
  w.u16(suite.id);
  w.u32(options.maxForwardRatchet);
  w.u32(options.outOfOrderWindow);
  w.u32(options.pastEpochs);
  w.u8(status.kind === "active" ? 0 : status.kind === "removed" ? 1 : 2);
  if (status.kind === "reinit") writeProposal(w, status.reinit);
}

export function readHeader(r: Reader): GroupHeader {
  const suite = readSuite(r);
  const options = {
    maxForwardRatchet: r.u32(),
    outOfOrderWindow: r.u32(),
    pastEpochs: r.u32(),
  };
  const status = r.u8();
  if (status === 0) return { suite, options, status: { kind: "active" } };
  if (status === 1) return { suite, options, status: { kind: "removed" } };
  if (status !== 2) throw badValue("status", status);
  return { suite, options, status: { kind: "reinit", reinit: readReInit(r) } };
}

export function readReInit(r: Reader): ReInit {
  const reinit = readProposal(r);
  if (reinit.kind !== "reinit") throw new MlsError("mls/bad-snapshot", { why: "reinit" });
  return reinit;
}

function readSuite(r: Reader): CipherSuite {
  const id = r.u16();
  const suite = cipherSuites.get(id);
  if (!suite) throw new MlsError("mls/unsupported-suite", { cipherSuite: id });
  return suite;
}

/** The order of the key schedule's table in RFC 9420 §8. */
const secretNames = [
  "senderData",
  "exporter",
  "external",
  "confirmationKey",
  "membershipKey",
  "resumptionPsk",
  "epochAuthenticator",
  "init",
] as const satisfies readonly (keyof EpochSecrets)[];

export function writeEpochState(w: Writer, state: EpochState): void {
  w.u16(state.tree.suite.id);
  writeGroupContext(w, state.context);
  writeRatchetTree(w, state.tree);
  writePrivateTree(w, state.own);
  for (const name of secretNames) w.opaque(state.secrets[name]);
  w.opaque(state.interimTranscriptHash);
  w.opaque(state.confirmationTag);
}

export function readEpochState(r: Reader): EpochState {
  const suite = readSuite(r);
  const context = readGroupContext(r);
  const tree = readRatchetTree(r, suite);
  const own = readPrivateTree(r);
  if (!memberAt(tree, own.leafIndex)) throw new MlsError("mls/bad-snapshot", { why: "own-leaf" });
  const read = new Map(secretNames.map((name) => [name, r.opaque()] as const));
  const secret = (name: keyof EpochSecrets): Uint8Array => read.get(name) ?? new Uint8Array(0);
  return {
    context,
    tree,
    own,
    secrets: {
      senderData: secret("senderData"),
      exporter: secret("exporter"),
      external: secret("external"),
      confirmationKey: secret("confirmationKey"),
      membershipKey: secret("membershipKey"),
      resumptionPsk: secret("resumptionPsk"),
      epochAuthenticator: secret("epochAuthenticator"),
      init: secret("init"),
    },
    interimTranscriptHash: r.opaque(),
    confirmationTag: r.opaque(),
  };
}

/** Throws `mls/bad-snapshot` unless secrets and transcript belong together, which the confirmation tag shows at the price of one MAC. */
export function checkEpochState(crypto: CryptoProvider, state: EpochState): void {
  const { context, tree, secrets } = state;
  const confirmed = context.confirmedTranscriptHash;
  const tag = confirmationTag(crypto, tree.suite, secrets.confirmationKey, confirmed);
  const whole = context.cipherSuite === tree.suite.id && tagFits(tag, state.confirmationTag);
  if (!whole) throw new MlsError("mls/bad-snapshot", { why: "epoch" });
}

function writePrivateTree(w: Writer, own: PrivateTree): void {
  w.u32(own.leafIndex);
  w.vector(
    [...own.keys].toSorted(([a], [b]) => a - b),
    (_, [index, key]) => {
      w.u32(index);
      w.opaque(key);
    },
  );
}

function readPrivateTree(r: Reader): PrivateTree {
  const leafIndex = r.u32();
  const keys = r.vector((reader) => [reader.u32(), reader.opaque()] as const, maxPrivateKeys);
  return { leafIndex, keys: new Map(keys) };
}

/**
 * `newer` is the context of the epoch after: an extension that stayed the same is not written again, as in a large group the
 * extensions may be most of a context.
 */
export function writePastRecord(w: Writer, record: PastRecord, newer: GroupContext): void {
  const { context } = record;
  writeGroupContext(w, { ...context, extensions: [] });
  w.vector(context.extensions, (_, { type, data }) => {
    const same = newer.extensions.some((other) => other.type === type && equal(other.data, data));
    w.u16(type);
    w.optional(same ? undefined : data, (writer, bytes) => writer.opaque(bytes));
  });
  w.opaque(record.senderDataSecret);
  w.opaque(record.resumptionPsk);
  w.u32(record.leafCount);
  writeLeaves(w, record.leaves);
}

export function readPastRecord(r: Reader, newer: GroupContext): PastRecord {
  const bare = readGroupContext(r);
  const extensions = r.vector((reader) => {
    const type = reader.u16();
    const data =
      reader.optional((inner) => inner.opaque()) ?? findExtension(newer.extensions, type)?.data;
    if (!data) throw new MlsError("mls/bad-snapshot", { extension: type });
    return { type, data };
  }, limits.extensions);
  const context = { ...bare, extensions };
  const senderDataSecret = r.opaque();
  const resumptionPsk = r.opaque();
  const leafCount = r.u32();
  if (leafCount > limits.leaves || (leafCount & (leafCount - 1)) !== 0 || leafCount === 0) {
    throw badValue("leaf_count", leafCount);
  }
  return { context, senderDataSecret, resumptionPsk, leafCount, leaves: readLeaves(r) };
}

export function writeLeaves(w: Writer, leaves: ReadonlyMap<number, LeafNode | undefined>): void {
  w.vector([...leaves], (_, [leafIndex, leaf]) => {
    w.u32(leafIndex);
    w.optional(leaf, writeLeafNode);
  });
}

export function readLeaves(r: Reader): ReadonlyMap<number, LeafNode | undefined> {
  const read = (reader: Reader) => [reader.u32(), reader.optional(readLeafNode)] as const;
  return new Map(r.vector(read, limits.leaves));
}

export function writeStoredProposal(w: Writer, stored: StoredProposal): void {
  w.opaque(stored.ref);
  writeSender(w, stored.sender);
  writeProposal(w, stored.proposal);
  w.optional(stored.updateKey, (_, { publicKey, privateKey }) => {
    w.opaque(publicKey);
    w.opaque(privateKey);
  });
}

export function readStoredProposal(r: Reader): StoredProposal {
  const ref = r.opaque();
  const sender = readSender(r);
  const proposal = readProposal(r);
  const updateKey = r.optional((reader) => ({
    publicKey: reader.opaque(),
    privateKey: reader.opaque(),
  }));
  const stored = { ref, proposal, sender };
  return updateKey ? { ...stored, updateKey } : stored;
}

type MemberNode = SecretNode & { readonly kind: "member" };

export function writeMemberNode(w: Writer, node: MemberNode): void {
  writeRatchet(w, node.handshake);
  writeRatchet(w, node.application);
}

export function readMemberNode(r: Reader): MemberNode {
  return { kind: "member", handshake: readRatchet(r), application: readRatchet(r) };
}

function writeRatchet(w: Writer, ratchet: Ratchet): void {
  w.u32(ratchet.next);
  w.opaque(ratchet.secret);
  w.vector(ratchet.skipped, (_, { generation, key, nonce }) => {
    w.u32(generation);
    w.opaque(key);
    w.opaque(nonce);
  });
}

function readRatchet(r: Reader): Ratchet {
  const next = r.u32();
  const secret = r.opaque();
  const readKey = (reader: Reader): MessageKey => ({
    generation: reader.u32(),
    key: reader.opaque(),
    nonce: reader.opaque(),
  });
  return { next, secret, skipped: r.vector(readKey, mostSkipped) };
}
