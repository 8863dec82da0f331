import { expect, test } from "vitest";
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
