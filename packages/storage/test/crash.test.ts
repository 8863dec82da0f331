import { copyFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeKey, encodeKey, prefixRange } from "@coterie/storage";
import { openSqliteStore } from "@coterie/storage/sqlite";
import { startChild, startMigration } from "./child-process.ts";
import { codeOf, key, otherKey, tempPath } from "./temp.ts";

test("storage/in-use: a store held by another process, until that process is killed", async () => {
  const path = tempPath();
  const { child, line, ended } = startChild("hold", path, key);
  expect(await line()).toBe("open");
  expect(await codeOf(() => openSqliteStore({ path, key }))).toBe("storage/in-use");
  expect(await codeOf(() => openSqliteStore({ path, key: otherKey }))).toBe("storage/in-use");
  child.kill("SIGKILL");
  await ended;
  const store = await openSqliteStore({ path, key });
  await store.write([{ kind: "put", key: encodeKey("a"), value: new Uint8Array() }]);
  // And the other way round.
  const late = startChild("hold", path, key);
  expect(await late.line()).toBe("storage/in-use");
  await late.ended;
  await store.close();
}, 30_000);

test("after a kill in the midst of writing every acknowledged batch is there, and each batch is whole", async () => {
  for (const rounds of [1, 7, 40, 150]) {
    const path = tempPath();
    const { child, line, ended } = startChild("write", path, key);
    expect(await line()).toBe("open");
    let acknowledged = 0n;
    while (acknowledged < rounds) acknowledged = BigInt((await line()) as string);
    child.kill("SIGKILL");
    await ended;
    for (let last = await line(); last !== undefined; last = await line()) {
      acknowledged = BigInt(last);
    }
    // The log is what a wrong key must not touch.
    const files = [path, `${path}-wal`];
    const before = files.map((file) => readFileSync(file));
    expect(await codeOf(() => openSqliteStore({ path, key: otherKey }))).toBe("storage/wrong-key");
    expect(await codeOf(() => openSqliteStore({ path, unencrypted: true }))).toBe(
      "storage/wrong-key",
    );
    expect(files.map((file) => readFileSync(file))).toEqual(before);

    const store = await openSqliteStore({ path, key });
    const last = await store.get(encodeKey("last"));
    const [count] = decodeKey(last as Uint8Array);
    expect(count).toBeGreaterThanOrEqual(acknowledged);
    for (const place of ["first", "second"]) {
      const entries = await store.list(prefixRange(place));
      expect(entries).toHaveLength(Number(count));
      for (const [i, entry] of entries.entries()) {
        expect(decodeKey(entry.key)).toEqual([place, BigInt(i) + 1n]);
      }
    }
    await store.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
  }
}, 60_000);

test("a store copied away with its log opens as what was acknowledged then", async () => {
  const path = tempPath();
  const store = await openSqliteStore({ path, key });
  await store.write([{ kind: "put", key: encodeKey("a"), value: encodeKey("kept") }]);
  const copied = tempPath();
  copyFileSync(path, copied);
  copyFileSync(`${path}-wal`, `${copied}-wal`);
  await store.close();
  const copy = await openSqliteStore({ path: copied, key });
  expect(decodeKey((await copy.get(encodeKey("a"))) as Uint8Array)).toEqual(["kept"]);
  await copy.close();
  expect(statSync(copied).size).toBeGreaterThan(0);
});

test("an upgrade of the file that is killed midway has not happened, and happens at the next opening", async () => {
  const path = tempPath();
  const large = new Uint8Array(50_000).fill(7);
  let store = await openSqliteStore({ path, unencrypted: true });
  await store.write(
    Array.from({ length: 200 }, (_, n) => ({
      kind: "put" as const,
      key: encodeKey("m", BigInt(n)),
      value: large,
    })),
  );
  await store.close();
  const killed = startMigration(path, "hang");
  expect(await killed.line()).toBe("midway");
  killed.child.kill("SIGKILL");
  await killed.ended;
  // The version before it opens the file, and finds what was there.
  store = await openSqliteStore({ path, unencrypted: true });
  const entries = await store.list(prefixRange("m"));
  expect(entries).toHaveLength(200);
  expect(entries.every(({ value }) => value.length === 50_000 && value[0] === 7)).toBe(true);
  await store.close();

  const finished = startMigration(path, "finish");
  expect(await finished.line()).toBe("migrated");
  await finished.ended;
  // Now it is the later version's.
  expect(await codeOf(() => openSqliteStore({ path, unencrypted: true }))).toBe(
    "storage/newer-version",
  );
}, 60_000);
