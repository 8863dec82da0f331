import { fromHex, toHex } from "@coterie/base";

const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/**
 * The 65-byte form of a P-256 point of 33 (compressed) or 65 bytes, or undefined where it is not on the curve. Only passkeys come compressed
 * (XID-13); providers take the uncompressed form alone (MLS-06).
 */
export function decompressP256(encoded: Uint8Array): Uint8Array | undefined {
  const kind = encoded[0];
  const compressed = encoded.length === 33 && (kind === 2 || kind === 3);
  if (!compressed && !(encoded.length === 65 && kind === 4)) return undefined;

  const x = BigInt(`0x${toHex(encoded.subarray(1, 33))}`);
  if (x >= p) return undefined;
  const square = ((((x * x - 3n) * x + b) % p) + p) % p;
  // p ≡ 3 mod 4, so that a root is a power.
  let y = compressed ? power(square, (p + 1n) / 4n) : BigInt(`0x${toHex(encoded.subarray(33))}`);
  if (y >= p || (y * y) % p !== square) return undefined;
  if (!compressed) return encoded.slice();
  if (y % 2n !== BigInt((kind as number) & 1)) y = p - y;

  const out = new Uint8Array(65);
  out[0] = 4;
  out.set(encoded.subarray(1), 1);
  out.set(fromHex(y.toString(16).padStart(64, "0")), 33);
  return out;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let bits = exponent, square = base; bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = (result * square) % p;
    square = (square * square) % p;
  }
  return result;
}
