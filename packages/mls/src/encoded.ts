import { encodeWith } from "./codec.ts";
import type { Writer } from "./codec.ts";

/**
 * The bytes that a value was read from, or was first written as. Signatures and hashes cover these. Keyed by identity: a copy with
 * a changed field is another object and has none. @NOTE: views into received messages, which their owner must not overwrite.
 */
const encodings = new WeakMap<object, Uint8Array>();

/** Ties a value to the bytes it was just read from. */
export function remember<T extends object>(value: T, bytes: Uint8Array): T {
  encodings.set(value, bytes);
  return value;
}

/** What comes before the signature, where that is the last field: what it covers, or the beginning of it. */
export function beforeSignature(bytes: Uint8Array, signature: Uint8Array): Uint8Array {
  const { length } = signature;
  const header = length < 0x40 ? 1 : length < 0x4000 ? 2 : 4;
  return bytes.subarray(0, bytes.length - header - length);
}

/** The encoding of a value, made once. */
export function encodingOf<T extends object>(
  value: T,
  write: (writer: Writer, value: T) => void,
): Uint8Array {
  let bytes = encodings.get(value);
  if (bytes === undefined) {
    bytes = encodeWith(write, value);
    encodings.set(value, bytes);
  }
  return bytes;
}
