import { compare, equal, toHex } from "@coterie/base";
import type { Bytes } from "@coterie/base";
import { StorageError } from "./errors.ts";
import type { StorageErrorCode } from "./errors.ts";
import { encodeKey, prefixRange } from "./keys.ts";
import type { Change, Entry, Store } from "./store.ts";

/** A store that a case may use up. */
export interface StoreUnderTest {
  /** Empty at first. The case closes it. */
  readonly store: Store;
  /** Closes what is open and opens the same data again. Left out by stores that keep nothing. */
  readonly reopen?: (() => Promise<Store>) | undefined;
}

/** One promise of the port. `run` rejects with `storage/conformance` where the store breaks it. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

type Check = (store: Store, reopen: (() => Promise<Store>) | undefined) => Promise<void>;

/**
 * All that the layers above rely on, as cases for any test runner: each opens its own store.
 * `for (const { name, run } of storeConformance(open)) test(name, run)`.
 */
export function storeConformance(open: () => Promise<StoreUnderTest>): ConformanceCase[] {
  return Object.entries(checks).map(([name, check]) => ({
    name,
    async run() {
      const { store, reopen } = await open();
      let latest = store;
      try {
        await check(
          store,
          reopen &&
            (async () => {
              latest = await reopen();
              return latest;
            }),
        );
      } finally {
        await latest.close();
      }
    },
  }));
}

