import { toUtf8 } from "@coterie/base";
import type { CipherSuite, CryptoProvider, SignatureClaim } from "@coterie/crypto";
import { Writer } from "./codec.ts";

const prefix = "MLS 1.0 ";
const encodedLabels = new Map<string, Uint8Array>();
/** The labels of the RFC are about thirty; exporter labels come from applications and must not pile up. */
const maxEncodedLabels = 128;

/** `opaque label<V>` holding "MLS 1.0 " and the label. */
function encodedLabel(label: string): Uint8Array {
  let encoded = encodedLabels.get(label);
  if (encoded === undefined) {
    const writer = new Writer(64);
    writer.opaque(toUtf8(prefix + label));
    encoded = writer.finish();
    if (encodedLabels.size < maxEncodedLabels) encodedLabels.set(label, encoded);
  }
  return encoded;
}

/** What stands before the content in `labelled`. */
export function labelledHead(label: string, contentLength: number): Uint8Array {
  const encoded = encodedLabel(label);
  const writer = new Writer(encoded.length + 4);
  writer.bytes(encoded);
  writer.varint(contentLength);
  return writer.finish();
}

/** `label` and `opaque content<V>`: SignContent (RFC 9420 §5.1.2) and EncryptContext (§5.1.3) have this form. */
export function labelled(label: string, content: Uint8Array): Uint8Array {
  const encoded = encodedLabel(label);
  const writer = new Writer(encoded.length + content.length + 4);
  writer.bytes(encoded);
  writer.opaque(content);
  return writer.finish();
}

/** RFC 9420 §8: `length` bytes bound to a label and a context. */
export function expandWithLabel(
  crypto: CryptoProvider,
  suite: CipherSuite,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const writer = new Writer(64 + context.length);
  writer.u16(length);
  writer.bytes(encodedLabel(label));
  writer.opaque(context);
  return crypto.hkdfExpand(suite.hash, secret, writer.finish(), length);
}

const noContext = new Uint8Array(0);

/** RFC 9420 §8: ExpandWithLabel without a context, as long as a hash. */
export function deriveSecret(
  crypto: CryptoProvider,
  suite: CipherSuite,
  secret: Uint8Array,
  label: string,
): Uint8Array {
  return expandWithLabel(crypto, suite, secret, label, noContext, suite.hashLength);
}

/** RFC 9420 §9.1: ExpandWithLabel whose context is a generation. */
export function deriveTreeSecret(
  crypto: CryptoProvider,
  suite: CipherSuite,
  secret: Uint8Array,
  label: string,
  generation: number,
  length: number,
): Uint8Array {
  const context = new Uint8Array(4);
  new DataView(context.buffer).setUint32(0, generation);
  return expandWithLabel(crypto, suite, secret, label, context, length);
}

/** RFC 9420 §5.2. The label is used whole: `MLS 1.0 KeyPackage Reference`, `MLS 1.0 Proposal Reference`. */
export function refHash(
  crypto: CryptoProvider,
  suite: CipherSuite,
  label: string,
  value: Uint8Array,
): Uint8Array {
  const writer = new Writer(64 + value.length);
  writer.opaque(toUtf8(label));
  writer.opaque(value);
  return crypto.hash(suite.hash, writer.finish());
}

/** RFC 9420 §5.1.2. */
export function signWithLabel(
  crypto: CryptoProvider,
  suite: CipherSuite,
  privateKey: Uint8Array,
  label: string,
  content: Uint8Array,
): Uint8Array {
  return crypto.sign(suite.signature, privateKey, labelled(label, content));
}

/** RFC 9420 §5.1.2. False for whatever is not a valid signature. */
export function verifyWithLabel(
  crypto: CryptoProvider,
  suite: CipherSuite,
  publicKey: Uint8Array,
  label: string,
  content: Uint8Array,
  signature: Uint8Array,
): boolean {
  return crypto.verify(suite.signature, publicKey, labelled(label, content), signature);
}

/** Two halves, the older of which goes when the younger is full: bounded, and what is in use stays. */
interface Verified {
  young: Set<string>;
  old: Set<string>;
}
const verified = new WeakMap<CryptoProvider, Verified>();
const maxYoung = 8_192;

function verifiedKey(
  crypto: CryptoProvider,
  suite: CipherSuite,
  { publicKey, message, signature }: SignatureClaim,
): string {
  const writer = new Writer(publicKey.length + signature.length + message.length + 16);
  writer.u16(suite.id);
  writer.opaque(publicKey);
  writer.opaque(signature);
  writer.bytes(message);
  const digest = crypto.hash("sha256", writer.finish());
  return String.fromCharCode(...digest);
}

/** Whether {@link verifyRemembered} would answer without computing anything. */
export function isRemembered(
  crypto: CryptoProvider,
  suite: CipherSuite,
  claim: SignatureClaim,
): boolean {
  const memo = verified.get(crypto);
  if (memo === undefined) return false;
  const key = verifiedKey(crypto, suite, claim);
  return memo.young.has(key) || memo.old.has(key);
}

/**
 * As `verifyWithLabel`, but a signature that once verified is not computed again: a key package's leaf comes back as a leaf of the
 * tree, and a tree comes back at the next join. MLS-08: remembered by digest of suite, key, content and signature, never by key alone;
 * only valid signatures are remembered.
 */
export function verifyRemembered(
  crypto: CryptoProvider,
  suite: CipherSuite,
  publicKey: Uint8Array,
  label: string,
  content: Uint8Array,
  signature: Uint8Array,
): boolean {
  const message = labelled(label, content);
  const key = verifiedKey(crypto, suite, { publicKey, message, signature });
  let memo = verified.get(crypto);
  if (memo === undefined) {
    memo = { young: new Set(), old: new Set() };
    verified.set(crypto, memo);
  }
  const known = memo.young.has(key) || memo.old.has(key);
  if (!known && !crypto.verify(suite.signature, publicKey, message, signature)) return false;
  if (memo.young.size >= maxYoung) {
    memo.old = memo.young;
    memo.young = new Set();
  }
  memo.young.add(key);
  return true;
}
