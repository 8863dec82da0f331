import { fromHex } from "@coterie/base";
import { isBelow } from "./scalars.ts";

const order = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
const prime = fromHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");

// The y coordinates of the eight points whose order divides 8, and the two of them that also fit below 2^255 when written as y + p.
// Either sign bit counts, which makes the 14 encodings that a lax decoder takes for a point of small order.
const smallOrder: readonly Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].map(fromHex);

/**
 * MLS-07: a canonical encoding (y < p) that is not one of the 14 of small order. Whether a point lies there is for the engine to say.
 */
export function isAcceptableEd25519Point(encoded: Uint8Array): boolean {
  if (encoded.length !== 32 || smallOrder.some((y) => sameY(y, encoded))) return false;
  return isBelow(withoutSign(encoded), prime);
}

/** MLS-07: what a signature must be before the equation is looked at: R as a point, S below the order. */
export function isAcceptableEd25519Signature(signature: Uint8Array): boolean {
  return (
    signature.length === 64 &&
    isBelow(signature.subarray(32), order) &&
    isAcceptableEd25519Point(signature.subarray(0, 32))
  );
}

function sameY(y: Uint8Array, encoded: Uint8Array): boolean {
  for (let i = 0; i < 31; i++) if (y[i] !== encoded[i]) return false;
  return y[31] === ((encoded[31] as number) & 0x7f);
}

function withoutSign(encoded: Uint8Array): Uint8Array {
  if ((encoded[31] as number) < 0x80) return encoded;
  const y = encoded.slice();
  y[31] = (y[31] as number) & 0x7f;
  return y;
}
