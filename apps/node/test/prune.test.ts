import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openEngine } from "../src/log/engine.ts";
import { openMemoryLog } from "../src/log/memory.ts";
import { openSqliteLog } from "../src/log/sqlite.ts";
import { prune } from "../src/prune.ts";
import { bytes, message } from "./log-conformance.ts";

const day = 86_400_000_000_000n;

test.each([
  ["memory", openMemoryLog],
  ["sqlite", (options: object) => openSqliteLog({ path: ":memory:", ...options })],
] as const)(
  "XND-43: %s: a month of messages is kept, over more than one chunk",
  async (_, open) => {
    const clock = { now: 1_700_000_000_000_000_000n, nowNs: () => clock.now };
    const log = open({ clock });
    const batch = (from: number, isCommit = false) =>
      log.appendGroupMessages(
        Array.from({ length: 1200 }, (__, at) => ({
          ...message(1, 0, { isCommit }),
          data: bytes(1, (from + at) >> 8, (from + at) & 255),
        })),
      );
    await batch(0, true);
    await batch(1200);
    clock.now += 29n * day;
    await batch(2400);
    clock.now += 2n * day;
    expect(await prune(log, {}, clock)).toBe(0);
    expect(await prune(log, { messageDays: 30 }, clock)).toBe(1200);
    expect(await prune(log, { messageDays: 30 }, clock)).toBe(0);
    const { entries } = await log.groupMessages({
      topic: bytes(1),
      direction: "ascending",
      limit: 5000,
    });
    expect(entries).toHaveLength(2400);
    await log.close();
  },
);

test("XND-43: what a failed transaction did not prune is pruned by a later one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "coterie-prune-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "log.db");
  const clock = { now: 1_700_000_000_000_000_000n, nowNs: () => clock.now };
  const log = openSqliteLog({ path, clock });
  await log.appendGroupMessages(Array.from({ length: 5 }, (_, at) => message(1, at)));
  clock.now += 31n * day;
  const beside = openEngine(path, { timeout: 5000 });
  beside.exec(
    "CREATE TRIGGER no BEFORE DELETE ON group_messages WHEN old.id = 5 BEGIN SELECT RAISE(ABORT, 'no'); END",
  );
  await expect(prune(log, { messageDays: 30 }, clock)).rejects.toMatchObject({
    code: "node/storage-failed",
  });
  beside.exec("DROP TRIGGER no");
  beside.close();
  expect(await prune(log, { messageDays: 30 }, clock)).toBe(5);
  await log.close();
});
