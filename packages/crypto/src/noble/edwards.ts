import { concat, equal, toHex, toUtf8 } from "@coterie/base";
import { ed25519, ed25519ph } from "@noble/curves/ed25519.js";
import { ed448 } from "@noble/curves/ed448.js";
import { shake256 } from "@noble/hashes/sha3.js";
import type { EdwardsEquation } from "../edwards/verify.ts";
import { labels } from "../labels.ts";
import { createLru } from "../strict/lru.ts";

type Point25519 = typeof ed25519.Point.BASE;

interface Known {
  /** False remembers a key that is no point. */
  readonly point: Point25519 | false;
  uses: number;
}

// MLS-08: decoding costs a square root, so a key is decoded once.
const known = createLru<Known>(2048);
// A table of multiples costs four multiplications to make and 150 KB, and then makes each one ten times cheaper. So it is for the few keys
// that sign message after message, not for the many that are seen when joining.
const tables = createLru<Point25519>(32);
const usesBeforeTable = 4;

/**
 * The equation in JavaScript. noble's own `verify` multiplies by the cofactor and thereby accepts signatures under keys with a torsion part
 * that OpenSSL and dalek refuse.
 */
export const nobleEquation: EdwardsEquation = (publicKey, signature, digest) => {
  const a = decode(publicKey);
  if (!a) return false;
  const { Fn, BASE } = ed25519.Point;
  const s = littleEndian(signature.subarray(32));
  const k = Fn.create(littleEndian(digest));
  const r = BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
  return equal(r.toBytes(), signature.subarray(0, 32));
};

/** Ed25519ph with a context (RFC 8032 section 5.1). */
export function signEd25519ph(
  privateKey: Uint8Array,
  message: Uint8Array,
  context: Uint8Array,
): Uint8Array {
  return ed25519ph.sign(message, privateKey, { context });
}

/**
 * Ed448 by the same rule: S, A and R canonical, A and R not of small order, and no cofactor. Every provider uses this one: OpenSSL compares
 * Ed448 points up to torsion.
 */
export function verifyEd448(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const r = signature.subarray(0, 57);
  const { Fn, BASE } = ed448.Point;
  const s = littleEndian(signature.subarray(57));
  if (s >= Fn.ORDER) return false;
  try {
    const a = ed448.Point.fromBytes(publicKey, false);
    if (a.isSmallOrder() || ed448.Point.fromBytes(r, false).isSmallOrder()) return false;
    const domain = concat(toUtf8(labels.ed448Domain), Uint8Array.of(0, 0));
    const digest = shake256(concat(domain, r, publicKey, message), { dkLen: 114 });
    const k = Fn.create(littleEndian(digest));
    return equal(BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k)).toBytes(), r);
  } catch {
    return false;
  }
}

function decode(publicKey: Uint8Array): Point25519 | false {
  const id = toHex(publicKey);
  const prepared = tables.get(id);
  if (prepared !== undefined) return prepared;
  let entry = known.get(id);
  if (entry === undefined) {
    entry = { point: fromBytes(publicKey), uses: 0 };
    known.set(id, entry);
  }
  if (!entry.point || ++entry.uses < usesBeforeTable) return entry.point;
  entry.uses = 0;
  // A point of its own: noble ties the table to the object, and forgets it with it.
  const table = ed25519.Point.fromAffine(entry.point.toAffine()).precompute(4);
  tables.set(id, table);
  return table;
}

function fromBytes(publicKey: Uint8Array): Point25519 | false {
  try {
    return ed25519.Point.fromBytes(publicKey, false);
  } catch {
    return false;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().toReversed())}`);
}
