import { concat, fromUtf8, toUtf8 } from "@coterie/base";
import type { Bytes } from "@coterie/base";
import { StorageError } from "./errors.ts";

/** A part of a composed key: text, bytes, or an unsigned integer of 64 bits. */
export type KeyPart = string | Uint8Array | bigint;

// Tags sort bytes before text before integers. They stay below 0xff, which ends ranges and marks escapes.
const TAG_BYTES = 1;
const TAG_TEXT = 2;
const TAG_UINT64 = 3;
const END = 0;
const ESCAPE = 0xff;

/**
 * Composes an ordered key: encodings sort as their tuples do, part by part, where bytes come before text and text before integers,
 * text sorts by its UTF-8 bytes, and a tuple comes before its continuations. Throws `storage/bad-argument` for text with lone surrogates and for
 * integers outside 0 to 2^64 - 1.
 */
export function encodeKey(...parts: readonly KeyPart[]): Bytes {
  return concat(...parts.map(encodePart));
}

/** The parts of a composed key. Throws `storage/bad-encoding` unless `encodeKey` can have made it. */
export function decodeKey(key: Uint8Array): KeyPart[] {
  const parts: KeyPart[] = [];
  let at = 0;
  while (at < key.length) {
    const tag = key[at++];
    if (tag === TAG_UINT64) {
      if (key.length - at < 8) throw malformed(at);
      parts.push(new DataView(key.buffer, key.byteOffset + at, 8).getBigUint64(0));
      at += 8;
    } else if (tag === TAG_BYTES || tag === TAG_TEXT) {
      const start = at;
      let escapes = 0;
      // A zero ends the part unless it is escaped.
      while (key[at] !== END || key[at + 1] === ESCAPE) {
        if (at >= key.length) throw malformed(at);
        if (key[at] === END) escapes++;
        at += key[at] === END ? 2 : 1;
      }
      const bytes = unescape(key.subarray(start, at), escapes);
      parts.push(tag === TAG_BYTES ? bytes : text(bytes, start));
      at++;
    } else {
      throw malformed(at - 1);
    }
  }
  return parts;
}

/** The range of a composed key and all its continuations: `list({ ...prefixRange("msg", groupId), limit })`. */
export function prefixRange(...parts: readonly KeyPart[]): { from: Bytes; to: Bytes } {
  const from = encodeKey(...parts);
  return { from, to: concat(from, Uint8Array.of(ESCAPE)) };
}

function encodePart(part: KeyPart): Uint8Array {
  if (typeof part === "bigint") {
    if (part < 0n || part >= 1n << 64n) {
      throw new StorageError("storage/bad-argument", { what: "key part", found: "integer" });
    }
    const out = new Uint8Array(9);
    out[0] = TAG_UINT64;
    new DataView(out.buffer).setBigUint64(1, part);
    return out;
  }
  if (typeof part === "string") {
    // A lone surrogate has no UTF-8, and its replacement would make two keys one.
    if (/\p{Surrogate}/u.test(part)) {
      throw new StorageError("storage/bad-argument", { what: "key part", found: "surrogate" });
    }
    return escaped(TAG_TEXT, toUtf8(part));
  }
  if (part instanceof Uint8Array) return escaped(TAG_BYTES, part);
  throw new StorageError("storage/bad-argument", { what: "key part", found: typeof part });
}

function escaped(tag: number, bytes: Uint8Array): Uint8Array {
  let zeros = 0;
  for (const byte of bytes) if (byte === END) zeros++;
  const out = new Uint8Array(bytes.length + zeros + 2);
  out[0] = tag;
  let at = 1;
  for (const byte of bytes) {
    out[at++] = byte;
    if (byte === END) out[at++] = ESCAPE;
  }
  return out;
}

function unescape(bytes: Uint8Array, escapes: number): Uint8Array {
  const out = new Uint8Array(bytes.length - escapes);
  let to = 0;
  for (let from = 0; from < bytes.length; from++) {
    out[to++] = bytes[from] as number;
    if (bytes[from] === END) from++;
  }
  return out;
}

function text(bytes: Uint8Array, at: number): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new StorageError("storage/bad-encoding", { at }, cause);
  }
}

function malformed(at: number): StorageError {
  return new StorageError("storage/bad-encoding", { at });
}
