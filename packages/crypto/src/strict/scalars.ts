import { fromHex } from "@coterie/base";
import type { Random } from "@coterie/base";

/** Curves whose private keys are big-endian numbers between 1 and the order of the group. */
export type PrimeCurve = "p256" | "p384" | "p521" | "secp256k1";

const orders: Readonly<Record<PrimeCurve, Uint8Array>> = {
  p256: fromHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
  p384: fromHex(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
  ),
  p521: fromHex(
    "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
  ),
  secp256k1: fromHex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
};

/** Whether big-endian bytes of the order's length are a number from 1 to order − 1. Reads every byte whatever they are. */
export function isScalar(curve: PrimeCurve, bytes: Uint8Array): boolean {
  const order = orders[curve];
  if (bytes.length !== order.length) return false;
  let borrow = 0;
  let any = 0;
  for (let i = order.length - 1; i >= 0; i--) {
    const byte = bytes[i] as number;
    borrow = ((byte - (order[i] as number) - borrow) >> 8) & 1;
    any |= byte;
  }
  return borrow === 1 && any !== 0;
}

/** A uniform private key, by rejection. */
export function randomScalar(curve: PrimeCurve, random: Random): Uint8Array {
  for (;;) {
    const bytes = random.bytes(orders[curve].length);
    if (curve === "p521") bytes[0] = (bytes[0] as number) & 1;
    if (isScalar(curve, bytes)) return bytes;
  }
}

/** Whether little-endian bytes are a number below the little-endian `bound` of the same length. For public numbers only. */
export function isBelow(bytes: Uint8Array, bound: Uint8Array): boolean {
  for (let i = bound.length - 1; i >= 0; i--) {
    const difference = (bytes[i] as number) - (bound[i] as number);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
