import fc from "fast-check";
import { expect, test } from "vitest";
import { compare, concat } from "@coterie/base";
import {
  StorageError,
  createMemoryStore,
  decodeKey,
  encodeKey,
  prefixRange,
} from "@coterie/storage";
import type { KeyPart } from "@coterie/storage";

const byte = fc.constantFrom(0, 1, 2, 3, 127, 254, 255);
const part: fc.Arbitrary<KeyPart> = fc.oneof(
  fc.array(byte, { maxLength: 5 }).map((list) => Uint8Array.from(list)),
  fc.uint8Array({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.string({ unit: fc.constantFrom("\0", "a", "\u00ff", "\uffff", "\u{10000}"), maxLength: 4 }),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(0n, 1n, 255n, 256n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n),
);
const tuple = fc.array(part, { maxLength: 4 });

function rank(value: KeyPart): number {
  if (value instanceof Uint8Array) return 0;
  return typeof value === "string" ? 1 : 2;
}

/** The order that encodings promise, told without encoding. */
function compareTuples(a: readonly KeyPart[], b: readonly KeyPart[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i] as KeyPart, b[i] as KeyPart];
    if (rank(x) !== rank(y)) return rank(x) - rank(y);
    let order = 0;
    if (typeof x === "bigint" && typeof y === "bigint") order = x < y ? -1 : Number(x > y);
    else order = compare(Buffer.from(x as string), Buffer.from(y as string));
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof StorageError) return error.code;
    throw error;
  }
  return "none";
}

test("encodings sort as their tuples do", () => {
  fc.assert(
    fc.property(tuple, tuple, (a, b) => {
      const order = compare(encodeKey(...a), encodeKey(...b));
      expect(Math.sign(order)).toBe(Math.sign(compareTuples(a, b)));
    }),
    { numRuns: 5000, seed: 1 },
  );
});

test("encodings round-trip, and decode from a view into something larger", () => {
  fc.assert(
    fc.property(tuple, (parts) => {
      const encoded = encodeKey(...parts);
      expect(decodeKey(encoded)).toEqual(parts);
      const framed = concat(Uint8Array.of(0, 255), encoded, Uint8Array.of(255, 0));
      expect(decodeKey(framed.subarray(2, 2 + encoded.length))).toEqual(parts);
    }),
    { numRuns: 1000, seed: 2 },
  );
});

test("a cut encoding is a shorter tuple or storage/bad-encoding, at every byte", () => {
  fc.assert(
    fc.property(tuple, (parts) => {
      const encoded = encodeKey(...parts);
      const prefixes = new Set(
        parts.map((_, i) => encodeKey(...parts.slice(0, i)).length).concat(encoded.length),
      );
      for (let length = 0; length <= encoded.length; length++) {
        const cut = encoded.subarray(0, length);
        const code = codeOf(() => decodeKey(cut));
        // A part can also end early where its bytes hold a zero that was escaped.
        if (prefixes.has(length)) expect(code).toBe("none");
        else if (code === "none") expect(encodeKey(...decodeKey(cut))).toEqual(new Uint8Array(cut));
        else expect(code).toBe("storage/bad-encoding");
      }
    }),
    { numRuns: 300, seed: 3 },
  );
});

test("1,000 mutations decode to what encodes to them, or fail with storage/bad-encoding", () => {
  fc.assert(
    fc.property(tuple, fc.nat(), fc.nat(255), (parts, where, what) => {
      const bytes = concat(encodeKey(...parts), Uint8Array.of(0)).slice(0, -1);
      if (bytes.length === 0) return;
      bytes[where % bytes.length] = what;
      const code = codeOf(() => decodeKey(bytes));
      if (code === "none") expect(encodeKey(...decodeKey(bytes))).toEqual(bytes);
      else expect(code).toBe("storage/bad-encoding");
    }),
    { numRuns: 1000, seed: 4 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
      const code = codeOf(() => decodeKey(bytes));
      if (code === "none") expect(encodeKey(...decodeKey(bytes))).toEqual(new Uint8Array(bytes));
      else expect(code).toBe("storage/bad-encoding");
    }),
    { numRuns: 2000, seed: 5 },
  );
});

test("parts that cannot be encoded are refused", () => {
  for (const bad of ["\ud800", "a\udfff", -1n, 1n << 64n, 1, null, undefined, {}, true]) {
    expect(codeOf(() => encodeKey("a", bad as KeyPart))).toBe("storage/bad-argument");
  }
  expect(codeOf(() => encodeKey("\u{1f600}", 0n, new Uint8Array()))).toBe("none");
});

test("a prefix range holds the prefix and its continuations, and nothing else", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 2 }), tuple, (prefix, other) => {
      const { from, to } = prefixRange(...prefix);
      const within = (parts: readonly KeyPart[]): boolean => {
        const key = encodeKey(...parts);
        return compare(from, key) <= 0 && compare(key, to) < 0;
      };
      expect(within([...prefix, ...other])).toBe(true);
      const continues =
        other.length >= prefix.length && compareTuples(other.slice(0, prefix.length), prefix) === 0;
      expect(within(other)).toBe(continues);
    }),
    { numRuns: 3000, seed: 6 },
  );
});

test("composed keys page through a store in the order of their numbers", async () => {
  const store = createMemoryStore();
  const numbers = [300n, 2n, 1n << 40n, 10n, 1n];
  await store.write(
    numbers.map((n) => ({ kind: "put", key: encodeKey("msg", n), value: new Uint8Array() })),
  );
  await store.write([{ kind: "put", key: encodeKey("msg2"), value: new Uint8Array() }]);
  const entries = await store.list(prefixRange("msg"));
  expect(entries.map(({ key }) => decodeKey(key)[1])).toEqual([1n, 2n, 10n, 300n, 1n << 40n]);
});
