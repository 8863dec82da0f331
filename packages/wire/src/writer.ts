import { toUtf8 } from "@coterie/base";
import { WireError } from "./errors.ts";
import { maxNesting } from "./reader.ts";

/** What a writer asks of a codec. */
export interface Writable<T> {
  readonly write: (value: T, writer: Writer) => void;
}

const maxUint32 = 0xffff_ffff;

const encodings = new WeakMap<object, Uint8Array>();

/** Encodes a value that stands in many messages once and for all. It is frozen: what it says must not change any more. */
export function keepEncoding<T extends object>(codec: Writable<T>, value: T): T {
  const writer = new Writer();
  codec.write(value, writer);
  encodings.set(freeze(value), writer.finish());
  return value;
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value) as unknown[]) {
    if (typeof part === "object" && part !== null && !ArrayBuffer.isView(part)) freeze(part);
  }
  return Object.freeze(value);
}

/** Writes protobuf fields into one growing byte string. A value that its field cannot carry throws `wire/bad-value`. */
export class Writer {
  #bytes = new Uint8Array(128);
  #pos = 0;
  #nesting = 0;

  /** What was written, in bytes of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#pos);
  }

  uint32(value: number): this {
    if (!Number.isInteger(value) || value < 0 || value > maxUint32) return badValue("uint32");
    this.#reserve(5);
    this.#varint32(value);
    return this;
  }

  /** Negative numbers take ten bytes. */
  int32(value: number): this {
    if ((value | 0) !== value) return badValue("int32");
    return value < 0 ? this.int64(BigInt(value)) : this.uint32(value);
  }

  bool(value: boolean): this {
    return this.uint32(value ? 1 : 0);
  }

  uint64(value: bigint): this {
    if (typeof value !== "bigint" || BigInt.asUintN(64, value) !== value) return badValue("uint64");
    this.#reserve(10);
    if (value <= BigInt(maxUint32)) {
      this.#varint32(Number(value));
      return this;
    }
    // Seven groups at once: 49 bits are exact in a number.
    let low = Number(value & 0x1_ffff_ffff_ffffn);
    for (let i = 0; i < 7; i++) {
      const rest = Math.floor(low / 128);
      const more = rest > 0 || value >= 0x2_0000_0000_0000n;
      this.#bytes[this.#pos++] = (low % 128) | (more ? 128 : 0);
      if (!more) return this;
      low = rest;
    }
    this.#varint32(Number(value >> 49n));
    return this;
  }

  int64(value: bigint): this {
    if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) return badValue("int64");
    return this.uint64(BigInt.asUintN(64, value));
  }

  bytes(value: Uint8Array): this {
    if (!(value instanceof Uint8Array)) return badValue("bytes");
    this.uint32(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#pos);
    this.#pos += value.length;
    return this;
  }

  string(value: string): this {
    if (typeof value !== "string") return badValue("string");
    if (value.length > 127) return this.bytes(toUtf8(value));
    // Ids and keys are short ASCII: written in place; anything else starts over as UTF-8.
    this.#reserve(value.length + 1);
    const start = this.#pos;
    this.#bytes[this.#pos++] = value.length;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 127) {
        this.#pos = start;
        return this.bytes(toUtf8(value));
      }
      this.#bytes[this.#pos++] = unit;
    }
    return this;
  }

  message<T>(tag: number, codec: Writable<T>, value: T): this {
    const known = typeof value === "object" && value !== null ? encodings.get(value) : undefined;
    if (known !== undefined) return this.uint32(tag).bytes(known);
    // Deeper than any reader goes; recursion ends here before the stack does.
    if (++this.#nesting > maxNesting) return badValue("nesting");
    const start = this.#open(tag);
    codec.write(value, this);
    this.#nesting--;
    return this.#close(start);
  }

  /** Enums in one packed field. */
  enums(tag: number, values: readonly number[]): this {
    const start = this.#open(tag);
    for (const value of values) this.int32(value);
    return this.#close(start);
  }

  /** One entry of a map with text keys; key and value are always written. */
  entry(tag: number, key: string, write: (writer: this) => unknown): this {
    const start = this.#open(tag);
    this.uint32(10).string(key);
    write(this);
    return this.#close(start);
  }

  #open(tag: number): number {
    this.uint32(tag);
    this.#reserve(1);
    return this.#pos++;
  }

  #close(start: number): this {
    const length = this.#pos - start - 1;
    let extra = 0;
    for (let rest = length >>> 7; rest > 0; rest >>>= 7) extra++;
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#pos);
    }
    this.#pos = start;
    this.#varint32(length);
    this.#pos += length;
    return this;
  }

  #varint32(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#pos++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#pos++] = rest;
  }

  #reserve(length: number): void {
    const needed = this.#pos + length;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#pos));
    this.#bytes = grown;
  }
}

function badValue(type: string): never {
  throw new WireError("wire/bad-value", { type });
}
