import { littleEndian } from "../little-endian.ts";
import type { EdwardsEquation } from "../edwards/verify.ts";
import { assemble, op } from "./assembler.ts";
import type { Draft } from "./assembler.ts";
import { combine, elementBytes, limbOffsets, multiply, square } from "./field25519.ts";

/** The equation of Ed25519 in WebAssembly, or undefined where the platform has none or forbids it. For public values only: it takes no care of time. */
export function createEdwardsEquation(): EdwardsEquation | undefined {
  try {
    return curve(instantiateField());
  } catch {
    return undefined;
  }
}

type Pointer = number;

/** Arithmetic on elements in memory (field25519.ts); pointers are byte offsets. */
export interface Field {
  readonly memory: { readonly buffer: ArrayBuffer };
  multiply(out: Pointer, f: Pointer, g: Pointer): void;
  /** Squares n times. */
  square(out: Pointer, f: Pointer, n: number): void;
  add(out: Pointer, f: Pointer, g: Pointer): void;
  subtract(out: Pointer, f: Pointer, g: Pointer): void;
  /** Doubles the point at 0. */
  double(): void;
  /** Adds a prepared point to the one at 0. */
  addPoint(prepared: Pointer): void;
  subtractPoint(prepared: Pointer): void;
}

// Memory, in elements. The point that grows is (X : Y : Z : T) at 0, T = XY / Z; then room for steps, constants and tables.
const at = (index: number): Pointer => index * elementBytes;
const [X, Y, Z, T] = [at(0), at(1), at(2), at(3)];
const [t0, t1, t2, t3] = [at(4), at(5), at(6), at(7)];
const [u0, u1, u2, u3] = [at(8), at(9), at(10), at(11)];
const [one, constD, twoD, rootOfMinusOne] = [at(12), at(13), at(14), at(15)];
/** A prepared point is (Y + X, Y − X, Z, 2dT): four elements. */
const preparedBytes = 4 * elementBytes;
const twice = at(16);
const keyTable = at(20);
const keyWindow = 5;
const baseTable = keyTable + 2 ** (keyWindow - 2) * preparedBytes;
const baseWindow = 8;
const end = baseTable + 2 ** (baseWindow - 2) * preparedBytes;

const calls = { multiply: 0, square: 1, add: 2, subtract: 3 } as const;
const [mul, add, sub] = (["multiply", "add", "subtract"] as const).map(
  (name) => (out: Pointer, f: Pointer, g: Pointer) => [
    ...[out, f, g].flatMap(op.i32),
    ...op.call(calls[name]),
  ],
) as [Three, Three, Three];
type Three = (out: Pointer, f: Pointer, g: Pointer) => number[];
const sq = (out: Pointer, f: Pointer): number[] => [
  ...[out, f, 1].flatMap(op.i32),
  ...op.call(calls.square),
];

/** (X : Y : Z : T) from the completed ((X : Z), (Y : T)) in t0 to t3. */
const fromCompleted = [...mul(X, t0, t3), ...mul(Y, t1, t2), ...mul(Z, t2, t3), ...mul(T, t0, t1)];

/** dbl-2008-hwcd for a = −1. */
const doubling: Draft = {
  parameters: 0,
  locals: 0,
  body: [
    ...sq(u0, X),
    ...sq(u1, Y),
    ...sq(u2, Z),
    ...add(u3, X, Y),
    ...sq(u3, u3),
    ...add(t1, u1, u0),
    ...sub(t2, u1, u0),
    ...sub(t0, u3, t1),
    ...add(u2, u2, u2),
    // Four summands: more than `multiply` is said to take, and less than it can, as the other factor has three at most.
    ...sub(t3, u2, t2),
    ...fromCompleted,
  ],
};

