import { labels } from "@coterie/crypto";
import type { CipherSuite, CryptoProvider } from "@coterie/crypto";
import { deriveTreeSecret } from "./crypto-labels.ts";
import { MlsError } from "./errors.ts";

const names = labels.mlsSecret;

/** Key and nonce of one message. */
export interface MessageKey {
  readonly generation: number;
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
}

/** One sender's hash ratchet (RFC 9420 §9.1): the next secret, and the keys of messages that were overtaken. Immutable. */
export interface Ratchet {
  /** Generation that `secret` yields the key of. */
  readonly next: number;
  readonly secret: Uint8Array;
  /** Ascending generations, all within the out-of-order window below `next`. */
  readonly skipped: readonly MessageKey[];
}

export interface RatchetLimits {
  /** How far a message may be ahead of the newest one seen from its sender in its epoch. */
  readonly maxForwardRatchet: number;
  /** How many generations back from the newest one a late message may still be opened. */
  readonly outOfOrderWindow: number;
}

export interface RatchetStep {
  readonly key: MessageKey;
  readonly ratchet: Ratchet;
  /** Secrets that only the ratchet before this step holds. */
  readonly spent: readonly Uint8Array[];
}

/** No generation may follow this one: the counter is a u32. */
const lastGeneration = 0xffffffff;

export function newRatchet(secret: Uint8Array): Ratchet {
  return { next: 0, secret, skipped: [] };
}

/** The next key for a message of our own. */
export function nextKey(crypto: CryptoProvider, suite: CipherSuite, ratchet: Ratchet): RatchetStep {
  const { next, secret } = ratchet;
  if (next >= lastGeneration) throw new MlsError("mls/ratchet-exhausted", { generation: next });
  return {
    key: messageKey(crypto, suite, secret, next),
    ratchet: { ...ratchet, next: next + 1, secret: nextSecret(crypto, suite, secret, next) },
    spent: [secret],
  };
}

/** The key of a received generation. The distance is judged before anything is derived (RFC 9420 §15.3). */
export function keyAt(
  crypto: CryptoProvider,
  suite: CipherSuite,
  ratchet: Ratchet,
  generation: number,
  limits: RatchetLimits,
): RatchetStep {
  if (generation < ratchet.next) return takeSkipped(ratchet, generation, limits);
  if (generation >= lastGeneration || generation - ratchet.next > limits.maxForwardRatchet) {
    throw new MlsError("mls/generation-too-far", { generation, next: ratchet.next });
  }
  const spent: Uint8Array[] = [];
  const firstKept = generation + 1 - limits.outOfOrderWindow;
  const skipped: MessageKey[] = [];
  for (const old of ratchet.skipped) {
    if (old.generation >= firstKept) skipped.push(old);
    else spent.push(old.key, old.nonce);
  }
  let { next, secret } = ratchet;
  for (; next < generation; next++) {
    if (next >= firstKept) skipped.push(messageKey(crypto, suite, secret, next));
    spent.push(secret);
    secret = nextSecret(crypto, suite, secret, next);
  }
  spent.push(secret);
  return {
    key: messageKey(crypto, suite, secret, generation),
    ratchet: {
      next: generation + 1,
      secret: nextSecret(crypto, suite, secret, generation),
      skipped,
    },
    spent,
  };
}

function takeSkipped(ratchet: Ratchet, generation: number, limits: RatchetLimits): RatchetStep {
  const key = ratchet.skipped.find((candidate) => candidate.generation === generation);
  if (!key) {
    // Below the window its key was dropped; within it the key was used, and each is used once.
    const late = ratchet.next - generation > limits.outOfOrderWindow;
    throw new MlsError(late ? "mls/generation-too-old" : "mls/key-consumed", {
      generation,
      next: ratchet.next,
    });
  }
  return {
    key,
    ratchet: { ...ratchet, skipped: ratchet.skipped.filter((candidate) => candidate !== key) },
    spent: [],
  };
}

function messageKey(
  crypto: CryptoProvider,
  suite: CipherSuite,
  secret: Uint8Array,
  generation: number,
): MessageKey {
  return {
    generation,
    key: deriveTreeSecret(crypto, suite, secret, names.key, generation, suite.keyLength),
    nonce: deriveTreeSecret(crypto, suite, secret, names.nonce, generation, suite.nonceLength),
  };
}

function nextSecret(
  crypto: CryptoProvider,
  suite: CipherSuite,
  secret: Uint8Array,
  generation: number,
): Uint8Array {
  return deriveTreeSecret(crypto, suite, secret, names.secret, generation, suite.hashLength);
}
