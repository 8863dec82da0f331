import { concat, fromHex, toHex } from "@coterie/base";
import { ed25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { nobleEquation } from "../src/noble/edwards.ts";
import { isAcceptableEd25519Point } from "../src/strict/ed25519.ts";
import { createEdwardsEquation, instantiateField } from "../src/wasm/edwards25519.ts";
import { elementBytes, limbOffsets } from "../src/wasm/field25519.ts";
import { accelerated, everyOne, noble } from "./support.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test("both accelerated providers are loaded, each once", async () => {
  const { loadOpensslProvider } = await import("@coterie/crypto/openssl");
  const { loadWasmProvider } = await import("@coterie/crypto/wasm");
  expect(accelerated.map(({ name }) => name)).toEqual(["wasm", "openssl"]);
  expect([await loadWasmProvider(), await loadOpensslProvider()]).toEqual(accelerated);
});

test("XID-10: libsecp256k1 signs and derives to the byte as noble does", () => {
  fc.assert(
    fc.property(bytes(32), bytes(32), (key, digest) => {
      const [a] = everyOne((c) => {
        try {
          return [c.secp256k1PublicKey(key), c.secp256k1Sign(key, digest)];
        } catch (error) {
          return (error as { code: string }).code;
        }
      });
      expect(a).toBeDefined();
    }),
    { seed: 2, numRuns: 60, examples: [[new Uint8Array(32), new Uint8Array(32)]] },
  );
});

const { n } = secp256k1.Point.CURVE();
const toBytes = (value: bigint) => fromHex(value.toString(16).padStart(64, "0"));

test("XID-10: recovery agrees on high S, both recovery bits, R beyond the order and no key at all", () => {
  const digest = toBytes(0x1234n);
  const key = toBytes(5n);
  const signed = noble.secp256k1Sign(key, digest);
  const [r, s] = [signed.subarray(0, 32), signed.subarray(32, 64)];
  const high = toBytes(n - BigInt(`0x${toHex(s)}`));
  // The x of 2G and sG − zG = 0: the key would be the point at infinity.
  const g2 = secp256k1.Point.BASE.double();
  const nowhere = toBytes((0x1234n * modInverse(2n)) % n);
  const cases: [Uint8Array, boolean][] = [
    [concat(r, s), true],
    [concat(r, high), true],
    [concat(toBytes(n - 1n), s), false],
    [concat(toBytes(n), s), false],
    [concat(toBytes(g2.toAffine().x), nowhere), false],
    [concat(toBytes(1n), s), false],
    [concat(toBytes(2n ** 128n), s), false],
  ];
  for (const [signature, mine] of cases) {
    for (const recovery of [0, 1] as const) {
      const [found] = everyOne((c) => c.secp256k1Recover(digest, signature, recovery));
      const own = found !== undefined && toHex(found) === toHex(noble.secp256k1PublicKey(key));
      if (own) expect(mine).toBe(true);
    }
  }
  const atInfinity = concat(toBytes(g2.toAffine().x), nowhere);
  const bit = g2.toAffine().y % 2n === 0n ? 0 : 1;
  expect(everyOne((c) => c.secp256k1Recover(digest, atInfinity, bit))).toEqual([
    undefined,
    undefined,
  ]);
});

function modInverse(value: bigint): bigint {
  let [a, b, x, y] = [value % n, n, 1n, 0n];
  while (b > 0n) {
    const q = a / b;
    [a, b, x, y] = [b, a - q * b, y, x - q * y];
  }
  return ((x % n) + n) % n;
}

const p = 2n ** 255n - 19n;
const order = ed25519.Point.Fn.ORDER;
const little = (value: bigint, length = 32) =>
  fromHex(value.toString(16).padStart(2 * length, "0")).toReversed();