/** add-2008-hwcd-3 for a = −1; the difference takes the point's halves the other way round. */
function addition(sign: "add" | "subtract"): Draft {
  const element = (index: number): number[] => [...op.get(0), ...op.i32(at(index)), 0x6a];
  const times = (out: Pointer, f: Pointer, index: number): number[] => [
    ...[out, f].flatMap(op.i32),
    ...element(index),
    ...op.call(calls.multiply),
  ];
  const [plus, minus] = sign === "add" ? [0, 1] : [1, 0];
  const body = [
    ...add(u0, Y, X),
    ...sub(u1, Y, X),
    ...times(u0, u0, plus),
    ...times(u1, u1, minus),
    ...times(u2, Z, 2),
    ...times(u3, T, 3),
    ...add(u2, u2, u2),
    ...sub(t0, u0, u1),
    ...add(t1, u0, u1),
    ...(sign === "add" ? add : sub)(t2, u2, u3),
    ...(sign === "add" ? sub : add)(t3, u2, u3),
    ...fromCompleted,
  ];
  return { parameters: 1, locals: 0, body };
}

/** The functions alone, over memory that begins with the point. Throws where the platform has no WebAssembly. */
export function instantiateField(): Field {
  const { WebAssembly } = globalThis as unknown as {
    readonly WebAssembly: {
      readonly Module: new (bytes: Uint8Array) => object;
      readonly Instance: new (module: object) => { readonly exports: unknown };
    };
  };
  const code = assemble(
    new Map([
      ["multiply", multiply()],
      ["square", square()],
      ["add", combine("add")],
      ["subtract", combine("sub")],
      ["double", doubling],
      ["addPoint", addition("add")],
      ["subtractPoint", addition("subtract")],
    ]),
    Math.ceil(end / 65_536),
  );
  return new WebAssembly.Instance(new WebAssembly.Module(code)).exports as Field;
}

const p = 2n ** 255n - 19n;
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const d = 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3n;
const root = 0x2b8324804fc1df0b2b4d00993dfbd7a72f431806ad2fe478c4ee1b274a0ea0b0n;
const baseX = 0x216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51an;
const baseY = 0x6666666666666666666666666666666666666666666666666666666666666658n;
const low255 = 2n ** 255n - 1n;

