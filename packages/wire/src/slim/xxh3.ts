const mask = (1n << 64n) - 1n;
const mask32 = 0xffffffffn;
const prime32x1 = 0x9e3779b1n;
const prime32x2 = 0x85ebca77n;
const prime32x3 = 0xc2b2ae3dn;
const prime1 = 0x9e3779b185ebca87n;
const prime2 = 0xc2b2ae3d27d4eb4fn;
const prime3 = 0x165667b19e3779f9n;
const prime4 = 0x85ebca77c2b2ae63n;
const prime5 = 0x27d4eb2f165667c5n;
const mix1 = 0x165667919e3779f9n;
const mix2 = 0x9fb21c651e98df25n;

/** The algorithm's built-in secret. */
const secret: DataView = fromHex(
  "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f" +
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c" +
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8" +
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364" +
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e" +
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e",
);
const secretBytes = 192;

/** Both halves of a digest. */
export interface Hash128 {
  readonly high: bigint;
  readonly low: bigint;
}

/** XXH3 of 128 bits. Not a cryptographic hash: it gives names their ids (SNM-04, SNM-05). */
export function xxh3(bytes: Uint8Array, seed = 0n): Hash128 {
  const input = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length <= 16) return upTo16(input, seed);
  if (bytes.length <= 128) return upTo128(input, seed);
  if (bytes.length <= 240) return upTo240(input, seed);
  return long(input, seed);
}

const u64 = (view: DataView, at: number): bigint => view.getBigUint64(at, true);
const u32 = (view: DataView, at: number): bigint => BigInt(view.getUint32(at, true));
const times = (a: bigint, b: bigint): bigint => (a * b) & mask;
const swap32 = (x: bigint): bigint => {
  const n = Number(x);
  return BigInt(
    (((n & 0xff) << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24)) >>> 0,
  );
};
const swap64 = (x: bigint): bigint => (swap32(x & mask32) << 32n) | swap32(x >> 32n);
const rotate32 = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (32n - by))) & mask32;
const fold = (a: bigint, b: bigint): bigint => {
  const product = a * b;
  return (product & mask) ^ (product >> 64n);
};
const avalanche = (x: bigint): bigint => {
  let hash = x ^ (x >> 37n);
  hash = times(hash, mix1);
  return hash ^ (hash >> 32n);
};
const avalanche64 = (x: bigint): bigint => {
  let hash = x ^ (x >> 33n);
  hash = times(hash, prime2);
  hash ^= hash >> 29n;
  hash = times(hash, prime3);
  return hash ^ (hash >> 32n);
};
const plus = (...terms: readonly bigint[]): bigint =>
  terms.reduce((sum, term) => sum + term, 0n) & mask;
const minus = (a: bigint, b: bigint): bigint => (a - b) & mask;

function upTo16(input: DataView, seed: bigint): Hash128 {
  const length = input.byteLength;
  if (length > 8) return upTo16From9(input, seed);
  if (length >= 4) return upTo8(input, seed);
  if (length > 0) return upTo3(input, seed);
  return {
    low: avalanche64(seed ^ u64(secret, 64) ^ u64(secret, 72)),
    high: avalanche64(seed ^ u64(secret, 80) ^ u64(secret, 88)),
  };
}

function upTo3(input: DataView, seed: bigint): Hash128 {
  const length = input.byteLength;
  const first = input.getUint8(0);
  const middle = input.getUint8(length >> 1);
  const last = input.getUint8(length - 1);
  const low = BigInt(((first << 16) | (middle << 24) | last | (length << 8)) >>> 0);
  const high = rotate32(swap32(low), 13n);
  const flipLow = plus(u32(secret, 0) ^ u32(secret, 4), seed);
  const flipHigh = minus(u32(secret, 8) ^ u32(secret, 12), seed);
  return { low: avalanche64(low ^ flipLow), high: avalanche64(high ^ flipHigh) };
}

function upTo8(input: DataView, seedIn: bigint): Hash128 {
  const length = input.byteLength;
  const seed = seedIn ^ (swap32(seedIn & mask32) << 32n);
  const value = u32(input, 0) + (u32(input, length - 4) << 32n);
  const flip = plus(u64(secret, 16) ^ u64(secret, 24), seed);
  const product = (value ^ flip) * plus(prime1, BigInt(length) << 2n);
  let low = product & mask;
  let high = plus(product >> 64n, low << 1n);
  low ^= high >> 3n;
  low ^= low >> 35n;
  low = times(low, mix2);
  low ^= low >> 28n;
  high = avalanche(high);
  return { low, high };
}

function upTo16From9(input: DataView, seed: bigint): Hash128 {
  const length = input.byteLength;
  const flipLow = minus(u64(secret, 32) ^ u64(secret, 40), seed);
  const flipHigh = plus(u64(secret, 48) ^ u64(secret, 56), seed);
  const first = u64(input, 0);
  let last = u64(input, length - 8);
  const product = (first ^ last ^ flipLow) * prime1;
  let low = plus(product, BigInt(length - 1) << 54n);
  let high = (product >> 64n) & mask;
  last ^= flipHigh;
  high = plus(high, last, (last & mask32) * (prime32x2 - 1n));
  low ^= swap64(high);
  const second = low * prime2;
  low = second & mask;
  high = plus(second >> 64n, times(high, prime2));
  return { low: avalanche(low), high: avalanche(high) };
}

