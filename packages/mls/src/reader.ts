import { MlsError } from "./errors.ts";
import { limits } from "./limits.ts";

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

  /** Takes these bytes if they are what comes next. */
  skip(expected: Uint8Array): boolean {
    const { length } = expected;
    if (length > this.remaining) return false;
    for (let i = 0; i < length; i++) {
      if (this.#bytes[this.#at + i] !== expected[i]) return false;
    }
    this.#at += length;
    return true;
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
