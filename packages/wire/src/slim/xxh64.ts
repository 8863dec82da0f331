const mask = (1n << 64n) - 1n;
const prime1 = 0x9e3779b185ebca87n;
const prime2 = 0xc2b2ae3d27d4eb4fn;
const prime3 = 0x165667b19e3779f9n;
const prime4 = 0x85ebca77c2b2ae63n;
const prime5 = 0x27d4eb2f165667c5n;

const rotate = (value: bigint, by: bigint): bigint =>
  ((value << by) | (value >> (64n - by))) & mask;
const round = (state: bigint, input: bigint): bigint =>
  (rotate((state + input * prime2) & mask, 31n) * prime1) & mask;
const merge = (state: bigint, lane: bigint): bigint =>
  ((state ^ round(0n, lane)) * prime1 + prime4) & mask;

/** XXH64 with seed 0. Not a cryptographic hash: names are short, public, and hashed once (SNM-01). */
export function xxh64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length;
  let at = 0;
  let hash: bigint;
  if (length >= 32) {
    const lanes: [bigint, bigint, bigint, bigint] = [
      (prime1 + prime2) & mask,
      prime2,
      0n,
      (mask + 1n - prime1) & mask,
    ];
    for (; at + 32 <= length; at += 32) {
      lanes[0] = round(lanes[0], view.getBigUint64(at, true));
      lanes[1] = round(lanes[1], view.getBigUint64(at + 8, true));
      lanes[2] = round(lanes[2], view.getBigUint64(at + 16, true));
      lanes[3] = round(lanes[3], view.getBigUint64(at + 24, true));
    }
    hash =
      (rotate(lanes[0], 1n) +
        rotate(lanes[1], 7n) +
        rotate(lanes[2], 12n) +
        rotate(lanes[3], 18n)) &
      mask;
    for (const lane of lanes) hash = merge(hash, lane);
  } else {
    hash = prime5;
  }
  hash = (hash + BigInt(length)) & mask;
  for (; at + 8 <= length; at += 8) {
    hash ^= round(0n, view.getBigUint64(at, true));
    hash = (rotate(hash, 27n) * prime1 + prime4) & mask;
  }
  if (at + 4 <= length) {
    hash ^= (BigInt(view.getUint32(at, true)) * prime1) & mask;
    hash = (rotate(hash, 23n) * prime2 + prime3) & mask;
    at += 4;
  }
  for (; at < length; at += 1) {
    hash ^= (BigInt(view.getUint8(at)) * prime5) & mask;
    hash = (rotate(hash, 11n) * prime1) & mask;
  }
  hash ^= hash >> 33n;
  hash = (hash * prime2) & mask;
  hash ^= hash >> 29n;
  hash = (hash * prime3) & mask;
  return hash ^ (hash >> 32n);
}