const checks: Readonly<Record<string, Check>> = {
  "what was put is got back, and what was not is undefined": async (store) => {
    await store.write([put("a", "1"), put("b", "2")]);
    await holds(store, { a: "1", b: "2" });
    same(await store.get(bytes("c")), undefined, "absent key");
    const many = await store.getMany([bytes("b"), bytes("x"), bytes("a"), bytes("b")]);
    same(many.map(show).join(), "2,-,1,2", "values in the order of the keys");
    same((await store.getMany([])).length, 0, "no keys, no values");
  },

  "a later put replaces, a delete removes, and deleting what is absent is harmless": async (
    store,
  ) => {
    await store.write([put("a", "1"), put("b", "1")]);
    await store.write([put("a", "longer than before"), remove("b"), remove("c")]);
    await holds(store, { a: "longer than before" });
  },

  "within a batch later changes win": async (store) => {
    await store.write([
      put("a", "1"),
      put("a", "2"),
      remove("b"),
      put("b", "3"),
      put("c", "4"),
      remove("c"),
    ]);
    await holds(store, { a: "2", b: "3" });
    await store.write([removeRange("a", "z"), put("b", "5"), put("d", "6"), removeRange("c", "e")]);
    await holds(store, { b: "5" });
  },

  "an empty batch is allowed": async (store) => {
    await store.write([]);
    await store.write([put("a", "1")]);
    await store.write([]);
    await holds(store, { a: "1" });
  },

  "keys are ordered byte by byte, unsigned, the shorter first": async (store) => {
    const keys = [
      [],
      [0],
      [0, 0],
      [0, 255],
      [1],
      [97],
      [97, 0],
      [127],
      [128],
      [255],
      [255, 0],
      [255, 255],
    ];
    const shuffled = [7, 2, 11, 0, 9, 4, 1, 10, 3, 8, 6, 5].map((i) => keys[i] as number[]);
    await store.write(
      shuffled.map((key) => ({ kind: "put", key: Uint8Array.from(key), value: bytes("v") })),
    );
    const all = await store.list({ from: new Uint8Array(), to: Uint8Array.of(255, 255, 255) });
    same(
      all.map(({ key }) => toHex(key)).join(),
      keys.map((key) => toHex(Uint8Array.from(key))).join(),
      "order",
    );
  },

  "ranges include their start and exclude their end": async (store) => {
    await store.write([put("a", "1"), put("b", "2"), put("c", "3"), put("d", "4")]);
    same(await keysOf(store, "b", "d"), "b c", "both ends present");
    same(await keysOf(store, "aa", "cc"), "b c", "both ends absent");
    same(await keysOf(store, "", "\u007f"), "a b c d", "everything");
    same(await keysOf(store, "b", "b"), "", "empty range");
    same(await keysOf(store, "d", "a"), "", "range the wrong way round");
    same(await keysOf(store, "e", "f"), "", "range behind the last key");
  },

  "lists run backwards, stop at their limit, and both": async (store) => {
    await store.write([put("a", "1"), put("b", "2"), put("c", "3"), put("d", "4")]);
    same(await keysOf(store, "a", "z", { reverse: true }), "d c b a", "reverse");
    same(await keysOf(store, "b", "d", { reverse: true }), "c b", "reverse with ends");
    same(await keysOf(store, "a", "z", { limit: 2 }), "a b", "limit");
    same(await keysOf(store, "a", "z", { limit: 2, reverse: true }), "d c", "limit from the end");
    same(await keysOf(store, "a", "z", { limit: 0 }), "", "limit 0");
    same(await keysOf(store, "a", "z", { limit: 4 }), "a b c d", "limit as large as the range");
    same(
      await keysOf(store, "a", "z", { limit: Number.MAX_SAFE_INTEGER }),
      "a b c d",
      "large limit",
    );
  },

  "delete-range deletes from its start to before its end": async (store) => {
    await store.write(["a", "b", "b0", "c", "d"].map((key) => put(key, key)));
    await store.write([removeRange("b", "c")]);
    same(await keysOf(store, "", "z"), "a c d", "a middle part");
    await store.write([removeRange("c", "c"), removeRange("z", "a")]);
    same(await keysOf(store, "", "z"), "a c d", "empty ranges");
    await store.write([removeRange("", "z")]);
    same(await keysOf(store, "", "z"), "", "everything");
  },

  "empty keys and empty values are values": async (store) => {
    await store.write([put("", "of the empty key"), put("a", "")]);
    await holds(store, { "": "of the empty key", a: "" });
    same((await store.get(bytes("a")))?.length, 0, "an empty value is not absent");
    await store.write([remove("")]);
    await holds(store, { a: "" });
  },

  "large values come back whole (5 MB)": async (store) => {
    const large = pattern(5_000_000, 1);
    await store.write([{ kind: "put", key: bytes("large"), value: large }, put("small", "1")]);
    sameBytes(await store.get(bytes("large")), large, "large value");
    const [entry] = await store.list({ from: bytes("large"), to: bytes("largf") });
    sameBytes(entry?.value, large, "large value of a list");
    await store.write([remove("large")]);
    await holds(store, { small: "1" });
  },

  "long keys keep their order": async (store) => {
    const keys = Array.from({ length: 20 }, (_, i) => {
      const key = new Uint8Array(3000).fill(7);
      key[2999] = i;
      return key;
    });
    await store.write([...keys].reverse().map((key) => ({ kind: "put", key, value: bytes("v") })));
    const all = await store.list({ from: new Uint8Array(), to: Uint8Array.of(255) });
    same(all.length, 20, "number of keys");
    for (const [i, { key }] of all.entries()) sameBytes(key, keys[i] as Uint8Array, "long key");
  },

  "10,000 keys: pages, deletions and re-insertions agree with a model": async (store) => {
    const count = 10_000;
    const key = (n: number): Bytes => encodeKey("k", BigInt(n));
    // 7,919 is prime, so every number comes once, in no order.
    const order = Array.from({ length: count }, (_, i) => (i * 7919) % count);
    for (let at = 0; at < count; at += 2500) {
      await store.write(
        order
          .slice(at, at + 2500)
          .map((n) => ({ kind: "put", key: key(n), value: pattern(20, n) })),
      );
    }
    let seen = 0;
    let { from, to } = prefixRange("k");
    for (;;) {
      const page = await store.list({ from, to, limit: 999 });
      for (const entry of page) {
        sameBytes(entry.key, key(seen), `key ${seen}`);
        sameBytes(entry.value, pattern(20, seen), `value ${seen}`);
        seen++;
      }
      if (page.length < 999) break;
      from = key(seen);
    }
    same(seen, count, "keys in pages");
    await store.write([
      { kind: "delete-range", from: key(1000), to: key(9000) },
      ...order
        .slice(0, 100)
        .map((n): Change => ({ kind: "put", key: key(n), value: bytes("new") })),
      ...order.slice(100, 200).map((n): Change => ({ kind: "delete", key: key(n) })),
    ]);
    const fresh = new Set(order.slice(0, 100));
    const gone = new Set(order.slice(100, 200));
    const expected = Array.from({ length: count }, (_, n) => n).filter(
      (n) => fresh.has(n) || ((n < 1000 || n >= 9000) && !gone.has(n)),
    );
    ({ from, to } = prefixRange("k"));
    const left = await store.list({ from, to, reverse: true });
    same(left.length, expected.length, "keys left");
    for (const [i, entry] of left.entries()) {
      sameBytes(entry.key, key(expected[expected.length - 1 - i] as number), "key left");
    }
  },

  "what is handed out and in are copies": async (store) => {
    const key = bytes("a");
    const value = bytes("value");
    const written = store.write([{ kind: "put", key, value }]);
    key.fill(0);
    value.fill(0);
    await written;
    await holds(store, { a: "value" });
    const got = await store.get(bytes("a"));
    const [listed] = await store.list({ from: bytes("a"), to: bytes("b") });
    const [many] = await store.getMany([bytes("a")]);
    for (const array of [got, many, listed?.key, listed?.value]) array?.fill(0);
    await holds(store, { a: "value" });
    same(got?.constructor, Uint8Array, "plain arrays, no subclass");
    // A view into a larger buffer counts for what it shows.
    const view = bytes("xkeyx").subarray(1, 4);
    await store.write([{ kind: "put", key: view, value: bytes("xvalx").subarray(1, 4) }]);
    await holds(store, { a: "value", key: "val" });
  },

  "a list shows one moment, whatever is written after it was asked for": async (store) => {
    await store.write([put("a", "1"), put("b", "1")]);
    const listed = store.list({ from: bytes("a"), to: bytes("z") });
    const written = store.write([put("a", "2"), put("b", "2"), put("c", "2")]);
    const entries = await listed;
    await written;
    const values = entries.map(({ value }) => show(value)).join("");
    if (values !== "11" && values !== "222") fail(`a list mixed two moments: ${values}`);
    const later = await store.list({ from: bytes("a"), to: bytes("z") });
    same(later.map(({ value }) => show(value)).join(""), "222", "after the write");
  },

  "batches are atomic under concurrent lists": async (store) => {
    const keys = ["a", "m", "z"];
    await store.write(keys.map((key) => put(key, "0")));
    const writes: Promise<void>[] = [];
    const lists: Promise<Entry[]>[] = [];
    for (let i = 1; i <= 50; i++) {
      writes.push(store.write(keys.map((key) => put(key, String(i)))));
      lists.push(store.list({ from: bytes("a"), to: bytes("zz") }));
    }
    for (const list of lists) {
      const values = new Set((await list).map(({ value }) => show(value)));
      same(values.size, 1, "values of one batch");
    }
    await Promise.all(writes);
    await holds(store, { a: "50", m: "50", z: "50" });
  },

  "concurrent batches take effect in the order they were asked for": async (store) => {
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => store.write([put("a", String(i)), put(`k${i}`, "1")])),
    );
    same(show(await store.get(bytes("a"))), "199", "last value");
    same((await store.list({ from: bytes("k"), to: bytes("l") })).length, 200, "all batches");
  },

  "a batch that is refused changes nothing and takes no neighbour along": async (store) => {
    await store.write([put("a", "1")]);
    const bad = [
      put("a", "2"),
      { kind: "put", key: "text", value: bytes("v") },
    ] as unknown as Change[];
    const results = await Promise.allSettled([
      store.write([put("b", "1")]),
      store.write(bad),
      store.write([put("c", "1")]),
    ]);
    same(results.map(({ status }) => status[0]).join(""), "frf", "only the bad batch fails");
    await holds(store, { a: "1", b: "1", c: "1" });
  },

  "arguments of the wrong shape are refused with storage/bad-argument": async (store) => {
    const odd = (value: unknown): Uint8Array => value as Uint8Array;
    const range = { from: bytes("a"), to: bytes("b") };
    await failsWith("storage/bad-argument", () => store.get(odd("a")));
    await failsWith("storage/bad-argument", () => store.getMany([bytes("a"), odd(undefined)]));
    await failsWith("storage/bad-argument", () => store.list({ ...range, from: odd([1]) }));
    await failsWith("storage/bad-argument", () => store.list({ ...range, to: odd(null) }));
    for (const limit of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await failsWith("storage/bad-argument", () => store.list({ ...range, limit }));
    }
    for (const change of [
      { kind: "put", key: bytes("a"), value: "text" },
      { kind: "put", key: bytes("a") },
      { kind: "delete", key: 1 },
      { kind: "delete-range", from: bytes("a"), to: undefined },
      { kind: "clear" },
    ]) {
      await failsWith("storage/bad-argument", () => store.write([change as unknown as Change]));
    }
    await holds(store, {});
  },

  "closing waits for writes under way, twice is harmless, and afterwards all is refused": async (
    store,
    reopen,
  ) => {
    const written = store.write([put("a", "1")]);
    await Promise.all([store.close(), store.close()]);
    await written;
    await store.close();
    await failsWith("storage/closed", () => store.get(bytes("a")));
    await failsWith("storage/closed", () => store.getMany([bytes("a")]));
    await failsWith("storage/closed", () => store.list({ from: bytes("a"), to: bytes("b") }));
    await failsWith("storage/closed", () => store.write([put("b", "1")]));
    await failsWith("storage/closed", () => store.write([]));
    if (reopen) await holds(await reopen(), { a: "1" });
  },

  "what was written is there after closing and opening again": async (store, reopen) => {
    if (!reopen) return;
    const large = pattern(300_000, 3);
    await store.write([
      put("a", "1"),
      put("b", "2"),
      { kind: "put", key: bytes("l"), value: large },
    ]);
    await store.write([remove("b")]);
    let again = await reopen();
    await holds(again, { a: "1", l: show(large) });
    await again.write([put("c", "3"), removeRange("l", "m")]);
    again = await reopen();
    await holds(again, { a: "1", c: "3" });
  },
};

