import { type Draft, op } from "./assembler.ts";

// A number modulo 2^255 − 19 is ten signed limbs of 26 and 25 bits by turns, each in 64 bits of memory: products of two and their sums fit into
// 64 bits. What `multiply` and `square` leave is below 1.01 · 2^25 (2^24) per limb; they take sums and differences of up to three of those.
const limbs = 10;
const bitsOf = (limb: number): number => (limb % 2 === 0 ? 26 : 25);

/** Bytes that an element takes. */
export const elementBytes: number = 8 * limbs;

/** Bit at which a limb begins. */
export const limbOffsets: readonly bigint[] = Array.from({ length: limbs }, (_, limb) =>
  BigInt(Math.ceil(25.5 * limb)),
);

type Code = readonly number[];

// Where the locals of a function lie, after at most three parameters.
const [first, second, third, fourth, fifth, spare] = [3, 13, 23, 33, 43, 53];
const locals = 51;

/** `out = f · g` for pointers, any of which may be the same. */
export function multiply(): Draft {
  const [f, g, h, g19, f2] = [first, second, third, fourth, fifth];
  const product = (i: number, j: number): Code => [
    // Two limbs of 25 bits stand half a bit higher each.
    ...op.get((i % 2 === 1 && j % 2 === 1 ? f2 : f) + i),
    ...op.get((i + j >= limbs ? g19 : g) + j),
    ...op.mul,
  ];
  const body = [
    ...load(1, f),
    ...load(2, g),
    ...each((limb) => scaled(g + limb, 19, g19 + limb)),
    ...each((limb) => scaled(f + limb, 2, f2 + limb)),
    ...each((out) => [
      ...sum(each((i) => [product(i, (out - i + limbs) % limbs)])),
      ...op.set(h + out),
    ]),
    ...carry(h),
    ...store(0, h),
  ];
  return { parameters: 3, locals, body };
}

/** `out = f` squared n times, for two pointers and an n above 0. */
export function square(): Draft {
  const [f, h, f2, f19, f38] = [first, second, third, fourth, fifth];
  const product = (i: number, j: number): Code => {
    const doublings = Number(i !== j) + Number(i % 2 === 1 && j % 2 === 1);
    const left = doublings === 0 ? f : f2;
    const right = i + j < limbs ? (doublings === 2 ? f2 : f) : doublings === 2 ? f38 : f19;
    return [...op.get(left + i), ...op.get(right + j), ...op.mul];
  };
  const body = [
    ...load(1, f),
    ...op.loop([
      ...each((limb) => scaled(f + limb, 2, f2 + limb)),
      ...each((limb) => scaled(f + limb, 19, f19 + limb)),
      ...each((limb) => scaled(f + limb, 38, f38 + limb)),
      ...each((out) => {
        const pairs = each((i) => [[i, (out - i + limbs) % limbs] as const]);
        const terms = pairs.flatMap(([i, j]) => (i <= j ? [product(i, j)] : []));
        return [...sum(terms), ...op.set(h + out)];
      }),
      ...carry(h),
      ...each((limb) => [...op.get(h + limb), ...op.set(f + limb)]),
      ...op.get(2),
      ...op.i32(1),
      ...op.i32Sub,
      ...op.tee(2),
    ]),
    ...store(0, f),
  ];
  return { parameters: 3, locals, body };
}

/** `out = f ± g` for pointers, without carries. */
export function combine(sign: "add" | "sub"): Draft {
  const body = each((limb) => [
    ...op.get(0),
    ...op.get(1),
    ...op.load(8 * limb),
    ...op.get(2),
    ...op.load(8 * limb),
    ...op[sign],
    ...op.store(8 * limb),
  ]);
  return { parameters: 3, locals: 0, body };
}

function each<T>(make: (limb: number) => readonly T[]): T[] {
  return Array.from({ length: limbs }, (_, limb) => make(limb)).flat() as T[];
}

function scaled(from: number, factor: number, to: number): Code {
  return [...op.get(from), ...op.i64(factor), ...op.mul, ...op.set(to)];
}

function sum(terms: readonly Code[]): Code {
  return terms.flatMap((term, index) => (index === 0 ? term : [...term, ...op.add]));
}

function load(pointer: number, to: number): Code {
  return each((limb) => [...op.get(pointer), ...op.load(8 * limb), ...op.set(to + limb)]);
}

function store(pointer: number, from: number): Code {
  return each((limb) => [...op.get(pointer), ...op.get(from + limb), ...op.store(8 * limb)]);
}

/** Two chains of carries by turns, each to the nearest, so that limbs end up small and signed. */
function carry(h: number): Code {
  return [0, 4, 1, 5, 2, 6, 3, 7, 4, 8, 9, 0].flatMap((limb) => carryFrom(h, limb));
}

function carryFrom(h: number, limb: number): Code {
  const bits = bitsOf(limb);
  const next = (limb + 1) % limbs;
  return [
    ...op.get(h + limb),
    ...op.i64(2 ** (bits - 1)),
    ...op.add,
    ...op.i64(bits),
    ...op.shrS,
    ...op.set(spare),
    ...op.get(h + next),
    ...op.get(spare),
    // 2^255 is 19.
    ...(next === 0 ? [...op.i64(19), ...op.mul] : []),
    ...op.add,
    ...op.set(h + next),
    ...op.get(h + limb),
    ...op.get(spare),
    ...op.i64(bits),
    ...op.shl,
    ...op.sub,
    ...op.set(h + limb),
  ];
}
