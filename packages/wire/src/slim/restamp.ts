import type { PeekedHeader, PeekedMessage, Range } from "./peek.ts";

const ttlTag = 6 << 3;
const macTag = (11 << 3) | 2;
const headerTag = (1 << 3) | 2;
const bodyTags: Readonly<Record<PeekedMessage["kind"], number>> = {
  subscribe: (1 << 3) | 2,
  unsubscribe: (2 << 3) | 2,
  publish: (3 << 3) | 2,
};

/**
 * The header as the next hop gets it: the ttl and the MAC of that link, without what belonged to the last hop (SRT-07). Everything else keeps
 * its bytes, unknown fields included.
 */
export function restampSlimHeader(
  header: Uint8Array,
  peeked: Pick<PeekedHeader, "restamped">,
  hop: { readonly ttl: number; readonly mac?: Uint8Array | undefined },
): Uint8Array {
  const dropped = peeked.restamped.reduce((sum, range) => sum + lengthOf(range), 0);
  const macBytes = hop.mac === undefined ? 0 : 1 + varintLength(hop.mac.length) + hop.mac.length;
  const out = new Uint8Array(header.length - dropped + 1 + varintLength(hop.ttl) + macBytes);
  let at = 0;
  let from = 0;
  for (const { start, end } of [...peeked.restamped, { start: header.length, end: 0 }]) {
    out.set(header.subarray(from, start), at);
    at += start - from;
    from = end;
  }
  at = putVarint(out, putVarint(out, at, ttlTag), hop.ttl);
  if (hop.mac === undefined) return out;
  at = putVarint(out, putVarint(out, at, macTag), hop.mac.length);
  out.set(hop.mac, at);
  return out;
}

/**
 * {@link replaceSlimHeader} without a copy, where the new header is not longer: the fields before it move up to it, in the message's own memory,
 * which is no use for anything else then. Undefined where it does not fit; nothing was changed then.
 */
export function moveSlimHeader(
  bytes: Uint8Array,
  peeked: PeekedMessage,
  header: Uint8Array,
): Uint8Array | undefined {
  // only what this package and the native one write: the body is the first field, the header the first in it
  if (peeked.bodyField.start !== 0 || peeked.headerField.start !== peeked.body.start) {
    return undefined;
  }
  const headerField = 1 + varintLength(header.length) + header.length;
  const bodyLength = peeked.body.end - peeked.headerField.end + headerField;
  const start = peeked.headerField.end - headerField - 1 - varintLength(bodyLength);
  if (start < 0) return undefined;
  let at = putVarint(bytes, putVarint(bytes, start, bodyTags[peeked.kind]), bodyLength);
  at = putVarint(bytes, putVarint(bytes, at, headerTag), header.length);
  bytes.set(header, at);
  return bytes.subarray(start);
}

/** The message with another header; all around it keeps its bytes (SRT-08). */
export function replaceSlimHeader(
  bytes: Uint8Array,
  peeked: PeekedMessage,
  header: Uint8Array,
): Uint8Array {
  const headerField = 1 + varintLength(header.length) + header.length;
  const bodyLength = lengthOf(peeked.body) - lengthOf(peeked.headerField) + headerField;
  const bodyField = 1 + varintLength(bodyLength) + bodyLength;
  const out = new Uint8Array(bytes.length - lengthOf(peeked.bodyField) + bodyField);
  let at = 0;
  const copy = (start: number, end: number): void => {
    if (start === end) return;
    out.set(bytes.subarray(start, end), at);
    at += end - start;
  };
  copy(0, peeked.bodyField.start);
  at = putVarint(out, putVarint(out, at, bodyTags[peeked.kind]), bodyLength);
  copy(peeked.body.start, peeked.headerField.start);
  at = putVarint(out, putVarint(out, at, headerTag), header.length);
  out.set(header, at);
  at += header.length;
  copy(peeked.headerField.end, peeked.body.end);
  copy(peeked.bodyField.end, bytes.length);
  return out;
}

const lengthOf = ({ start, end }: Range): number => end - start;

function putVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) out[at++] = (rest & 0x7f) | 0x80;
  out[at++] = rest;
  return at;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) length += 1;
  return length;
}