function put(key: string, value: string): Change {
  return { kind: "put", key: bytes(key), value: bytes(value) };
}

function remove(key: string): Change {
  return { kind: "delete", key: bytes(key) };
}

function removeRange(from: string, to: string): Change {
  return { kind: "delete-range", from: bytes(from), to: bytes(to) };
}

/** One byte per character below 256, so that cases can be read. */
function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function show(value: Uint8Array | undefined): string {
  return value === undefined ? "-" : String.fromCharCode(...value.subarray(0, 100));
}

/** Bytes that depend on their place and a seed. */
function pattern(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = i * 31 + (i >>> 8) * 7 + seed * 13;
  return out;
}

async function keysOf(
  store: Store,
  from: string,
  to: string,
  options: { readonly reverse?: boolean; readonly limit?: number } = {},
): Promise<string> {
  const entries = await store.list({ from: bytes(from), to: bytes(to), ...options });
  return entries.map(({ key }) => show(key)).join(" ");
}

/** The whole content of a store, by get and by list. */
async function holds(store: Store, expected: Readonly<Record<string, string>>): Promise<void> {
  const all = await store.list({ from: new Uint8Array(), to: Uint8Array.of(255, 255, 255, 255) });
  const names = Object.keys(expected).sort((a, b) => compare(bytes(a), bytes(b)));
  same(all.map(({ key }) => show(key)).join(" "), names.join(" "), "keys of the store");
  for (const { key, value } of all) {
    same(show(value), expected[show(key)], `value of "${show(key)}" in a list`);
    same(show(await store.get(key)), expected[show(key)], `value of "${show(key)}"`);
  }
}

async function failsWith(code: StorageErrorCode, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    same(error instanceof StorageError ? error.code : String(error), code, "code of a failure");
    return;
  }
  fail(`expected ${code}, and nothing failed`);
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) fail(`${what}: expected ${String(expected)}, found ${String(actual)}`);
}

function sameBytes(actual: Uint8Array | undefined, expected: Uint8Array, what: string): void {
  if (actual === undefined || !equal(actual, expected)) {
    fail(
      `${what}: ${expected.length} bytes expected, ${actual?.length ?? "none"} found or different ones`,
    );
  }
}

function fail(what: string): never {
  throw new StorageError("storage/conformance", { what });
}
