import { WireError } from "../errors.ts";

/** A part of the message's bytes. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A name as the header has it; components and id as their 8 bytes each, little endian. */
export interface PeekedName {
  /** `EncodedName`: three components, then both halves of the id where there is one. */
  readonly encoded?: Uint8Array | undefined;
  readonly hasId: boolean;
  /** `StringName`: its three strings. */
  readonly strings?: readonly [Range, Range, Range] | undefined;
}

/** What a data plane needs of a header: offsets are into the header's bytes. */
export interface PeekedHeader {
  readonly source?: PeekedName | undefined;
  readonly destination?: PeekedName | undefined;
  readonly identity: Range;
  readonly fanout: number;
  readonly ttl: number;
  readonly recvFrom?: bigint | undefined;
  readonly forwardTo?: bigint | undefined;
  readonly error?: boolean | undefined;
  readonly mac?: Range | undefined;
  /** Fields that a hop writes anew, with their tags (SRT-07). */
  readonly restamped: readonly Range[];
}

/** Where the parts of a message lie that carries a header; nothing in them was looked at. */
export interface PeekedMessage {
  readonly kind: "subscribe" | "unsubscribe" | "publish";
  readonly header: Range;
  /** The header with its tag. */
  readonly headerField: Range;
  /** The Subscribe, Unsubscribe or Publish around it, and the same with its tag. */
  readonly body: Range;
  readonly bodyField: Range;
  /** Of a Publish: it has a session header and content (SRT-09). */
  readonly hasSession: boolean;
  /** Of the other two. */
  readonly subscriptionId: bigint;
}

export type Peeked =
  | PeekedMessage
  | { readonly kind: "link" }
  | { readonly kind: "subscription-ack" };

const nowhere: Range = { start: 0, end: 0 };

/** Finds its way through the fields of one message without decoding it. All failures are `wire/malformed`. */
class Cursor {
  readonly bytes: Uint8Array;
  pos: number;
  end: number;
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.pos = 0;
    this.end = bytes.length;
  }

  /** A number of at most 64 bits into `low` and `high`. */
  varint(): void {
    const { bytes, end } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.pos >= end) throw malformed("number");
      const byte = bytes[this.pos++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        if (shift === 63 && bits > 1) throw malformed("number");
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw malformed("number");
  }

  tag(): number {
    this.varint();
    if (this.high !== 0 || this.low >>> 3 === 0) throw malformed("tag");
    return this.low;
  }

  uint32(tag: number): number {
    if ((tag & 7) !== 0) throw malformed("wire-type");
    this.varint();
    return this.low;
  }

  uint64(tag: number): bigint {
    if ((tag & 7) !== 0) throw malformed("wire-type");
    this.varint();
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  range(tag: number): Range {
    if ((tag & 7) !== 2) throw malformed("wire-type");
    this.varint();
    const start = this.pos;
    const end = start + this.low;
    if (this.high !== 0 || end > this.end) throw malformed("length");
    this.pos = end;
    return { start, end };
  }

  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.varint();
        return;
      case 1:
        this.pos += 8;
        break;
      case 2:
        this.range(tag);
        return;
      case 5:
        this.pos += 4;
        break;
      default:
        throw malformed("wire-type");
    }
    if (this.pos > this.end) throw malformed("length");
  }

  /** Runs over the fields of a range and comes back to where it was. */
  within(range: Range, field: (tag: number, start: number) => void): void {
    const { pos, end } = this;
    this.pos = range.start;
    this.end = range.end;
    while (this.pos < this.end) {
      const start = this.pos;
      field(this.tag(), start);
    }
    this.pos = pos;
    this.end = end;
  }
}

const bodies: Readonly<Record<number, PeekedMessage["kind"]>> = {
  1: "subscribe",
  2: "unsubscribe",
  3: "publish",
};

/**
 * Finds the parts of a `Message` that routing needs, straight in its bytes (SRT-08). Stricter than a decoder: a message or header that
 * comes twice is malformed, so that no two readers can understand it differently.
 */
export function peekSlimMessage(bytes: Uint8Array): Peeked {
  const cursor = new Cursor(bytes);
  let kind: PeekedMessage["kind"] | "link" | "subscription-ack" | undefined;
  let body = nowhere;
  let bodyField = nowhere;
  while (cursor.pos < cursor.end) {
    const start = cursor.pos;
    const tag = cursor.tag();
    const number = tag >>> 3;
    if (number > 6 || number === 4) {
      cursor.skip(tag);
      continue;
    }
    if (kind !== undefined) throw malformed("twice");
    kind = bodies[number] ?? (number === 5 ? "link" : "subscription-ack");
    body = cursor.range(tag);
    bodyField = { start, end: body.end };
  }
  if (kind === undefined) throw malformed("empty");
  if (kind === "link" || kind === "subscription-ack") return { kind };
  return peekBody(cursor, kind, body, bodyField);
}

