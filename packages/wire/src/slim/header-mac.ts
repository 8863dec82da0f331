import { toUtf8 } from "@coterie/base";
import type { PeekedHeader, PeekedName, Range } from "./peek.ts";

/** Grows as it is written to. */
class Preimage {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  uint64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, value, true);
    this.#length += 8;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** With its length before it. */
  counted(value: Uint8Array): void {
    this.uint32(value.length);
    this.bytes(value);
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * (this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

const label = toUtf8("SLIM-DP-HDR-v1\0");

/** What a header has to say of itself beside its names. */
export interface MacFields {
  readonly ttl: number;
  readonly recvFrom?: bigint | undefined;
  readonly forwardTo?: bigint | undefined;
}

/**
 * The bytes that a header's MAC covers (SMC-02, SMC-03, and nothing that SMC-04 leaves out), out of the header's own bytes. `fields` are those of the hop: as received to
 * verify, as sent to stamp.
 */
export function headerMacPreimage(
  linkId: string,
  bytes: Uint8Array,
  header: Pick<PeekedHeader, "source" | "destination" | "identity" | "fanout" | "error">,
  fields: MacFields,
): Uint8Array {
  const out = new Preimage();
  const part = ({ start, end }: Range): Uint8Array => bytes.subarray(start, end);
  const optional = (value: bigint | undefined): void => {
    out.byte(value === undefined ? 0 : 1);
    if (value !== undefined) out.uint64(value);
  };
  const name = (value: PeekedName | undefined): void => {
    out.byte(value === undefined ? 0 : 1);
    if (value === undefined) return;
    out.byte(value.encoded === undefined ? 0 : 1);
    if (value.encoded !== undefined) {
      out.bytes(value.encoded.subarray(0, 24));
      out.byte(value.hasId ? 1 : 0);
      out.bytes(value.encoded.subarray(24));
    }
    out.byte(value.strings === undefined ? 0 : 1);
    for (const string of value.strings ?? []) out.counted(part(string));
  };
  out.bytes(label);
  out.counted(toUtf8(linkId));
  name(header.source);
  name(header.destination);
  out.counted(part(header.identity));
  out.uint32(header.fanout);
  optional(fields.recvFrom);
  optional(fields.forwardTo);
  out.byte(header.error === undefined ? 0 : 1);
  if (header.error !== undefined) out.byte(header.error ? 1 : 0);
  out.uint32(fields.ttl);
  return out.take();
}
