import type { PeekedHeader, Range } from "./peek.ts";

const ttlTag = 6 << 3;
const macTag = (11 << 3) | 2;

/**
 * The message with its header as the next hop gets it: the ttl and the MAC of that link, without what belonged to the last hop
 * (SRT-07). Everything else keeps its bytes, unknown fields included (SRT-08).
 */
export function restampSlimMessage(
  bytes: Uint8Array,
  peeked: PeekedHeader,
  hop: { readonly ttl: number; readonly mac?: Uint8Array | undefined },
): Uint8Array {
  const ttlBytes = 1 + varintLength(hop.ttl);
  const macBytes = hop.mac === undefined ? 0 : 1 + varintLength(hop.mac.length) + hop.mac.length;
  const dropped = peeked.restamped.reduce((sum, { start, end }) => sum + end - start, 0);
  const headerLength = lengthOf(peeked.header) - dropped + ttlBytes + macBytes;
  const headerField = 1 + varintLength(headerLength) + headerLength;
  const bodyLength = lengthOf(peeked.body) - lengthOf(peeked.headerField) + headerField;
  const bodyField = 1 + varintLength(bodyLength) + bodyLength;
  const out = new Uint8Array(bytes.length - lengthOf(peeked.bodyField) + bodyField);
  let at = 0;
  const copy = (start: number, end: number): void => {
    out.set(bytes.subarray(start, end), at);
    at += end - start;
  };
  const varint = (value: number): void => {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) out[at++] = (rest & 0x7f) | 0x80;
    out[at++] = rest;
  };
  copy(0, peeked.bodyField.start);
  varint(bodyTags[peeked.kind]);
  varint(bodyLength);
  copy(peeked.body.start, peeked.headerField.start);
  varint(headerTag);
  varint(headerLength);
  let from = peeked.header.start;
  for (const { start, end } of peeked.restamped) {
    copy(from, start);
    from = end;
  }
  copy(from, peeked.header.end);
  varint(ttlTag);
  varint(hop.ttl);
  if (hop.mac !== undefined) {
    varint(macTag);
    varint(hop.mac.length);
    out.set(hop.mac, at);
    at += hop.mac.length;
  }
  copy(peeked.headerField.end, peeked.body.end);
  copy(peeked.bodyField.end, bytes.length);
  return out;
}

const headerTag = (1 << 3) | 2;
const bodyTags: Readonly<Record<PeekedHeader["kind"], number>> = {
  subscribe: (1 << 3) | 2,
  unsubscribe: (2 << 3) | 2,
  publish: (3 << 3) | 2,
};

const lengthOf = ({ start, end }: Range): number => end - start;

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) length += 1;
  return length;
}
