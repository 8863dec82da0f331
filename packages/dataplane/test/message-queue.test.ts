import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMessageQueue } from "../src/message-queue.ts";

const limits = { messages: 3, bytes: 100, stalledMs: 1000 };
const message = (size: number, first = 0) => {
  const made = new Uint8Array(size);
  made[0] = first;
  return made;
};
const stalled = () => new Error("stalled");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("SCN-05: whoever puts into a full box waits until there is room", async () => {
  const box = createMessageQueue(limits, stalled);
  const reader = box[Symbol.asyncIterator]();
  expect([box.put(message(1, 1)), box.put(message(1, 2))]).toEqual([undefined, undefined]);
  let woken = false;
  void box.put(message(1, 3))?.then(() => (woken = true));
  await Promise.resolve();
  expect(woken).toBe(false);
  expect((await reader.next()).value).toEqual(message(1, 1));
  await Promise.resolve();
  expect(woken).toBe(true);
  expect(box.put(message(99, 4))).toBeInstanceOf(Promise);
});

test("SCN-05: a box that stays full closes, and nobody waits for it any more", async () => {
  const box = createMessageQueue(limits, stalled);
  const waiting = box.put(message(100));
  expect(waiting).toBeInstanceOf(Promise);
  vi.advanceTimersByTime(1001);
  await waiting;
  expect(box.put(message(1))).toBeUndefined();
  const reader = box[Symbol.asyncIterator]();
  expect((await reader.next()).value).toHaveLength(100);
  await expect(reader.next()).rejects.toThrow("stalled");
});

test("SCN-05: a reader that comes in time is not punished", async () => {
  const box = createMessageQueue(limits, stalled);
  const reader = box[Symbol.asyncIterator]();
  void box.put(message(100));
  vi.advanceTimersByTime(900);
  await reader.next();
  vi.advanceTimersByTime(900);
  expect(box.put(message(1))).toBeUndefined();
});

test("messages come out in order over many rounds, and a closed box ends", async () => {
  const box = createMessageQueue({ ...limits, messages: 10_000, bytes: 1e9 }, stalled);
  for (let n = 0; n < 5000; n += 1) box.put(message(2, n & 255));
  const seen: number[] = [];
  const reading = (async () => {
    for await (const one of box) seen.push(one[0] as number);
  })();
  await vi.waitFor(() => expect(box.length).toBe(0));
  box.put(message(2, 7));
  box.close();
  await reading;
  expect(seen).toHaveLength(5001);
  expect(seen.slice(0, 3).concat(seen.at(-1) as number)).toEqual([0, 1, 2, 7]);
});
