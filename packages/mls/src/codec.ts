import { MlsError } from "./errors.ts";
import { limits } from "./limits.ts";

/** A buffer of the last finished writer, wiped: most structures are small, and allocating twice for each would cost more than writing it. */
let spare: Uint8Array<ArrayBuffer> | undefined;
const spareBytes = 4_096;
const none = new Uint8Array(0);

/**
 * Writes the presentation language of RFC 9420 §2.1. Values come from our own types, so a bad one is the caller's mistake. Good for one
 * structure: nothing may be written after `finish`.
 */
export class Writer {
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(sizeHint = 256) {
    if (spare !== undefined && sizeHint <= spareBytes) {
      this.#buffer = spare;
      spare = undefined;
    } else {
      this.#buffer = new Uint8Array(Math.max(sizeHint, spareBytes));
    }
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    checkUint(value, 0xff);
    const at = this.#grow(1);
    this.#buffer[at] = value;
  }

  u16(value: number): void {
    checkUint(value, 0xffff);
    const at = this.#grow(2);
    this.#buffer[at] = value >>> 8;
    this.#buffer[at + 1] = value;
  }

  u32(value: number): void {
    checkUint(value, 0xffffffff);
    const at = this.#grow(4);
    this.#buffer[at] = value >>> 24;
    this.#buffer[at + 1] = value >>> 16;
    this.#buffer[at + 2] = value >>> 8;
    this.#buffer[at + 3] = value;
  }

  u64(value: bigint): void {
    if (value < 0n || value > 0xffffffffffffffffn) throw badArgument("u64");
    this.u32(Number(value >> 32n));
    this.u32(Number(value & 0xffffffffn));
  }

  /** Bytes as they are, without a length. */
  bytes(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#buffer.set(value, at);
  }

  /** `opaque value<V>`: a length in the shortest form, then the bytes (RFC 9420 §2.1.2). */
  opaque(value: Uint8Array): void {
    this.varint(value.length);
    this.bytes(value);
  }

  varint(value: number): void {
    if (value < 0x40) this.u8(value);
    else if (value < 0x4000) this.u16(value | 0x4000);
    else if (value < 0x40000000) this.u32((value | 0x80000000) >>> 0);
    else throw badArgument("length");
  }

  /** `T items<V>`: the length in bytes of all items, then the items. */
  vector<T>(items: readonly T[], write: (writer: Writer, item: T) => void): void {
    this.nested(() => {
      for (const item of items) write(this, item);
    });
  }

  /** Whatever `write` adds becomes the content of one `opaque<V>`. */
  nested(write: () => void): void {
    const start = this.#grow(1);
    write();
    const content = this.#length - start - 1;
    const header = content < 0x40 ? 1 : content < 0x4000 ? 2 : 4;
    if (header > 1) {
      this.#grow(header - 1);
      this.#buffer.copyWithin(start + header, start + 1, start + 1 + content);
    }
    const end = this.#length;
    this.#length = start;
    this.varint(content);
    this.#length = end;
  }

  /** `optional<T>`: a presence octet, then the value if there is one. */
  optional<T>(value: T | undefined, write: (writer: Writer, value: T) => void): void {
    this.u8(value === undefined ? 0 : 1);
    if (value !== undefined) write(this, value);
  }