function curve(field: Field): EdwardsEquation {
  const limbs = new BigInt64Array(field.memory.buffer);

  const write = (element: Pointer, value: bigint): void => {
    limbOffsets.forEach((offset, limb) => {
      limbs[element / 8 + limb] = BigInt.asUintN(limb % 2 === 0 ? 26 : 25, value >> offset);
    });
  };
  const read = (element: Pointer): bigint => {
    let value = 0n;
    limbOffsets.forEach((offset, limb) => {
      value += (limbs[element / 8 + limb] as bigint) << offset;
    });
    value %= p;
    return value < 0n ? value + p : value;
  };

  /** f to the power 2^252 − 3; f and out lie outside of u0 to u2. */
  const power = (out: Pointer, f: Pointer): void => {
    const step = (to: Pointer, from: Pointer, squarings: number, by: Pointer): void => {
      field.square(u2, from, squarings);
      field.multiply(to, u2, by);
    };
    field.square(u0, f, 1);
    step(u1, u0, 2, f); // f^9
    field.multiply(u0, u0, u1);
    step(u0, u0, 1, u1); // 2^5 − 1
    step(u0, u0, 5, u0); // 2^10 − 1
    step(u1, u0, 10, u0);
    step(u1, u1, 20, u1);
    step(u0, u1, 10, u0); // 2^50 − 1
    step(u1, u0, 50, u0);
    step(u1, u1, 100, u1);
    step(u0, u1, 50, u0); // 2^250 − 1
    step(out, u0, 2, f);
  };

  const start = (x: bigint, y: bigint): void => {
    write(X, x);
    write(Y, y);
    write(Z, 1n);
    field.multiply(T, X, Y);
  };
  const prepare = (to: Pointer): void => {
    field.add(to, Y, X);
    field.subtract(to + at(1), Y, X);
    field.multiply(to + at(2), Z, one);
    field.multiply(to + at(3), T, twoD);
  };
  /** The odd multiples of the point at 0, as many as a window needs. */
  const fillTable = (table: Pointer, window: number): void => {
    prepare(table);
    field.double();
    prepare(twice);
    field.addPoint(table);
    for (let i = 1; ; i++) {
      prepare(table + i * preparedBytes);
      if (i === 2 ** (window - 2) - 1) return;
      field.addPoint(twice);
    }
  };

  /** The x of a point with this y and parity (RFC 8032 section 5.1.3), or undefined where there is none. */
  const decompress = (y: bigint, odd: boolean): bigint | undefined => {
    write(Y, y);
    field.square(t2, Y, 1);
    field.subtract(t0, t2, one); // u = y² − 1
    field.multiply(t1, t2, constD);
    field.add(t1, t1, one); // v = dy² + 1
    field.square(t2, t1, 1);
    field.multiply(t2, t2, t1); // v³
    field.square(t3, t2, 1);
    field.multiply(t3, t3, t1);
    field.multiply(t3, t3, t0); // uv⁷
    field.multiply(t2, t2, t0); // uv³
    power(X, t3);
    field.multiply(X, X, t2);
    field.square(t3, X, 1);
    field.multiply(t3, t3, t1);
    const [u, vxx] = [read(t0), read(t3)];
    if (vxx !== u) {
      if (vxx !== p - u) return undefined;
      field.multiply(X, X, rootOfMinusOne);
    }
    const x = read(X);
    if (x === 0n && odd) return undefined;
    return isOdd(x) === odd ? x : p - x;
  };

  /** The point at 0 as its 32 bytes, read as a little-endian number. */
  const encode = (): bigint => {
    power(t0, Z);
    field.square(t0, t0, 3);
    field.square(t1, Z, 1);
    field.multiply(t1, t1, Z);
    field.multiply(t0, t0, t1); // 1 / Z
    field.multiply(X, X, t0);
    field.multiply(Y, Y, t0);
    return read(Y) | (isOdd(read(X)) ? 1n << 255n : 0n);
  };

  const step = (table: Pointer, digit: number): void => {
    if (digit > 0) field.addPoint(table + (digit >> 1) * preparedBytes);
    else if (digit < 0) field.subtractPoint(table + (-digit >> 1) * preparedBytes);
  };

  write(one, 1n);
  write(constD, d);
  write(twoD, (2n * d) % p);
  write(rootOfMinusOne, root);
  start(baseX, baseY);
  fillTable(baseTable, baseWindow);

  return (publicKey, signature, digest) => {
    const key = littleEndian(publicKey);
    const y = key & low255;
    const x = decompress(y, key !== y);
    if (x === undefined) return false;
    start(p - x, y);
    fillTable(keyTable, keyWindow);
    const s = signedDigits(littleEndian(signature.subarray(32)), baseWindow);
    const k = signedDigits(littleEndian(digest) % order, keyWindow);
    start(0n, 1n);
    for (let i = 255; i >= 0; i--) {
      field.double();
      step(keyTable, k[i] as number);
      step(baseTable, s[i] as number);
    }
    return encode() === littleEndian(signature.subarray(0, 32));
  };
}

/** 256 digits that are zero or odd and below 2^(window − 1) in size; of any `window` in a row at most one is not zero. */
function signedDigits(value: bigint, window: number): Int8Array {
  const digits = new Int8Array(256);
  const words = new Uint32Array(9);
  for (let i = 0; i < 8; i++) words[i] = Number(BigInt.asUintN(32, value >> BigInt(32 * i)));
  let carry = 0;
  for (let i = 0; i < 256;) {
    const word = i >>> 5;
    const shift = i & 31;
    const low = (words[word] as number) >>> shift;
    const high = shift === 0 ? 0 : (words[word + 1] as number) << (32 - shift);
    const bits = ((low | high) & (2 ** window - 1)) + carry;
    if (bits % 2 === 0) {
      i += 1;
      continue;
    }
    carry = bits >= 2 ** (window - 1) ? 1 : 0;
    digits[i] = bits - carry * 2 ** window;
    i += window;
  }
  return digits;
}

function isOdd(value: bigint): boolean {
  return BigInt.asUintN(1, value) === 1n;
}