test("the field: products of the largest limbs that may meet, against big integers", () => {
  const field = instantiateField();
  const limbs = new BigInt64Array(field.memory.buffer);
  const put = (element: number, values: readonly bigint[]): bigint => {
    values.forEach((value, limb) => {
      limbs[element * 10 + limb] = value;
    });
    return values.reduce((sum, value, limb) => sum + (value << (limbOffsets[limb] as bigint)), 0n);
  };
  const get = (element: number): bigint => {
    let value = 0n;
    limbOffsets.forEach((offset, limb) => {
      value += (limbs[element * 10 + limb] as bigint) << offset;
      const most = limb % 2 === 0 ? 33_900_000n : 16_950_000n;
      expect((limbs[element * 10 + limb] as bigint) ** 2n <= most ** 2n).toBe(true);
    });
    return ((value % p) + p) % p;
  };
  // Four summands of at most 1.01 · 2^25 and 2^24.
  const summand = (limb: number) => 4n * (limb % 2 === 0 ? 33_900_000n : 16_950_000n);
  const element = fc.tuple(
    ...limbOffsets.map((_, limb) =>
      fc.oneof(
        fc.constantFrom(summand(limb), -summand(limb), 0n),
        fc.bigInt({ min: -summand(limb), max: summand(limb) }),
      ),
    ),
  );
  fc.assert(
    fc.property(element, element, fc.integer({ min: 1, max: 5 }), (f, g, times) => {
      const [a, b] = [put(20, f), put(21, g)];
      field.multiply(22 * elementBytes, 20 * elementBytes, 21 * elementBytes);
      expect(get(22)).toBe((((a * b) % p) + p) % p);
      field.square(22 * elementBytes, 20 * elementBytes, times);
      let square = a;
      for (let i = 0; i < times; i++) square = (square * square) % p;
      expect(get(22)).toBe(square);
    }),
    { seed: 3, numRuns: 300 },
  );
});

const wasm = createEdwardsEquation() as NonNullable<ReturnType<typeof createEdwardsEquation>>;

test("MLS-07: the equation holds or fails alike in WebAssembly, at the edges of its numbers too", () => {
  const { BASE, Fn } = ed25519.Point;
  const edge = fc.constantFrom(0n, 1n, 2n, 15n, 16n, 127n, 128n, order - 1n, order / 2n);
  const scalar = fc.oneof(edge, fc.bigInt({ min: 0n, max: order - 1n }));
  let held = 0;
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: order - 1n }),
      scalar,
      scalar,
      fc.nat({ max: 3 }),
      (a, s, k, twist) => {
        const key = BASE.multiply(a);
        const r = BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
        const off = twist === 0 ? r.add(BASE) : r;
        const signature = concat(off.toBytes(), little(s));
        // Digests are reduced: k plus a multiple of the order is k.
        const digest = little(k + BigInt(twist) * order, 64);
        const verdict = wasm(key.toBytes(), signature, digest);
        expect(verdict).toBe(twist !== 0);
        expect(nobleEquation(key.toBytes(), signature, digest)).toBe(verdict);
        held += verdict ? 1 : 0;
        expect(Fn.create(k)).toBe(k);
      },
    ),
    { seed: 4, numRuns: 150 },
  );
  expect(held).toBeGreaterThan(50);
});

test("MLS-07: keys that are no point are refused alike", () => {
  let points = 0;
  fc.assert(
    fc.property(bytes(32), bytes(64), bytes(64), (key, signature, digest) => {
      // S below the order and y below p, as they come to the equation.
      signature[63] = (signature[63] as number) & 0x0f;
      if (isAcceptableEd25519Point(key) === false) return;
      const verdict = wasm(key, signature, digest);
      expect(nobleEquation(key, signature, digest)).toBe(verdict);
      points += isPoint(key) ? 1 : 0;
    }),
    { seed: 5, numRuns: 200 },
  );
  expect(points).toBeGreaterThan(50);
  expect(points).toBeLessThan(150);
});

function isPoint(key: Uint8Array): boolean {
  try {
    return ed25519.Point.fromBytes(key, false) !== undefined;
  } catch {
    return false;
  }
}

test("a platform without WebAssembly, or one that forbids it, has no equation and stays with noble", () => {
  vi.stubGlobal("WebAssembly", undefined);
  expect(createEdwardsEquation()).toBeUndefined();
  vi.stubGlobal("WebAssembly", {
    Module: vi.fn(() => {
      throw new Error("refused by policy");
    }),
  });
  expect(createEdwardsEquation()).toBeUndefined();
});
