import { concat, invariant, toUtf8, wipe } from "@coterie/base";
import { CryptoError } from "./errors.ts";
import { kemOf, xWingKemId } from "./kem.ts";
import { labeled, labeledExpand, labeledExtract } from "./labeled.ts";
import type { HpkeLabel, Labeled } from "./labeled.ts";
import { labels } from "./labels.ts";
import type { AeadName, CryptoProvider, HashName, KeyPair } from "./provider.ts";

/** What HPKE needs to know of a suite. Each MLS `CipherSuite` is one. */
export interface HpkeSuite {
  readonly kemId: number;
  readonly kdfId: number;
  readonly aeadId: number;
  readonly hash: HashName;
  readonly hashLength: number;
  readonly aead: AeadName;
  readonly keyLength: number;
}

/** How XMTP wraps welcomes for installations that publish an X-Wing key (XWL-01, wrapper algorithm 2). */
export const xWingHpkeSuite: HpkeSuite = {
  kemId: xWingKemId,
  kdfId: 1,
  aeadId: 3,
  hash: "sha256",
  hashLength: 32,
  aead: "chacha20poly1305",
  keyLength: 32,
};

/** A sequence of messages under one encapsulation, in order. It owns its sequence number: one context per message stream. */
export interface HpkeSender {
  readonly enc: Uint8Array;
  seal(aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** RFC 9180 section 5.3. */
  export(context: Uint8Array, length: number): Uint8Array;
}

/** The other end of an {@link HpkeSender}. A message that does not open leaves the sequence number as it was. */
export interface HpkeRecipient {
  open(aad: Uint8Array, ciphertext: Uint8Array): Uint8Array;
  export(context: Uint8Array, length: number): Uint8Array;
}

/**
 * An `info` that was hashed once for many recipients of one suite. An MLS Welcome seals to each new member under an `info` that grows
 * with the group: hashed each time, adding N members would hash N times the tree.
 */
export interface PreparedInfo {
  readonly suite: HpkeSuite;
  readonly infoHash: Uint8Array;
}

export interface SenderSetup {
  readonly crypto: CryptoProvider;
  readonly suite: HpkeSuite;
  readonly publicKey: Uint8Array;
  readonly info: Uint8Array | PreparedInfo;
}

export interface RecipientSetup {
  readonly crypto: CryptoProvider;
  readonly suite: HpkeSuite;
  readonly enc: Uint8Array;
  readonly privateKey: Uint8Array;
  /** The public half of `privateKey`, where it is at hand: saves deriving it. */
  readonly publicKey?: Uint8Array | undefined;
  readonly info: Uint8Array | PreparedInfo;
}

/** Hashes an `info` ahead of sealing to several recipients under it. Its parts are put together here, so that a large one is copied once. */
export function prepareInfo(
  crypto: CryptoProvider,
  suite: HpkeSuite,
  ...info: readonly Uint8Array[]
): PreparedInfo {
  const kdf = constantsOf(crypto, suite);
  return { suite, infoHash: labeledExtract(crypto, kdf, none, "infoHash", ...info) };
}

/**
 * Encrypts one message to a public key in base mode (RFC 9180 section 6.1). Throws `crypto/bad-key` or `crypto/bad-length` for a key that
 * nobody can own.
 */
export function hpkeSeal(
  message: SenderSetup & { readonly aad: Uint8Array; readonly plaintext: Uint8Array },
): { readonly enc: Uint8Array; readonly ciphertext: Uint8Array } {
  const { sender, end } = startSender(message);
  try {
    return { enc: sender.enc, ciphertext: sender.seal(message.aad, message.plaintext) };
  } finally {
    end();
  }
}

/** Opens what {@link hpkeSeal} made. Throws `crypto/open-failed`; `crypto/bad-key` and `crypto/bad-length` for an `enc` that is no key. */
export function hpkeOpen(
  message: RecipientSetup & { readonly aad: Uint8Array; readonly ciphertext: Uint8Array },
): Uint8Array {
  const { recipient, end } = startRecipient(message);
  try {
    return recipient.open(message.aad, message.ciphertext);
  } finally {
    end();
  }
}

/** Starts a context towards a public key, base mode. XMTP seals a welcome and its metadata in one context (XWL-03). */
export function setupSender(setup: SenderSetup): HpkeSender {
  return startSender(setup).sender;
}

function startSender(setup: SenderSetup): { readonly sender: HpkeSender; end(): void } {
  const { crypto, suite, publicKey, info } = setup;
  const { enc, sharedSecret } = kemOf(suite.kemId).encapsulate(crypto, publicKey);
  const { apply, exportSecret, end } = schedule(crypto, suite, sharedSecret, info);
  const sender: HpkeSender = {
    enc,
    seal: (aad, plaintext) =>
      apply((key, nonce) => crypto.aeadSeal(suite.aead, key, nonce, aad, plaintext)),
    export: exportSecret,
  };
  return { sender, end };
}

/** Starts the receiving context of an `enc`, base mode. */
export function setupRecipient(setup: RecipientSetup): HpkeRecipient {
  return startRecipient(setup).recipient;
}

function startRecipient(setup: RecipientSetup): { readonly recipient: HpkeRecipient; end(): void } {
  const { crypto, suite, enc, privateKey, publicKey, info } = setup;
  const kem = kemOf(suite.kemId);
  const sharedSecret = kem.decapsulate(crypto, enc, privateKey, publicKey);
  const { apply, exportSecret, end } = schedule(crypto, suite, sharedSecret, info);
  const recipient: HpkeRecipient = {
    open: (aad, ciphertext) =>
      apply((key, nonce) => crypto.aeadOpen(suite.aead, key, nonce, aad, ciphertext)),
    export: exportSecret,
  };
  return { recipient, end };
}

/** SetupBaseS with export alone: the external init secret of MLS (RFC 9420 section 8.3). */
export function hpkeSendExport(
  setup: SenderSetup & { readonly context: Uint8Array; readonly length: number },
): { readonly enc: Uint8Array; readonly secret: Uint8Array } {
  const { sender, end } = startSender(setup);
  try {
    return { enc: sender.enc, secret: sender.export(setup.context, setup.length) };
  } finally {
    end();
  }
}

/** The other end of {@link hpkeSendExport}. */
export function hpkeReceiveExport(
  setup: RecipientSetup & { readonly context: Uint8Array; readonly length: number },
): Uint8Array {
  const { recipient, end } = startRecipient(setup);
  try {
    return recipient.export(setup.context, setup.length);
  } finally {
    end();
  }
}

/** A fresh key pair of the suite's KEM. */
export function generateKeyPair(crypto: CryptoProvider, suite: HpkeSuite): KeyPair {
  return kemOf(suite.kemId).generate(crypto);
}

/** DeriveKeyPair of RFC 9180 section 7.1.3, by which MLS makes node keys of path secrets. */
export function deriveKeyPair(crypto: CryptoProvider, suite: HpkeSuite, ikm: Uint8Array): KeyPair {
  return kemOf(suite.kemId).deriveKeyPair(crypto, ikm);
}

/** Bytes that separate `enc` from the ciphertext of a suite. */
export function encLength(suite: HpkeSuite): number {
  return kemOf(suite.kemId).encLength;
}

const none = new Uint8Array(0);
const nonceLength = 12;

interface Schedule {
  /** Runs one AEAD call under the next nonce and counts it once it succeeded. */
  apply<T>(use: (key: Uint8Array, nonce: Uint8Array) => T): T;
  exportSecret(context: Uint8Array, length: number): Uint8Array;
  /** Wipes its secrets: nothing may be asked of it afterwards. */
  end(): void;
}

/** What is the same for every context of a suite. */
interface SuiteConstants extends Labeled {
  readonly pskIdHash: Uint8Array;
}

const constants = new Map<string, SuiteConstants>();

function constantsOf(crypto: CryptoProvider, suite: HpkeSuite): SuiteConstants {
  const { kemId, kdfId, aeadId, hash } = suite;
  const id = `${kemId} ${kdfId} ${aeadId} ${hash}`;
  const known = constants.get(id);
  if (known !== undefined) return known;
  const numbers = [kemId, kdfId, aeadId].flatMap((number) => [number >> 8, number & 255]);
  const kdf = labeled(hash, concat(toUtf8(labels.hpkeSuite), Uint8Array.from(numbers)));
  const made = { ...kdf, pskIdHash: labeledExtract(crypto, kdf, none, "pskIdHash", none) };
  constants.set(id, made);
  return made;
}

/** KeySchedule of RFC 9180 section 5.1 in base mode: no PSK. */
function schedule(
  crypto: CryptoProvider,
  suite: HpkeSuite,
  sharedSecret: Uint8Array,
  info: Uint8Array | PreparedInfo,
): Schedule {
  const { hashLength } = suite;
  const kdf = constantsOf(crypto, suite);
  const prepared = info instanceof Uint8Array ? prepareInfo(crypto, suite, info) : info;
  const { infoHash } = prepared;
  invariant(prepared.suite === suite, "an info is prepared for one suite");
  const context = concat(Uint8Array.of(0), kdf.pskIdHash, infoHash);
  const secret = labeledExtract(crypto, kdf, sharedSecret, "secret", none);
  const expand = (label: HpkeLabel, length: number): Uint8Array =>
    labeledExpand(crypto, kdf, secret, label, context, length);

  const key = expand("key", suite.keyLength);
  const baseNonce = expand("baseNonce", nonceLength);
  sharedSecret.fill(0);
  let sequence = 0;
  let exporter: Uint8Array | undefined;
  return {
    apply(use) {
      if (sequence === Number.MAX_SAFE_INTEGER) throw new CryptoError("crypto/exhausted");
      const result = use(key, nonceAt(baseNonce, sequence));
      sequence++;
      return result;
    },
    exportSecret(exporterContext, length) {
      exporter ??= expand("exporter", hashLength);
      if (length > 255 * hashLength) {
        throw new CryptoError("crypto/bad-length", { what: "hpke output", length });
      }
      return labeledExpand(crypto, kdf, exporter, "export", exporterContext, length);
    },
    end: () => wipe(secret, key, baseNonce, exporter),
  };
}

/** RFC 9180 section 5.2: the base nonce XOR the sequence number, big endian. */
function nonceAt(baseNonce: Uint8Array, sequence: number): Uint8Array {
  const nonce = baseNonce.slice();
  for (let i = nonceLength - 1, rest = sequence; rest > 0; i--, rest = Math.floor(rest / 256)) {
    nonce[i] = (nonce[i] as number) ^ (rest % 256);
  }
  return nonce;
}