function peekBody(
  cursor: Cursor,
  kind: PeekedMessage["kind"],
  body: Range,
  bodyField: Range,
): PeekedMessage {
  let header: Range | undefined;
  let headerField = nowhere;
  let subscriptionId = 0n;
  let hasSession = false;
  let hasContent = false;
  cursor.pos = body.start;
  cursor.end = body.end;
  while (cursor.pos < cursor.end) {
    const start = cursor.pos;
    const tag = cursor.tag();
    const number = tag >>> 3;
    if (number === 1) {
      if (header !== undefined) throw malformed("twice");
      header = cursor.range(tag);
      headerField = { start, end: header.end };
    } else if (number === 2 && kind !== "publish") {
      subscriptionId = cursor.uint64(tag);
    } else if (number === 2) {
      cursor.range(tag);
      hasSession = true;
    } else if (number === 3 && kind === "publish") {
      cursor.range(tag);
      hasContent = true;
    } else cursor.skip(tag);
  }
  if (header === undefined) throw malformed("header");
  return {
    kind,
    body,
    bodyField,
    header,
    headerField,
    subscriptionId,
    hasSession: hasSession && hasContent,
  };
}

/** Reads the header's own bytes; a name that comes twice is malformed. */
export function peekSlimHeader(bytes: Uint8Array): PeekedHeader {
  const cursor = new Cursor(bytes);
  const header = { start: 0, end: bytes.length };
  let source: PeekedName | undefined;
  let destination: PeekedName | undefined;
  let identity = nowhere;
  let fanout = 0;
  let ttl = 0;
  let recvFrom: bigint | undefined;
  let forwardTo: bigint | undefined;
  let error: boolean | undefined;
  let mac: Range | undefined;
  const restamped: Range[] = [];
  cursor.within(header, (tag, start) => {
    const number = tag >>> 3;
    switch (number) {
      case 1:
        if (source !== undefined) throw malformed("twice");
        source = peekName(cursor, cursor.range(tag));
        return;
      case 2:
        if (destination !== undefined) throw malformed("twice");
        destination = peekName(cursor, cursor.range(tag));
        return;
      case 3:
        identity = cursor.range(tag);
        return;
      case 4:
        fanout = cursor.uint32(tag);
        return;
      case 6:
        ttl = cursor.uint32(tag);
        break;
      case 7:
        recvFrom = cursor.uint64(tag);
        break;
      case 8:
        forwardTo = cursor.uint64(tag);
        break;
      case 9:
        cursor.uint64(tag);
        break;
      case 10:
        error = cursor.uint64(tag) !== 0n;
        return;
      case 11:
        mac = cursor.range(tag);
        break;
      default:
        cursor.skip(tag);
        return;
    }
    restamped.push({ start, end: cursor.pos });
  });
  return {
    source,
    destination,
    identity,
    fanout,
    ttl,
    recvFrom,
    forwardTo,
    error,
    mac,
    restamped,
  };
}

function peekName(cursor: Cursor, range: Range): PeekedName {
  let encoded: Uint8Array | undefined;
  let hasId = false;
  let strings: [Range, Range, Range] | undefined;
  cursor.within(range, (tag) => {
    const number = tag >>> 3;
    if (number === 1) {
      if (encoded !== undefined) throw malformed("twice");
      const words = new Uint32Array(10);
      hasId = peekEncodedName(cursor, cursor.range(tag), words);
      encoded = littleEndian(words, hasId ? 10 : 6);
    } else if (number === 2) {
      if (strings !== undefined) throw malformed("twice");
      strings = peekStrings(cursor, cursor.range(tag));
    } else cursor.skip(tag);
  });
  return { encoded, hasId, strings };
}

/** Writes components and id into words of 32 bits, low before high; answers whether there is an id. */
function peekEncodedName(cursor: Cursor, range: Range, words: Uint32Array): boolean {
  let hasId = false;
  const put = (at: number, tag: number): void => {
    cursor.uint32(tag);
    words[at] = cursor.low;
    words[at + 1] = cursor.high;
  };
  cursor.within(range, (tag) => {
    const number = tag >>> 3;
    if (number >= 1 && number <= 3) put(2 * (number - 1), tag);
    else if (number === 4) {
      if (hasId) throw malformed("twice");
      hasId = true;
      cursor.within(cursor.range(tag), (inner) => {
        const half = inner >>> 3;
        if (half === 1 || half === 2) put(4 + 2 * half, inner);
        else cursor.skip(inner);
      });
    } else cursor.skip(tag);
  });
  return hasId;
}

function peekStrings(cursor: Cursor, range: Range): [Range, Range, Range] {
  const empty: Range = { start: range.start, end: range.start };
  const strings: [Range, Range, Range] = [empty, empty, empty];
  cursor.within(range, (tag) => {
    const number = tag >>> 3;
    if (number >= 1 && number <= 3) strings[number - 1] = cursor.range(tag);
    else cursor.skip(tag);
  });
  return strings;
}

function littleEndian(words: Uint32Array, count: number): Uint8Array {
  const bytes = new Uint8Array(4 * count);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < count; at += 1) view.setUint32(4 * at, words[at] as number, true);
  return bytes;
}

function malformed(what: string): WireError {
  return new WireError("wire/malformed", { what });
}
