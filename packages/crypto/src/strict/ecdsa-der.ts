import { isScalar } from "./scalars.ts";
import type { PrimeCurve } from "./scalars.ts";

const sizes: Readonly<Record<PrimeCurve, number>> = { p256: 32, p384: 48, p521: 66, secp256k1: 32 };

/**
 * Reads an ECDSA signature in strict DER (one SEQUENCE of two minimal positive INTEGERs, nothing after it) into R‖S of full
 * length, or answers undefined. Engines differ in what BER they forgive, so this reads before either of them. R and S are from 1
 * to order − 1; a high S is accepted (MLS-07).
 */
export function ecdsaFromDer(curve: PrimeCurve, der: Uint8Array): Uint8Array | undefined {
  const size = sizes[curve];
  // 0x30, one or two bytes of length, and two INTEGERs of at most size + 1 bytes.
  if (der.length < 8 || der.length > 2 * size + 9 || der[0] !== 0x30) return undefined;
  let at = 2;
  let length = der[1] as number;
  if (length === 0x81) {
    length = der[2] as number;
    if (length < 0x80) return undefined;
    at = 3;
  } else if (length >= 0x80) {
    return undefined;
  }
  if (at + length !== der.length) return undefined;

  const out = new Uint8Array(2 * size);
  const afterR = readInteger(der, at, out.subarray(0, size));
  if (afterR === undefined) return undefined;
  if (readInteger(der, afterR, out.subarray(size)) !== der.length) return undefined;
  const valid = isScalar(curve, out.subarray(0, size)) && isScalar(curve, out.subarray(size));
  return valid ? out : undefined;
}

/** Writes R‖S as DER. */
export function ecdsaToDer(compact: Uint8Array): Uint8Array {
  const half = compact.length / 2;
  const r = integer(compact.subarray(0, half));
  const s = integer(compact.subarray(half));
  const length = r.length + s.length;
  const header = length < 0x80 ? [0x30, length] : [0x30, 0x81, length];
  const out = new Uint8Array(header.length + length);
  out.set(header);
  out.set(r, header.length);
  out.set(s, header.length + r.length);
  return out;
}

/** Where the next element starts. */
function readInteger(der: Uint8Array, at: number, into: Uint8Array): number | undefined {
  if (at + 2 > der.length || der[at] !== 0x02) return undefined;
  // An INTEGER of these curves is at most 67 bytes, so its length is always one byte.
  const length = der[at + 1] as number;
  const end = at + 2 + length;
  if (length === 0 || length >= 0x80 || end > der.length) return undefined;
  let start = at + 2;
  const first = der[start] as number;
  if (first >= 0x80) return undefined;
  if (first === 0 && length > 1) {
    if ((der[start + 1] as number) < 0x80) return undefined;
    start++;
  }
  if (end - start > into.length) return undefined;
  into.set(der.subarray(start, end), into.length - (end - start));
  return end;
}

function integer(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const pad = (bytes[start] as number) >= 0x80 ? 1 : 0;
  const out = new Uint8Array(2 + pad + bytes.length - start);
  out[0] = 0x02;
  out[1] = pad + bytes.length - start;
  out.set(bytes.subarray(start), 2 + pad);
  return out;
}
