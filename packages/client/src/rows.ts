import { fromUtf8, toUtf8 } from "@coterie/base";
import { ClientError } from "./errors.ts";

/**
 * A row is a version byte and one tagged value: numbers and bigints as varints, bytes and texts with their length, containers with
 * their count. Bytes stay bytes, as most of what is stored is just that.
 */
const rowVersion = 1;

const tags = {
  null: 0,
  false: 1,
  true: 2,
  integer: 3,
  float: 4,
  bigint: 5,
  text: 6,
  bytes: 7,
  list: 8,
  map: 9,
  set: 10,
  object: 11,
} as const;

/** Deeper than any row; a damaged one must not exhaust the stack. */
const maxDepth = 64;

class Writer {
  #bytes: Uint8Array = new Uint8Array(256);
  #at = 0;

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + size));
    grown.set(this.#bytes);
    // It may have held keys.
    this.#bytes.fill(0);
    this.#bytes = grown;
  }
  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }
  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }
  bigVarint(value: bigint): void {
    let rest = value;
    while (rest > 0x7fn) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest));
  }
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }
  text(value: string): void {
    const bytes = toUtf8(value);
    this.varint(bytes.length);
    this.raw(bytes);
  }
  finish(): Uint8Array {
    const out = this.#bytes.slice(0, this.#at);
    this.#bytes.fill(0);
    return out;
  }
}

function write(w: Writer, value: unknown): void {
  if (value === undefined || value === null) return w.byte(tags.null);
  switch (typeof value) {
    case "boolean":
      return w.byte(value ? tags.true : tags.false);
    case "number": {
      if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) {
        const bytes = new Uint8Array(8);
        new DataView(bytes.buffer).setFloat64(0, value);
        w.byte(tags.float);
        return w.raw(bytes);
      }
      w.byte(tags.integer);
      return w.varint(value);
    }
    case "bigint": {
      w.byte(tags.bigint);
      // The sign in the lowest bit.
      return w.bigVarint(value < 0n ? (-value << 1n) | 1n : value << 1n);
    }
    case "string":
      w.byte(tags.text);
      return w.text(value);
  }
  if (value instanceof Uint8Array) {
    w.byte(tags.bytes);
    w.varint(value.length);
    return w.raw(value);
  }
  if (value instanceof Map) {
    w.byte(tags.map);
    w.varint(value.size);
    for (const [key, item] of value) {
      write(w, key);
      write(w, item);
    }
    return;
  }
  if (value instanceof Set) {
    w.byte(tags.set);
    w.varint(value.size);
    for (const item of value) write(w, item);
    return;
  }
  if (Array.isArray(value)) {
    w.byte(tags.list);
    w.varint(value.length);
    for (const item of value) write(w, item);
    return;
  }
  const fields = Object.entries(value as object).filter(([, item]) => item !== undefined);
  w.byte(tags.object);
  w.varint(fields.length);
  for (const [key, item] of fields) {
    w.text(key);
    write(w, item);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get left(): number {
    return this.#bytes.length - this.#at;
  }
  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError("end of row");
    return value;
  }
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) throw new RangeError("large number");
      if (byte < 0x80) return value;
    }
  }
  bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (shift > 1_024n) throw new RangeError("large number");
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  /** A count of things that take at least one byte each. */
  count(): number {
    const value = this.varint();
    if (value > this.left) throw new RangeError("end of row");
    return value;
  }
  raw(): Uint8Array {
    const length = this.count();
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }
  text(): string {
    const length = this.count();
    this.#at += length;
    return fromUtf8(this.#bytes.subarray(this.#at - length, this.#at));
  }
  float(): number {
    if (this.left < 8) throw new RangeError("end of row");
    const at = this.#bytes.byteOffset + this.#at;
    this.#at += 8;
    return new DataView(this.#bytes.buffer, at, 8).getFloat64(0);
  }
}

function read(r: Reader, depth: number): unknown {
  if (depth > maxDepth) throw new RangeError("deep row");
  const tag = r.byte();
  switch (tag) {
    case tags.null:
      return null;
    case tags.false:
      return false;
    case tags.true:
      return true;
    case tags.integer:
      return r.varint();
    case tags.float:
      return r.float();
    case tags.bigint: {
      const value = r.bigVarint();
      return value & 1n ? -(value >> 1n) : value >> 1n;
    }
    case tags.text:
      return r.text();
    case tags.bytes:
      return r.raw();
    case tags.list:
      return items(r, depth);
    case tags.set:
      return new Set(items(r, depth));
    case tags.map: {
      const out = new Map<unknown, unknown>();
      for (let left = r.count(); left > 0; left--) {
        const key = read(r, depth + 1);
        out.set(key, read(r, depth + 1));
      }
      return out;
    }
    case tags.object: {
      const fields: [string, unknown][] = [];
      for (let left = r.count(); left > 0; left--) fields.push([r.text(), read(r, depth + 1)]);
      return Object.fromEntries(fields);
    }
    default:
      throw new RangeError("unknown tag");
  }
}

function items(r: Reader, depth: number): unknown[] {
  const out: unknown[] = [];
  for (let left = r.count(); left > 0; left--) out.push(read(r, depth + 1));
  return out;
}

/** Bytes of one row: numbers, bigints, bytes, texts, arrays, maps and sets at any depth; undefined fields are left out. */
export function encodeRow(value: object): Uint8Array {
  const w = new Writer();
  w.byte(rowVersion);
  write(w, value);
  return w.finish();
}

/** Reads what {@link encodeRow} wrote. Throws `client/bad-row` on damage or on a version of the future. */
export function decodeRow<T extends object>(bytes: Uint8Array): T {
  if (bytes[0] !== rowVersion) throw new ClientError("client/bad-row", { version: bytes[0] });
  try {
    const r = new Reader(bytes.subarray(1));
    const value = read(r, 0);
    if (r.left > 0) throw new RangeError("more than a row");
    return value as T;
  } catch (cause) {
    throw new ClientError("client/bad-row", { size: bytes.length }, { cause });
  }
}
