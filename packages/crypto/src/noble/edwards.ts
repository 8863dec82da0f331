import { equal, toHex } from "@coterie/base";
import { ed25519, ed25519ph } from "@noble/curves/ed25519.js";
import type { EdwardsEquation } from "../edwards/verify.ts";
import { createLru } from "../strict/lru.ts";
import { littleEndian } from "../little-endian.ts";

type Point25519 = typeof ed25519.Point.BASE;

// MLS-08: decoding costs a square root, so a key is decoded once. False remembers a key that is no point.
const known = createLru<{ readonly point: Point25519 | false }>(2048);
// A table of multiples costs four multiplications to make and 150 KB, and then makes each one ten times cheaper. So it is for the few keys
// that sign message after message, not for the many that are seen when joining: uses count only among the keys that were used last.
const tables = createLru<Point25519>(32);
const lately = createLru<{ uses: number }>(32);
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

function decode(publicKey: Uint8Array): Point25519 | false {
  const id = toHex(publicKey);
  const prepared = tables.get(id);
  if (prepared !== undefined) return prepared;
  let entry = known.get(id);
  if (entry === undefined) {
    entry = { point: fromBytes(publicKey) };
    known.set(id, entry);
  }
  if (!entry.point) return false;
  const recent = lately.get(id) ?? { uses: 0 };
  lately.set(id, recent);
  if (++recent.uses < usesBeforeTable) return entry.point;
  recent.uses = 0;
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
