import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "@coterie/base";
import { StorageError, encodeKey } from "@coterie/storage";
import { openSqliteStore } from "@coterie/storage/sqlite";
import { key, tempPath } from "./temp.ts";

const everything = { from: new Uint8Array(), to: Uint8Array.of(255) };

/** All of a store as text, or the code with which it refuses. Anything but a StorageError fails the test. */
async function contentOf(path: string): Promise<string> {
  try {
    const store = await openSqliteStore({ path, key });
    try {
      const entries = await store.list(everything);
      const again = await store.getMany(entries.map((entry) => entry.key));
      for (const [i, entry] of entries.entries()) expect(again[i]).toEqual(entry.value);
      return entries.map(({ key, value }) => `${toHex(key)}=${toHex(value)}`).join("\n");
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof StorageError) return error.code;
    throw error;
  }
}

/** A store of several pages with values that need overflow pages, and its content after each batch. */
async function build(path: string): Promise<{ states: string[]; wal: Buffer; db: Buffer }> {
  const store = await openSqliteStore({ path, key });
  const states: string[] = [];
  const record = async (): Promise<void> => {
    const entries = await store.list(everything);
    states.push(entries.map(({ key, value }) => `${toHex(key)}=${toHex(value)}`).join("\n"));
  };
  await record();
  for (let batch = 0n; batch < 5n; batch++) {
    await store.write(
      Array.from({ length: 12 }, (_, i) => ({
        kind: "put" as const,
        key: encodeKey(BigInt(i * 3) + batch, batch),
        value: new Uint8Array(i === 5 ? 9000 : 150).fill(i + Number(batch)),
      })),
    );
    await record();
  }
  const [wal, db] = [readFileSync(`${path}-wal`), readFileSync(path)];
  await store.close();
  return { states, wal, db };
}

let whole: Buffer;
let log: { states: string[]; wal: Buffer; db: Buffer };
let content: string;

beforeAll(async () => {
  const path = tempPath();
  log = await build(path);
  whole = readFileSync(path);
  content = log.states.at(-1) as string;
});

async function withFiles(db: Uint8Array, wal?: Uint8Array): Promise<string> {
  const path = tempPath();
  writeFileSync(path, db);
  if (wal) writeFileSync(`${path}-wal`, wal);
  return contentOf(path);
}

function flipped(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[at] = (out[at] as number) ^ mask;
  return out;
}

describe("the database file", () => {
  test("storage/corrupt: a flipped byte is found wherever it is read", async () => {
    expect(await withFiles(whole)).toBe(content);
    const offsets = new Set<number>();
    for (let i = 0; i < 120; i++) offsets.add(i);
    for (let page = 4096; page < whole.length; page += 4096) {
      for (const at of [0, 1, 7, 100, 2000, 4063, 4064, 4079, 4080, 4095]) offsets.add(page + at);
    }
    for (let i = 120; i < whole.length; i += 331) offsets.add(i);
    const found = new Map<string, number[]>();
    for (const at of offsets) {
      if (at >= whole.length) continue;
      const result = await withFiles(flipped(whole, at, 1 << (at % 8)));
      const outcome = result === content ? "unharmed" : result;
      found.set(outcome, [...(found.get(outcome) ?? []), at]);
    }
    // The salt tells the key, the clear part of the header tells our files from others; everything else is authenticated.
    expect(found.get("storage/wrong-key")?.every((at) => at < 16)).toBe(true);
    expect(found.get("storage/not-a-store")?.every((at) => at >= 16 && at < 24)).toBe(true);
    expect(found.get("storage/corrupt")?.length).toBeGreaterThan(200);
    expect(found.get("unharmed") ?? []).toEqual([]);
    expect([...found.keys()].sort()).toEqual([
      "storage/corrupt",
      "storage/not-a-store",
      "storage/wrong-key",
    ]);
  }, 60_000);

  test("storage/corrupt: two pages swapped, one zeroed, one doubled", async () => {
    const page = (n: number): Buffer => whole.subarray(4096 * n, 4096 * (n + 1));
    const count = whole.length / 4096;
    const build = (order: readonly number[]): Buffer => Buffer.concat(order.map(page));
    const straight = Array.from({ length: count }, (_, i) => i);
    const swapped = straight.with(1, 2).with(2, 1);
    const doubled = straight.with(2, 1);
    expect(await withFiles(build(swapped))).toBe("storage/corrupt");
    expect(await withFiles(build(doubled))).toBe("storage/corrupt");
    for (const n of straight) {
      const zeroed = Uint8Array.from(whole).fill(0, 4096 * n, 4096 * (n + 1));
      expect(await withFiles(zeroed)).toBe(n === 0 ? "storage/not-a-store" : "storage/corrupt");
    }
  });

  test("storage/corrupt: a file cut short anywhere", async () => {
    const lengths = [25, 100, 4095, 4096, 4097, 8191, 8192, whole.length - 4096, whole.length - 1];
    for (const length of lengths) {
      expect(await withFiles(whole.subarray(0, length))).toBe("storage/corrupt");
    }
    for (const length of [1, 15, 16, 23]) {
      expect(await withFiles(whole.subarray(0, length))).toBe("storage/not-a-store");
    }
  });

  test("storage/corrupt: damage done behind an open store's back fails reads and writes, not the process", async () => {
    const path = tempPath();
    writeFileSync(path, whole);
    const store = await openSqliteStore({ path, key });
    truncateSync(path, 4096);
    const codes = new Set<string>();
    for (let i = 0; i < 12; i++) {
      try {
        await store.write([
          { kind: "put", key: encodeKey(BigInt(i * 3), 0n), value: new Uint8Array(10) },
        ]);
        codes.add("none");
      } catch (error) {
        codes.add((error as StorageError).code);
      }
      try {
        await store.list(everything);
        codes.add("none");
      } catch (error) {
        codes.add((error as StorageError).code);
      }
    }
    for (const code of codes) expect(["none", "storage/corrupt", "storage/io"]).toContain(code);
    await store.close().catch((error: unknown) => {
      expect(error).toBeInstanceOf(StorageError);
    });
  });
});

describe("the log beside it", () => {
  test("a flipped byte costs an error or the batches from there on, never a part of one and never a wrong value", async () => {
    const states = new Set(log.states);
    const seen = new Set<string>();
    for (let at = 0; at < log.wal.length; at += at < 80 ? 1 : 457) {
      const result = await withFiles(log.db, flipped(log.wal, at, 1 << (at % 8)));
      seen.add(result);
      if (!states.has(result)) expect(result).toBe("storage/corrupt");
    }
    // Damage does show: not every outcome is the last state.
    expect(seen.size).toBeGreaterThan(1);
  }, 60_000);

  test("a log cut short anywhere is an earlier state", async () => {
    const states = new Set(log.states);
    for (let length = 0; length <= log.wal.length; length += 1013) {
      const result = await withFiles(log.db, log.wal.subarray(0, length));
      if (!states.has(result)) expect(result).toBe("storage/corrupt");
    }
    expect(await withFiles(log.db, log.wal)).toBe(content);
  }, 60_000);

  test("a log of another store is not taken in", async () => {
    const path = tempPath();
    const other = await build(path);
    const mixed = tempPath();
    writeFileSync(mixed, whole);
    writeFileSync(`${mixed}-wal`, other.wal);
    const result = await contentOf(mixed);
    if (result !== content) expect(result).toMatch(/^storage\//);
    const again = tempPath();
    copyFileSync(path, again);
    expect(await contentOf(again)).toBe(other.states.at(-1));
  });
});
