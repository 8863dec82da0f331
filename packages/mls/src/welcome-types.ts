import { badValue } from "./codec.ts";
import type { Reader, Writer } from "./codec.ts";
import { readHpkeCiphertext, writeHpkeCiphertext } from "./commit-types.ts";
import { beforeSignature, encodingOf, remember } from "./encoded.ts";
import { readExtensions, writeExtensions } from "./leaf-node.ts";
import { limits } from "./limits.ts";
import { readPreSharedKeyId, writePreSharedKeyId } from "./psk-types.ts";
import { mls10 } from "./registry.ts";
import type {
  EncryptedGroupSecrets,
  GroupContext,
  GroupInfo,
  GroupSecrets,
  UnsignedGroupInfo,
  Welcome,
} from "./types.ts";

function writeWholeGroupContext(w: Writer, context: GroupContext): void {
  w.u16(context.version);
  w.u16(context.cipherSuite);
  w.opaque(context.groupId);
  w.u64(context.epoch);
  w.opaque(context.treeHash);
  w.opaque(context.confirmedTranscriptHash);
  writeExtensions(w, context.extensions);
}

/** The encoded GroupContext (RFC 9420 §8.1), made once per value. */
export function groupContextBytes(context: GroupContext): Uint8Array {
  return encodingOf(context, writeWholeGroupContext);
}

export function writeGroupContext(w: Writer, context: GroupContext): void {
  w.bytes(groupContextBytes(context));
}

export function readGroupContext(r: Reader): GroupContext {
  const start = r.offset;
  const version = r.u16();
  if (version !== mls10) throw badValue("version", version);
  const context: GroupContext = {
    version,
    cipherSuite: r.u16(),
    groupId: r.opaque(),
    epoch: r.u64(),
    treeHash: r.opaque(),
    confirmedTranscriptHash: r.opaque(),
    extensions: readExtensions(r),
  };
  return remember(context, r.since(start));
}

/** GroupInfoTBS (RFC 9420 §12.4.3). */
export function writeGroupInfoTbs(w: Writer, info: UnsignedGroupInfo): void {
  writeGroupContext(w, info.groupContext);
  writeExtensions(w, info.extensions);
  w.opaque(info.confirmationTag);
  w.u32(info.signer);
}

function writeWholeGroupInfo(w: Writer, info: GroupInfo): void {
  writeGroupInfoTbs(w, info);
  w.opaque(info.signature);
}

/** The bytes of a GroupInfo (RFC 9420 §12.4.3) as it was received, or as it is first written. */
export function groupInfoBytes(info: GroupInfo): Uint8Array {
  return encodingOf(info, writeWholeGroupInfo);
}

/** What the signature of a GroupInfo covers: all of it but the signature itself. */
export function groupInfoTbsBytes(info: GroupInfo): Uint8Array {
  return beforeSignature(groupInfoBytes(info), info.signature);
}

export function writeGroupInfo(w: Writer, info: GroupInfo): void {
  w.bytes(groupInfoBytes(info));
}

export function readGroupInfo(r: Reader): GroupInfo {
  const start = r.offset;
  const info: GroupInfo = {
    groupContext: readGroupContext(r),
    extensions: readExtensions(r),
    confirmationTag: r.opaque(),
    signer: r.u32(),
    signature: r.opaque(),
  };
  return remember(info, r.since(start));
}

/** GroupSecrets (RFC 9420 §12.4.3.1): what a Welcome seals for one new member. */
export function writeGroupSecrets(w: Writer, secrets: GroupSecrets): void {
  w.opaque(secrets.joinerSecret);
  w.optional(secrets.pathSecret, (_, secret) => w.opaque(secret));
  w.vector(secrets.psks, writePreSharedKeyId);
}

export function readGroupSecrets(r: Reader): GroupSecrets {
  return {
    joinerSecret: r.opaque(),
    pathSecret: r.optional((reader) => reader.opaque()),
    psks: r.vector(readPreSharedKeyId, limits.psks),
  };
}

function writeEncryptedGroupSecrets(w: Writer, secrets: EncryptedGroupSecrets): void {
  w.opaque(secrets.newMember);
  writeHpkeCiphertext(w, secrets.encryptedGroupSecrets);
}

function readEncryptedGroupSecrets(r: Reader): EncryptedGroupSecrets {
  return { newMember: r.opaque(), encryptedGroupSecrets: readHpkeCiphertext(r) };
}

/** Welcome (RFC 9420 §12.4.3.1). */
export function writeWelcome(w: Writer, welcome: Welcome): void {
  w.u16(welcome.cipherSuite);
  w.vector(welcome.secrets, writeEncryptedGroupSecrets);
  w.opaque(welcome.encryptedGroupInfo);
}

export function readWelcome(r: Reader): Welcome {
  return {
    cipherSuite: r.u16(),
    secrets: r.vector(readEncryptedGroupSecrets, limits.welcomeSecrets),
    encryptedGroupInfo: r.opaque(),
  };
}
