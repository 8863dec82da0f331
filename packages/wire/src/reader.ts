import { BytesError, fromUtf8 } from "@coterie/base";
import { WireError } from "./errors.ts";

/**
 * Messages inside messages inside messages: as deep as the released SDK reads, so that both give the same verdict on nested
 * policies. One level more is malformed.
 */
export const maxNesting = 100;

export const none: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** What a reader asks of a codec: the fields up to `end`, merged into `prior`. */
export interface Readable<T> {
  readonly read: (reader: Reader, end: number, depth: number, prior: T | undefined) => T;
}

/** Protobuf wire types; groups are skipped, never read. */
const varint = 0;
const fixed64 = 1;
const delimited = 2;
const groupStart = 3;
const groupEnd = 4;
const fixed32 = 5;

/**
 * Reads protobuf fields out of one byte string. As strict as the released SDK: a known field in another wire type, an overlong
 * number, invalid UTF-8 or a length beyond the end is malformed; unknown fields are skipped.
 */
export class Reader {
  pos = 0;
  readonly #bytes: Uint8Array;
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    // Slices of a Buffer would be views; of a plain array they are copies.
    this.#bytes =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Field number and wire type in one number. */
  tag(): number {
    this.#varint();
    const tag = this.#low;
    if (this.#high !== 0 || tag >>> 3 === 0 || (tag & 7) > fixed32) return malformed("tag");
    return tag;
  }

  /** A known field came in this wire type and no other. */
  expect(tag: number, wireType: number): void {
    if ((tag & 7) !== wireType) malformed("wire-type");
  }

  uint32(): number {
    this.#varint();
    return this.#low;
  }

  /** Enums too: whatever number came. */
  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  uint64(): bigint {
    this.#varint();
    return this.#high === 0 ? BigInt(this.#low) : (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  /** A copy: a small field never keeps a large response alive. */
  bytes(): Uint8Array<ArrayBuffer> {
    const length = this.#length();
    if (length === 0) return none;
    const start = this.pos;
    this.pos += length;
    return this.#bytes.slice(start, this.pos) as Uint8Array<ArrayBuffer>;
  }

  string(): string {
    const length = this.#length();
    if (length === 0) return "";
    const start = this.pos;
    this.pos += length;
    try {
      return fromUtf8(this.#bytes.subarray(start, this.pos));
    } catch (error) {
      if (error instanceof BytesError) return malformed("utf8");
      throw error;
    }
  }

  /** A message inside the one at `depth`. Fields of a second occurrence are merged into the first, as protobuf demands. */
  message<T>(codec: Readable<T>, depth: number, prior: T | undefined): T {
    if (depth >= maxNesting) return malformed("nesting");
    const end = this.#length() + this.pos;
    return codec.read(this, end, depth + 1, prior);
  }

  /** Enums of a repeated field, packed or single. */
  enums(tag: number, into: number[]): void {
    if ((tag & 7) === varint) {
      into.push(this.int32());
      return;
    }
    this.expect(tag, delimited);
    const end = this.#length() + this.pos;
    while (this.pos < end) into.push(this.int32());
    this.finish(end);
  }

  /** One entry of a map with text keys; a later entry of the same key replaces the earlier one. */
  entry<V>(
    tag: number,
    into: Map<string, V>,
    depth: number,
    wireType: number,
    zero: () => V,
    read: (reader: Reader, depth: number, prior: V | undefined) => V,
  ): void {
    this.expect(tag, delimited);
    if (depth >= maxNesting) return malformed("nesting");
    const end = this.#length() + this.pos;
    let key = "";
    let value: V | undefined;
    while (this.pos < end) {
      const inner = this.tag();
      if (inner >>> 3 === 1) {
        this.expect(inner, delimited);
        key = this.string();
      } else if (inner >>> 3 === 2) {
        this.expect(inner, wireType);
        value = read(this, depth + 1, value);
      } else this.skip(inner, depth + 1);
    }
    this.finish(end);
    into.set(key, value ?? zero());
  }

  /** Steps over an unknown field. */
  skip(tag: number, depth: number): void {
    if (depth >= maxNesting) return malformed("nesting");
    switch (tag & 7) {
      case varint:
        return this.#varint();
      case fixed64:
        return this.#advance(8);
      case delimited:
        return this.#advance(this.#length());
      case fixed32:
        return this.#advance(4);
      case groupStart:
        for (;;) {
          const inner = this.tag();
          if ((inner & 7) !== groupEnd) this.skip(inner, depth + 1);
          else if (inner >>> 3 === tag >>> 3) return;
          else malformed("group");
        }
      default:
        malformed("group");
    }
  }

  /** A message ends where its length said. */
  finish(end: number): void {
    if (this.pos !== end) malformed("length");
  }

  #length(): number {
    this.#varint();
    if (this.#high !== 0 || this.#low > this.#bytes.length - this.pos) return malformed("length");
    return this.#low;
  }

  #advance(length: number): void {
    if (length > this.#bytes.length - this.pos) malformed("truncated");
    this.pos += length;
  }

  #varint(): void {
    const bytes = this.#bytes;
    const first = bytes[this.pos];
    if (first !== undefined && first < 128) {
      this.pos++;
      this.#low = first;
      this.#high = 0;
      return;
    }
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[this.pos];
      if (byte === undefined) return malformed("truncated");
      this.pos++;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else {
        if (shift === 63 && byte > 1) return malformed("varint");
        high |= bits << (shift - 32);
      }
      if (byte < 128) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    malformed("varint");
  }
}

function malformed(reason: string): never {
  throw new WireError("wire/malformed", { reason });
}
