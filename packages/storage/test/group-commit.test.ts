import { expect, test } from "vitest";
import { StorageError, encodeKey } from "@coterie/storage";
import type { Change } from "@coterie/storage";
import { openEngine } from "../src/sqlite/engine.ts";
import type { Engine } from "../src/sqlite/engine.ts";
import { migrate } from "../src/sqlite/format.ts";
import { SqliteStore } from "../src/sqlite/store.ts";
import { bytes, codeOf } from "./temp.ts";

const put = (n: number): Change => ({ kind: "put", key: encodeKey(BigInt(n)), value: bytes("v") });

/** A store whose transactions are counted, and whose engine may be told to fail. */
function counted(fail: (sql: string, count: number) => boolean = () => false): {
  store: SqliteStore;
  ran: Record<string, number>;
  engine: Engine;
} {
  const engine = openEngine(":memory:");
  migrate(engine, 0n);
  const ran: Record<string, number> = {};
  const exec = engine.exec.bind(engine);
  engine.exec = (sql) => {
    ran[sql] = (ran[sql] ?? 0) + 1;
    if (fail(sql, ran[sql])) throw Object.assign(new Error("disk"), { code: "SQLITE_IOERR_FSYNC" });
    return exec(sql);
  };
  return { store: new SqliteStore(engine, undefined), ran, engine };
}

const count = async (store: SqliteStore): Promise<number> =>
  (await store.list({ from: new Uint8Array(), to: Uint8Array.of(255) })).length;

test("batches of one turn share one transaction", async () => {
  const { store, ran } = counted();
  await Promise.all(Array.from({ length: 100 }, (_, i) => store.write([put(i)])));
  expect(ran).toEqual({ "BEGIN IMMEDIATE": 1, COMMIT: 1 });
  // Those of promise callbacks of the same turn come along.
  await Promise.all([
    store.write([put(200)]),
    Promise.resolve().then(() => store.write([put(201)])),
    Promise.resolve()
      .then(() => undefined)
      .then(() => store.write([put(202)])),
  ]);
  expect(ran["COMMIT"]).toBe(2);
  expect(await count(store)).toBe(103);
  await store.close();
});

test("a write resolves after its transaction is committed", async () => {
  const { store, ran } = counted();
  const written = store.write([put(1)]);
  expect(ran["COMMIT"]).toBeUndefined();
  await written;
  expect(ran["COMMIT"]).toBe(1);
  await store.close();
});

test("where the shared transaction cannot be committed, each batch gets its own", async () => {
  const { store, ran, engine } = counted((sql, n) => sql === "COMMIT" && n === 1);
  await Promise.all([store.write([put(1)]), store.write([put(2)]), store.write([put(3)])]);
  expect(ran).toEqual({ "BEGIN IMMEDIATE": 4, COMMIT: 4, ROLLBACK: 1 });
  expect(engine.inTransaction).toBe(false);
  expect(await count(store)).toBe(3);
  await store.close();
});

test("storage/io: batches that cannot be committed fail one by one, and the store goes on", async () => {
  let broken = true;
  const { store, engine } = counted((sql) => broken && sql === "COMMIT");
  const results = await Promise.allSettled([store.write([put(1)]), store.write([put(2)])]);
  for (const result of results) {
    expect((result as PromiseRejectedResult).reason).toBeInstanceOf(StorageError);
    expect((result as PromiseRejectedResult).reason).toMatchObject({
      code: "storage/io",
      disposition: "retry",
      details: { engine: "SQLITE_IOERR_FSYNC" },
    });
  }
  expect(engine.inTransaction).toBe(false);
  expect(await count(store)).toBe(0);
  broken = false;
  await store.write([put(3)]);
  expect(await count(store)).toBe(1);
  await store.close();
});

test("closing commits what was asked for before it, and refuses what comes after", async () => {
  const { store, ran } = counted();
  const written = store.write([put(1)]);
  const closed = store.close();
  expect(await codeOf(() => store.write([put(2)]))).toBe("storage/closed");
  await Promise.all([written, closed]);
  expect(ran["COMMIT"]).toBe(1);
});

test("ordered batches do not wait for the medium, unless a durable one shares their transaction", async () => {
  const { store, engine } = counted();
  const ran: string[] = [];
  const pragma = engine.pragma.bind(engine);
  engine.pragma = (sql) => {
    ran.push(sql);
    return pragma(sql);
  };
  const ordered = { durability: "ordered" } as const;
  await store.write([put(1)]);
  expect(ran).toEqual([]);
  await store.write([put(2)], ordered);
  await store.write([put(3)], ordered);
  expect(ran).toEqual(["synchronous = NORMAL"]);
  await Promise.all([store.write([put(4)], ordered), store.write([put(5)])]);
  await store.write([put(6)]);
  expect(ran).toEqual(["synchronous = NORMAL", "synchronous = FULL"]);
  expect(await count(store)).toBe(6);
  await store.close();
});