  /** The bytes written; no copy of them stays here. Large ones keep the buffer they were written in. */
  finish(): Uint8Array<ArrayBuffer> {
    const used = this.#length;
    const buffer = this.#buffer;
    this.#buffer = none;
    this.#length = 0;
    if (buffer.length > spareBytes && used > buffer.length / 2) return buffer.subarray(0, used);
    const bytes = buffer.slice(0, used);
    release(buffer, used);
    return bytes;
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length = at + count;
    if (this.#length > this.#buffer.length) {
      // Room for what follows a large field, so that it is moved once.
      const larger = new Uint8Array(Math.max(this.#length + 1_024, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, at));
      release(this.#buffer, at);
      this.#buffer = larger;
    }
    return at;
  }
}

function release(buffer: Uint8Array<ArrayBuffer>, used: number): void {
  buffer.fill(0, 0, used);
  if (buffer.length === spareBytes) spare = buffer;
}

/**
 * Reads the presentation language of RFC 9420 §2.1 from untrusted bytes. What it answers are views into the input, not copies.
 * Throws `mls/truncated`, `mls/bad-length` (not the shortest form), `mls/limit`, `mls/trailing-bytes` or `mls/bad-value`.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #end: number;

  constructor(bytes: Uint8Array) {
    if (bytes.length > limits.structBytes) throw overLimit(bytes.length, limits.structBytes);
    // A view of a subclass (Node's Buffer) would hand that subclass on to every field.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = bytes.length;
  }

  /** Position of the next byte. */
  get offset(): number {
    return this.#at;
  }

  /** Bytes left in the innermost vector being read. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    const at = this.#take(2);
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  u32(): number {
    const high = this.u16();
    return high * 0x10000 + this.u16();
  }

  u64(): bigint {
    const high = this.u32();
    return (BigInt(high) << 32n) | BigInt(this.u32());
  }

  /** The next `length` bytes as a view. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** `opaque value<V>` as a view. */
  opaque(max: number = limits.structBytes): Uint8Array {
    const length = this.varint();
    if (length > max) throw overLimit(length, max);
    return this.bytes(length);
  }

  /** RFC 9420 §2.1.2: two bits of size, and only the shortest form is valid. */
  varint(): number {
    const first = this.u8();
    const size = first >>> 6;
    if (size === 0) return first;
    if (size === 1) return shortest(((first & 0x3f) << 8) | this.u8(), 0x40);
    if (size === 2) {
      const value = ((first & 0x3f) << 24) | (this.u8() << 16) | this.u16();
      return shortest(value, 0x4000);
    }
    throw new MlsError("mls/bad-length", { at: this.#at - 1 });
  }

  /** `T items<V>`. Each item must take at least one byte. */
  vector<T>(read: (reader: Reader) => T, maxItems: number): T[] {
    const items: T[] = [];
    this.nested(() => {
      while (this.#at < this.#end) {
        if (items.length === maxItems) throw overLimit(items.length + 1, maxItems);
        items.push(read(this));
      }
    });
    return items;
  }

  /** Lets `read` see one `opaque<V>` only, all of which it has to take. */
  nested<T>(read: () => T): T {
    const length = this.varint();
    if (length > this.remaining) throw truncated(this.#at, length);
    const outer = this.#end;
    this.#end = this.#at + length;
    const value = read();
    this.expectEnd();
    this.#end = outer;
    return value;
  }

  /** `optional<T>`; a presence octet other than 0 and 1 is refused. */
  optional<T>(read: (reader: Reader) => T): T | undefined {
    const present = this.u8();
    if (present > 1) throw badValue("optional", present);
    return present === 1 ? read(this) : undefined;
  }

  /** The bytes from an earlier `offset` up to here, as a view: what a signature or hash over a received structure covers. */
  since(offset: number): Uint8Array {
    return this.#bytes.subarray(offset, this.#at);
  }

  /** Everything that is left of the innermost vector, as a view. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  expectEnd(): void {
    if (this.#at !== this.#end) {
      throw new MlsError("mls/trailing-bytes", { at: this.#at, count: this.remaining });
    }
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw truncated(at, count);
    this.#at = at + count;
    return at;
  }
}

/** The bytes that `write` produces. */
export function encodeWith<T>(
  write: (writer: Writer, value: T) => void,
  value: T,
  sizeHint?: number,
): Uint8Array<ArrayBuffer> {
  const writer = new Writer(sizeHint);
  write(writer, value);
  return writer.finish();
}

/** One whole structure: nothing may follow it. */
export function decodeWith<T>(read: (reader: Reader) => T, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = read(reader);
  reader.expectEnd();
  return value;
}

/** `mls/bad-value`: a field holds a number that the structure does not allow. */
export function badValue(field: string, value: number): MlsError {
  return new MlsError("mls/bad-value", { field, value });
}

function shortest(value: number, least: number): number {
  if (value < least) throw new MlsError("mls/bad-length", { value });
  return value;
}

function truncated(at: number, wanted: number): MlsError {
  return new MlsError("mls/truncated", { at, wanted });
}

function overLimit(value: number, limit: number): MlsError {
  return new MlsError("mls/limit", { value, limit });
}

function checkUint(value: number, max: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= max)) throw badArgument("uint");
}

function badArgument(field: string): MlsError {
  return new MlsError("mls/bad-argument", { field }, { disposition: "fix-caller" });
}
