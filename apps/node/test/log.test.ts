import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { lockFolder } from "../src/log/lock.ts";
import { openMemoryLog } from "../src/log/memory.ts";
import { openSqliteLog } from "../src/log/sqlite.ts";
import { bytes, logConformance, message } from "./log-conformance.ts";

const clock = { nowNs: () => 1_700_000_000_000_000_000n };
const folders: string[] = [];
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), "coterie-node-"));
  folders.push(made);
  return made;
};
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true });
});

logConformance("memory", async () => openMemoryLog({ clock }));
logConformance("sqlite", async () => openSqliteLog({ path: ":memory:", clock }));
logConformance("sqlite file", async () =>
  openSqliteLog({ path: join(folder(), "node.db"), clock }),
);

const all = { topic: bytes(1), direction: "ascending", limit: 100 } as const;

test("XND-33: a reopened file goes on with higher ids and later times", async () => {
  const path = join(folder(), "node.db");
  const first = openSqliteLog({ path, clock });
  await first.appendGroupMessages([message(1, 1)]);
  await first.close();
  const second = openSqliteLog({ path, clock });
  expect(await second.appendGroupMessages([message(1, 1)])).toEqual({ stored: 0, duplicates: 1 });
  await second.appendGroupMessages([message(1, 2)]);
  const { entries } = await second.groupMessages(all);
  expect(entries.map(({ data }) => data[1])).toEqual([1, 2]);
  expect((entries[1]?.id as bigint) > (entries[0]?.id as bigint)).toBe(true);
  expect((entries[1]?.createdNs as bigint) > (entries[0]?.createdNs as bigint)).toBe(true);
  await second.close();
});

test("writes of one turn share a transaction", async () => {
  const log = openSqliteLog({ path: ":memory:", clock });
  await Promise.all(
    Array.from({ length: 50 }, (_, at) => log.appendGroupMessages([message(1, at)])),
  );
  expect(log.stats).toEqual({ transactions: 1, writes: 50 });
  await log.close();
});

test("a full disk is a typed failure that keeps nothing of the write, and reading goes on", async () => {
  const log = openSqliteLog({ path: join(folder(), "node.db"), clock, maxBytes: 200_000 });
  await log.appendGroupMessages([message(1, 1)]);
  const big = [message(1, 2), message(1, 3, { data: new Uint8Array(1_000_000) })];
  await expect(log.appendGroupMessages(big)).rejects.toMatchObject({
    code: "node/storage-full",
    disposition: "wait",
  });
  expect((await log.groupMessages(all)).entries.map(({ data }) => data[1])).toEqual([1]);
  await log.appendGroupMessages([message(1, 4)]);
  expect((await log.groupMessages(all)).entries.map(({ data }) => data[1])).toEqual([1, 4]);
  await log.close();
});

test("a file that is no database, or a later version's, is refused with its code", async () => {
  const path = join(folder(), "node.db");
  writeFileSync(
    path,
    "this is not a database, though it is long enough to look for a header in it".repeat(20),
  );
  expect(() => openSqliteLog({ path })).toThrow(
    expect.objectContaining({ code: "node/storage-corrupt" }),
  );
  const later = join(folder(), "node.db");
  const { openEngine } = await import("../src/log/engine.ts");
  const db = openEngine(later, { timeout: 0 });
  db.pragma("user_version = 99");
  db.close();
  expect(() => openSqliteLog({ path: later })).toThrow(
    expect.objectContaining({ code: "node/newer-data" }),
  );
});

test("a folder belongs to one holder until it lets go", () => {
  const where = folder();
  const lock = lockFolder(where);
  expect(() => lockFolder(where)).toThrow(expect.objectContaining({ code: "node/data-in-use" }));
  lock.release();
  lockFolder(where).release();
});
