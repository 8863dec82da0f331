import { concat } from "@coterie/base";
import { ClientError } from "../errors.ts";

/** `VL(x)`: a vector with the length prefix of RFC 9420 §2.1.2 in its shortest form. */
export function encodeVl(data: Uint8Array): Uint8Array {
  const { length } = data;
  if (length < 0x40) return concat(new Uint8Array([length]), data);
  if (length < 0x4000) return concat(new Uint8Array([0x40 | (length >> 8), length & 0xff]), data);
  if (length >= 0x4000_0000) throw new ClientError("client/bad-argument", { size: length });
  return concat(
    new Uint8Array([
      0x80 | (length >>> 24),
      (length >>> 16) & 0xff,
      (length >>> 8) & 0xff,
      length & 0xff,
    ]),
    data,
  );
}

/** Reads one vector at `at`; undefined where the prefix is not in shortest form or claims more than is there. */
export function readVl(
  bytes: Uint8Array,
  at = 0,
): { readonly data: Uint8Array; readonly end: number } | undefined {
  const first = bytes[at];
  if (first === undefined || first >= 0xc0) return undefined;
  const size = 1 << (first >> 6);
  if (at + size > bytes.length) return undefined;
  let length = first & 0x3f;
  for (let i = 1; i < size; i++) length = length * 256 + (bytes[at + i] as number);
  if ((size === 2 && length < 0x40) || (size === 4 && length < 0x4000)) return undefined;
  const start = at + size;
  if (length > bytes.length - start) return undefined;
  return { data: bytes.subarray(start, start + length), end: start + length };
}

/** A vector of u16, as in required_capabilities. */
export function encodeU16List(values: readonly number[]): Uint8Array {
  const data = new Uint8Array(2 * values.length);
  values.forEach((value, i) => data.set([value >> 8, value & 0xff], 2 * i));
  return encodeVl(data);
}
