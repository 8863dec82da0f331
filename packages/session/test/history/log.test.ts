import { createMemoryStore } from "@coterie/storage";
import { expect, test } from "vitest";
import { createHistoryLog } from "../../src/history/log.ts";
import type { HistoryEntry } from "../../src/history/letters.ts";

const entry = (messageId: number): HistoryEntry => ({
  source: { organization: "agntcy", namespace: "ns", service: "bob", id: 7n },
  messageId,
  timeMs: 1000 * messageId,
  payloadType: "msg",
  metadata: new Map(),
  payload: new Uint8Array([messageId]),
});

const ids = (entries: readonly HistoryEntry[]): number[] =>
  entries.map(({ messageId }) => messageId);

test("a log keeps the newest of each session, across restarts, and forgets what is over", async () => {
  const store = createMemoryStore();
  const log = createHistoryLog(store, 3);
  await Promise.all([1, 2, 3, 4, 5].map((id) => log.append(1, entry(id))));
  await log.append(2, entry(9));
  expect(ids(await log.newest(1, 500, 0))).toEqual([3, 4, 5]);
  expect(ids(await log.newest(1, 2, 0))).toEqual([4, 5]);
  expect(ids(await log.newest(1, 500, 4000))).toEqual([5]);
  const again = createHistoryLog(store, 3);
  await again.append(1, entry(6));
  expect(ids(await again.newest(1, 500, 0))).toEqual([4, 5, 6]);
  await again.forget(1);
  expect(await again.newest(1, 500, 0)).toEqual([]);
  expect(ids(await again.newest(2, 500, 0))).toEqual([9]);
  await again.append(1, entry(7));
  expect(ids(await again.newest(1, 500, 0))).toEqual([7]);
});