const mix16 = (input: DataView, at: number, key: number, seed: bigint): bigint =>
  fold(
    u64(input, at) ^ plus(u64(secret, key), seed),
    u64(input, at + 8) ^ minus(u64(secret, key + 8), seed),
  );

interface Pair {
  low: bigint;
  high: bigint;
}

function mix32(acc: Pair, input: DataView, one: number, two: number, key: number, seed: bigint) {
  acc.low = plus(acc.low, mix16(input, one, key, seed));
  acc.low ^= plus(u64(input, two), u64(input, two + 8));
  acc.high = plus(acc.high, mix16(input, two, key + 16, seed));
  acc.high ^= plus(u64(input, one), u64(input, one + 8));
}

function finish(acc: Pair, length: number, seed: bigint): Hash128 {
  const low = plus(acc.low, acc.high);
  const high = plus(
    times(acc.low, prime1),
    times(acc.high, prime4),
    times(minus(BigInt(length), seed), prime2),
  );
  return { low: avalanche(low), high: minus(0n, avalanche(high)) };
}

function upTo128(input: DataView, seed: bigint): Hash128 {
  const length = input.byteLength;
  const acc: Pair = { low: times(BigInt(length), prime1), high: 0n };
  for (let i = (length - 1) >> 5; i >= 0; i -= 1) {
    mix32(acc, input, 16 * i, length - 16 * (i + 1), 32 * i, seed);
  }
  return finish(acc, length, seed);
}

function upTo240(input: DataView, seed: bigint): Hash128 {
  const length = input.byteLength;
  const acc: Pair = { low: times(BigInt(length), prime1), high: 0n };
  for (let at = 0; at < 128; at += 32) mix32(acc, input, at, at + 16, at, seed);
  acc.low = avalanche(acc.low);
  acc.high = avalanche(acc.high);
  // the last key offsets are those of the shortest allowed secret (136 bytes)
  for (let at = 128; at + 32 <= length; at += 32) mix32(acc, input, at, at + 16, at - 125, seed);
  mix32(acc, input, length - 16, length - 32, 136 - 17 - 16, minus(0n, seed));
  return finish(acc, length, seed);
}

function long(input: DataView, seed: bigint): Hash128 {
  const key = seed === 0n ? secret : seeded(seed);
  const acc: bigint[] = [prime32x3, prime1, prime2, prime3, prime4, prime32x2, prime5, prime32x1];
  const length = input.byteLength;
  const stripesPerBlock = (secretBytes - 64) / 8;
  const blockBytes = stripesPerBlock * 64;
  const blocks = Math.floor((length - 1) / blockBytes);
  for (let block = 0; block < blocks; block += 1) {
    for (let n = 0; n < stripesPerBlock; n += 1) {
      accumulate(acc, input, block * blockBytes + n * 64, key, n * 8);
    }
    scramble(acc, key, secretBytes - 64);
  }
  const rest = blocks * blockBytes;
  const stripes = Math.floor((length - 1 - rest) / 64);
  for (let n = 0; n < stripes; n += 1) accumulate(acc, input, rest + n * 64, key, n * 8);
  accumulate(acc, input, length - 64, key, secretBytes - 64 - 7);
  return {
    low: mergeAll(acc, key, 11, times(BigInt(length), prime1)),
    high: mergeAll(acc, key, secretBytes - 64 - 11, mask ^ times(BigInt(length), prime2)),
  };
}

function accumulate(acc: bigint[], input: DataView, at: number, key: DataView, keyAt: number) {
  for (let i = 0; i < 8; i += 1) {
    const value = u64(input, at + 8 * i);
    const keyed = value ^ u64(key, keyAt + 8 * i);
    acc[i ^ 1] = plus(acc[i ^ 1] as bigint, value);
    acc[i] = plus(acc[i] as bigint, (keyed & mask32) * (keyed >> 32n));
  }
}

function scramble(acc: bigint[], key: DataView, keyAt: number) {
  for (let i = 0; i < 8; i += 1) {
    const lane = acc[i] as bigint;
    acc[i] = times(lane ^ (lane >> 47n) ^ u64(key, keyAt + 8 * i), prime32x1);
  }
}

function mergeAll(acc: readonly bigint[], key: DataView, keyAt: number, start: bigint): bigint {
  let sum = start;
  for (let i = 0; i < 4; i += 1) {
    const one = (acc[2 * i] as bigint) ^ u64(key, keyAt + 16 * i);
    const two = (acc[2 * i + 1] as bigint) ^ u64(key, keyAt + 16 * i + 8);
    sum = plus(sum, fold(one, two));
  }
  return avalanche(sum);
}

function seeded(seed: bigint): DataView {
  const made = new DataView(new ArrayBuffer(secretBytes));
  for (let at = 0; at < secretBytes; at += 16) {
    made.setBigUint64(at, plus(u64(secret, at), seed), true);
    made.setBigUint64(at + 8, minus(u64(secret, at + 8), seed), true);
  }
  return made;
}

function fromHex(hex: string): DataView {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return new DataView(bytes.buffer);
}
