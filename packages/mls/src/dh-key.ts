import { fromHex } from "@coterie/base";
import { decompressP256 } from "@coterie/crypto";
import type { CipherSuite, DhName } from "@coterie/crypto";

const lengths: Readonly<Record<DhName, number>> = {
  x25519: 32,
  x448: 56,
  p256: 65,
  p384: 97,
  p521: 133,
};

/**
 * Every u coordinate below 2^255 of order 1, 2, 4 or 8, on the curve or its twist: 0, 1, the two of order 8, p − 1, and p and p + 1, which
 * are 0 and 1 again. X25519 does not look at the highest bit (RFC 7748 §5).
 */
const lowOrder25519: readonly Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(fromHex);

const p448 = `${"ff".repeat(28)}fe${"ff".repeat(27)}`;

/** As for X25519, where all 56 bytes count: 0, 1, p − 1, p and p + 1. */
const lowOrder448: readonly Uint8Array[] = [
  "00".repeat(56),
  `01${"00".repeat(55)}`,
  `fe${p448.slice(2)}`,
  p448,
  `${"00".repeat(28)}ff${"ff".repeat(27)}`,
].map(fromHex);

/**
 * Whether somebody can own this HPKE key: right size and form (MLS-06), not of low order, on the curve for P-256 (MLS-07). Decided from the
 * bytes alone, so that every provider agrees; a key that passes into a tree and cannot be sealed to would keep all members from committing.
 */
export function isDhKey(suite: CipherSuite, key: Uint8Array): boolean {
  if (key.length !== lengths[suite.dh]) return false;
  switch (suite.dh) {
    case "x25519":
      return !lowOrder25519.some((low) => sameBits(low, key, 0x7f));
    case "x448":
      return !lowOrder448.some((low) => sameBits(low, key, 0xff));
    case "p256":
      return decompressP256(key) !== undefined;
    case "p384":
    case "p521":
      return key[0] === 4;
  }
}

/** Public bytes: an early exit tells nobody anything. `mask` goes over the last byte. */
function sameBits(low: Uint8Array, key: Uint8Array, mask: number): boolean {
  const last = key.length - 1;
  for (let i = 0; i < last; i++) if (low[i] !== key[i]) return false;
  return low[last] === ((key[last] as number) & mask);
}
