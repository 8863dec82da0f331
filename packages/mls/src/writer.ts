import { MlsError } from "./errors.ts";

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

  /** The bytes written so far, good until the next write: what a signature that comes after them covers. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
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

function checkUint(value: number, max: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= max)) throw badArgument("uint");
}

function badArgument(field: string): MlsError {
  return new MlsError("mls/bad-argument", { field }, { disposition: "fix-caller" });
}
