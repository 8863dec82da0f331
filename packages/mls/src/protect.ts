import { wipe } from "@coterie/base";
import { CryptoError, labels } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import { decodeWith, encodeWith, Reader } from "./codec.ts";
import { expandWithLabel } from "./crypto-labels.ts";
import { remember } from "./encoded.ts";
import { MlsError } from "./errors.ts";
import {
  readAuthData,
  readContentBody,
  writeAuthData,
  writeContentBody,
  writeContentType,
  writeSender,
} from "./framing-types.ts";
import type { MessageKey } from "./ratchet.ts";
import type { AuthenticatedContent, FramedContent, PrivateMessage } from "./types.ts";

/** Who sent a PrivateMessage, as its members alone can read it (RFC 9420 §6.3.2). */
export interface SenderData {
  readonly leafIndex: number;
  readonly generation: number;
  /** Four bytes. */
  readonly reuseGuard: Uint8Array;
}

type Header = Pick<PrivateMessage, "groupId" | "epoch" | "contentType">;

const reuseGuardLength = 4;

/** Seals a signed message under one key of the sender's ratchet (RFC 9420 §6.3). `padding` counts zero bytes. */
export function sealPrivateMessage(
  crypto: CryptoProvider,
  suite: CipherSuite,
  what: {
    readonly message: AuthenticatedContent;
    readonly leafIndex: number;
    readonly key: MessageKey;
    readonly senderDataSecret: Uint8Array;
    readonly padding: number;
  },
): PrivateMessage {
  const { message, leafIndex, key } = what;
  const { groupId, epoch, authenticatedData, content } = message.content;
  const header: Header = { groupId, epoch, contentType: content.kind };
  const reuseGuard = crypto.bytes(reuseGuardLength);
  const plaintext = encodeWith((w, { auth }) => {
    writeContentBody(w, content);
    writeAuthData(w, content.kind, auth);
    w.bytes(new Uint8Array(what.padding));
  }, message);
  const nonce = guarded(key.nonce, reuseGuard);
  const aad = contentAad(header, authenticatedData);
  const ciphertext = crypto.aeadSeal(suite.aead, key.key, nonce, aad, plaintext);
  const sender = senderDataKey(crypto, suite, what.senderDataSecret, ciphertext);
  const encryptedSenderData = crypto.aeadSeal(
    suite.aead,
    sender.key,
    sender.nonce,
    senderDataAad(header),
    encodeWith(writeSenderData, { leafIndex, generation: key.generation, reuseGuard }),
  );
  wipe(nonce, sender.key, sender.nonce);
  return { ...header, authenticatedData, encryptedSenderData, ciphertext };
}

/** Opens the sender data. Throws `mls/open-failed`, the same for every way to fail. */
export function openSenderData(
  crypto: CryptoProvider,
  suite: CipherSuite,
  senderDataSecret: Uint8Array,
  message: PrivateMessage,
): SenderData {
  const { key, nonce } = senderDataKey(crypto, suite, senderDataSecret, message.ciphertext);
  const aad = senderDataAad(message);
  try {
    const plaintext = open(crypto, suite, key, nonce, aad, message.encryptedSenderData);
    return decodeWith(
      (r) => ({ leafIndex: r.u32(), generation: r.u32(), reuseGuard: r.bytes(reuseGuardLength) }),
      plaintext,
    );
  } finally {
    wipe(key, nonce);
  }
}

/** Opens the content and checks its padding; the signature is still to be checked. */
export function openPrivateContent(
  crypto: CryptoProvider,
  suite: CipherSuite,
  message: PrivateMessage,
  senderData: SenderData,
  key: MessageKey,
): AuthenticatedContent {
  const nonce = guarded(key.nonce, senderData.reuseGuard);
  const aad = contentAad(message, message.authenticatedData);
  const plaintext = open(crypto, suite, key.key, nonce, aad, message.ciphertext);
  nonce.fill(0);
  const r = new Reader(plaintext);
  const content = readContentBody(r, message.contentType);
  const body = r.since(0);
  const auth = readAuthData(r, message.contentType);
  if (r.rest().some((byte) => byte !== 0)) throw new MlsError("mls/bad-padding");
  const { groupId, epoch, authenticatedData } = message;
  const framed: FramedContent = {
    groupId,
    epoch,
    sender: { kind: "member", leafIndex: senderData.leafIndex },
    authenticatedData,
    content,
  };
  // Signature and transcript cover the content as the sender wrote it, not as we would write it again.
  const bytes = encodeWith((w, value) => {
    w.opaque(value.groupId);
    w.u64(value.epoch);
    writeSender(w, value.sender);
    w.opaque(value.authenticatedData);
    writeContentType(w, value.content.kind);
    w.bytes(body);
  }, framed);
  return { wireFormat: "private", content: remember(framed, bytes), auth };
}

/** Key and nonce of the sender data, bound to a sample of the ciphertext. */
export function senderDataKey(
  crypto: CryptoProvider,
  suite: CipherSuite,
  senderDataSecret: Uint8Array,
  ciphertext: Uint8Array,
): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const sample = ciphertext.subarray(0, suite.hashLength);
  const expand = (label: string, length: number): Uint8Array =>
    expandWithLabel(crypto, suite, senderDataSecret, label, sample, length);
  return {
    key: expand(labels.mlsSecret.key, suite.keyLength),
    nonce: expand(labels.mlsSecret.nonce, suite.nonceLength),
  };
}

const writeSenderData = (w: Parameters<typeof writeSender>[0], data: SenderData): void => {
  w.u32(data.leafIndex);
  w.u32(data.generation);
  w.bytes(data.reuseGuard);
};

function senderDataAad(header: Header): Uint8Array {
  return encodeWith((w, { groupId, epoch, contentType }) => {
    w.opaque(groupId);
    w.u64(epoch);
    writeContentType(w, contentType);
  }, header);
}

function contentAad(header: Header, authenticatedData: Uint8Array): Uint8Array {
  return encodeWith((w, { groupId, epoch, contentType }) => {
    w.opaque(groupId);
    w.u64(epoch);
    writeContentType(w, contentType);
    w.opaque(authenticatedData);
  }, header);
}

/** RFC 9420 §6.3.1: the guard goes over the first four bytes of the nonce. */
function guarded(nonce: Uint8Array, reuseGuard: Uint8Array): Uint8Array {
  const out = new Uint8Array(nonce);
  for (const [i, byte] of reuseGuard.entries()) out[i] = (out[i] as number) ^ byte;
  return out;
}

function open(
  crypto: CryptoProvider,
  suite: CipherSuite,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  try {
    return crypto.aeadOpen(suite.aead, key, nonce, aad, ciphertext);
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause;
    throw new MlsError("mls/open-failed", {}, { cause });
  }
}
