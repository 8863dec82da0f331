import { concat, equal, toUtf8 } from "@coterie/base";
import { ed448 } from "@noble/curves/ed448.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { labels } from "../labels.ts";
import { littleEndian } from "../little-endian.ts";

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
