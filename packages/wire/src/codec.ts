import { CoterieError } from "@coterie/base";
import { WireError } from "./errors.ts";
import { maxDecodedBytes } from "./limits.ts";
import { type Readable, Reader } from "./reader.ts";
import { type Writable, Writer } from "./writer.ts";

export interface DecodeOptions {
  /** Most bytes to look at; more throw `wire/too-large`. Default: {@link maxDecodedBytes}. */
  readonly maxBytes?: number;
}

/**
 * Turns plain values into bytes and back. Oneofs are unions with `kind` and `value` (`{ kind: "unset" }` where nothing known
 * was set), 64-bit numbers are bigint, enums are numbers (unknown ones are kept), maps are `Map`, optional fields may be absent.
 */
export interface Codec<T> extends Readable<T>, Writable<T> {
  /** Full protobuf name. */
  readonly name: string;
  /** Throws `wire/bad-value` where a value does not fit its field. */
  encode(value: T): Uint8Array<ArrayBuffer>;
  /** Throws `wire/malformed`, `wire/too-large` or `wire/missing-field`. Unknown fields are skipped. */
  decode(bytes: Uint8Array, options?: DecodeOptions): T;
}

/** The codec of a message with fields of its own. */
export interface RecordCodec<T> extends Codec<T> {
  /** A whole value out of the fields that matter; the others get their defaults. */
  create(fields?: Partial<T>): T;
}

export function codec<T>(
  name: string,
  write: Writable<T>["write"],
  read: Readable<T>["read"],
): Codec<T> {
  return {
    name,
    write,
    read,
    encode(value) {
      const writer = new Writer();
      try {
        write(value, writer);
      } catch (error) {
        // Callers without types leave fields out; that is theirs to fix, whatever property was read of undefined.
        if (error instanceof CoterieError) throw error;
        throw new WireError("wire/bad-value", { message: name }, error);
      }
      return writer.finish();
    },
    decode(bytes, options) {
      const limit = options?.maxBytes ?? maxDecodedBytes;
      if (bytes.length > limit)
        throw new WireError("wire/too-large", { message: name, limit, size: bytes.length });
      const reader = new Reader(bytes);
      try {
        return read(reader, bytes.length, 0, undefined);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        throw new WireError(error.code, { ...error.details, message: name, at: reader.pos });
      }
    },
  };
}

export function record<T>(
  name: string,
  empty: () => T,
  write: Writable<T>["write"],
  read: Readable<T>["read"],
): RecordCodec<T> {
  return { ...codec(name, write, read), create: (fields) => ({ ...empty(), ...fields }) };
}

/** A value under construction. */
export type Draft<T> = {
  -readonly [K in keyof T]: T[K] extends readonly (infer U)[]
    ? U[]
    : T[K] extends ReadonlyMap<infer K2, infer V>
      ? Map<K2, V>
      : T[K];
};

/** A oneof member that the types do not know. */
export function unknownKind(value: never): never {
  throw new WireError("wire/bad-value", { kind: String((value as { kind?: unknown })?.kind) });
}

export function missing(field: string): never {
  throw new WireError("wire/missing-field", { field });
}
