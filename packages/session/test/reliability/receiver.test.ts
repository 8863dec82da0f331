import { expect, test } from "vitest";
import { createReceiver } from "../../src/core/reliability/receiver.ts";
import type { Receiver, ReceiverOptions } from "../../src/core/reliability/receiver.ts";
import { lastDataId } from "../../src/core/reliability/ids.ts";

const timers = { intervalMs: 1000, maxRetries: 2 };

interface Rig {
  readonly receiver: Receiver<string>;
  /** Since the last look: `a1` acknowledged, `?1` requested, `1` delivered, `-1` or `-1..5` lost. */
  happened(): string[];
  give(...ids: number[]): string[];
}

function rig(options: Partial<ReceiverOptions> = {}): Rig {
  const log: string[] = [];
  const receiver = createReceiver<string>(
    { timers, ...options },
    {
      ack: (_source, id) => log.push(`a${id}`),
      request: (_source, id) => log.push(`?${id}`),
      deliver: (_source, _id, item) => log.push(item),
      lost: (_source, id, count) => log.push(count === 1 ? `-${id}` : `-${id}..${id + count - 1}`),
    },
  );
  const happened = (): string[] => log.splice(0);
  return {
    receiver,
    happened,
    give(...ids) {
      for (const id of ids) receiver.message("s", id, `${id}`, 10, 0);
      return happened();
    },
  };
}

test("SRL-03: a message is acknowledged before anything else, a duplicate too", () => {
  const { give } = rig();
  expect(give(1, 2, 2)).toEqual(["a1", "1", "a2", "2", "a2"]);
});

test("SRL-10: the first one sets the base; what is not after the last one is a duplicate, around the ring too", () => {
  const { give } = rig();
  expect(give(lastDataId - 1, lastDataId, 0, 1)).toEqual([
    `a${lastDataId - 1}`,
    `${lastDataId - 1}`,
    `a${lastDataId}`,
    `${lastDataId}`,
    "a0",
    "0",
    "a1",
    "1",
  ]);
  expect(give(lastDataId, 0, 1, 1 + 2 ** 30 + 1)).toEqual([
    `a${lastDataId}`,
    "a0",
    "a1",
    `a${1 + 2 ** 30 + 1}`,
  ]);
});

test("SRL-10: sources do not wait for each other", () => {
  const { receiver, happened } = rig();
  receiver.message("s", 1, "s1", 10, 0);
  receiver.message("s", 3, "s3", 10, 0);
  receiver.message("t", 9, "t9", 10, 0);
  receiver.message("t", 10, "t10", 10, 0);
  expect(happened()).toEqual(["a1", "s1", "a3", "?2", "a9", "t9", "a10", "t10"]);
});

test("SRL-11, SRL-13: each missing id is asked for, again after each interval; the reply fills the gap and is not acknowledged", () => {
  const { receiver, give, happened } = rig();
  give(1);
  expect(give(4)).toEqual(["a4", "?2", "?3"]);
  receiver.tick(999);
  expect(happened()).toEqual([]);
  receiver.tick(1000);
  expect(happened()).toEqual(["?2", "?3"]);
  receiver.reply("s", 3, "3", 10, 1100);
  expect(happened()).toEqual([]);
  receiver.reply("s", 2, "2", 10, 1200);
  expect(happened()).toEqual(["2", "3", "4"]);
  receiver.reply("s", 2, "2", 10, 1200);
  receiver.reply("s", 77, "nobody asked", 10, 1200);
  receiver.reply("t", 1, "nobody asked", 10, 1200);
  expect(happened()).toEqual([]);
  expect(receiver.wakeAt).toBeUndefined();
});

test("SRL-11: what was only late makes its request needless", () => {
  const { receiver, give } = rig();
  give(1, 3);
  expect(give(2)).toEqual(["a2", "2", "3"]);
  expect(receiver.wakeAt).toBeUndefined();
});

test("SRL-14: what its source does not have is told at its position, and the rest flows on", () => {
  const { receiver, give, happened } = rig();
  give(1, 3, 5);
  receiver.reply("s", 4, undefined, 0, 1);
  expect(happened()).toEqual([]);
  receiver.reply("s", 2, undefined, 0, 1);
  expect(happened()).toEqual(["-2", "3", "-4", "5"]);
  expect(give(2, 4)).toEqual(["a2", "a4"]);
});

test("SRL-15: a request that is never answered is lost in the end", () => {
  const { receiver, give, happened } = rig();
  give(1, 3);
  for (const now of [1000, 2000]) receiver.tick(now);
  expect(happened()).toEqual(["?2", "?2"]);
  receiver.tick(3000);
  expect(happened()).toEqual(["-2", "3"]);
  expect(receiver.wakeAt).toBeUndefined();
});

test("SRL-16: direct messages are delivered at once and outside the order, each once", () => {
  const { give } = rig();
  const id = 2 ** 31 + 5;
  expect(give(1, 3, id, id)).toEqual(["a1", "1", "a3", "?2", `a${id}`, `${id}`, `a${id}`]);
});

test("SRL-18: without timers everything is delivered as it comes, and nothing is acknowledged or asked for", () => {
  const { receiver, give, happened } = rig({ timers: undefined });
  expect(give(5, 3, 3)).toEqual(["5", "3", "3"]);
  receiver.reply("s", 4, "4", 10, 0);
  receiver.tick(10_000);
  expect(happened()).toEqual([]);
});

test("SRL-19: at most 1024 wait behind a gap, then the oldest gap is given up", () => {
  const { receiver, give, happened } = rig();
  give(1);
  // one gap that stays, and then no other
  for (let id = 3; id <= 1026; id += 1) receiver.message("s", id, `${id}`, 10, 0);
  expect(happened().filter((one) => !one.startsWith("a"))).toEqual(["?2"]);
  expect(give(1027).slice(0, 3)).toEqual(["a1027", "-2", "3"]);
  expect(receiver.wakeAt).toBeUndefined();
});

test("SRL-19: nor more than 16 MiB", () => {
  const { receiver, happened } = rig();
  receiver.message("s", 1, "1", 10, 0);
  for (const id of [3, 4, 5, 6]) receiver.message("s", id, `${id}`, 4 * 1024 * 1024, 0);
  happened();
  receiver.message("s", 7, "7", 1, 0);
  expect(happened()).toEqual(["a7", "-2", "3", "4", "5", "6", "7"]);
});

test("SRL-21: of what was missed the last 512 are asked for, 32 at a time; what is older is lost at once", () => {
  const { receiver, give, happened } = rig();
  give(1);
  const first = give(1000);
  expect(first.slice(0, 2)).toEqual(["a1000", "-2..487"]);
  expect(first.slice(2)).toEqual(Array.from({ length: 32 }, (_, n) => `?${488 + n}`));
  receiver.reply("s", 488, "488", 10, 1);
  expect(happened()).toEqual(["488", "?520"]);
  receiver.reply("s", 490, undefined, 0, 1);
  expect(happened()).toEqual(["?521"]);
});

test("SRL-21: a jump over half the ring costs no more than a short one", () => {
  const { receiver, give, happened } = rig();
  give(1);
  const jumped = give(2 ** 30);
  expect(jumped[1]).toBe(`-2..${2 ** 30 - 513}`);
  receiver.forget("s");
  // one by one, because each of them might still have come
  expect(happened()).toHaveLength(513);
});

test("SRL-21: a late message of a gap that was given up is a duplicate", () => {
  const { give } = rig();
  give(1, 1000);
  expect(give(5)).toEqual(["a5"]);
});

test("SGR-27: of a source that is gone, what waits is delivered with its gaps, and it may begin anew", () => {
  const { receiver, give, happened } = rig();
  give(1, 3, 6);
  receiver.forget("s");
  expect(happened()).toEqual(["-2", "3", "-4", "-5", "6"]);
  expect(receiver.wakeAt).toBeUndefined();
  expect(receiver.position("s")).toBeUndefined();
  expect(give(1)).toEqual(["a1", "1"]);
});

test("SRL-22: after a time away a source that numbers from the beginning begins anew, once", () => {
  const { receiver, give } = rig();
  give(1, 2, 3, 5);
  receiver.returned();
  expect(give(2, 3, 1)).toEqual(["a2", "-4", "5", "2", "a3", "3", "a1"]);
});

test("SRL-22: what goes on from the last number closes the question", () => {
  const { receiver, give, happened } = rig();
  give(1, 2, 3);
  receiver.returned();
  receiver.message("s", 2 ** 31 + 7, "direct", 10, 0);
  expect(happened()).toEqual([`a${2 ** 31 + 7}`, "direct"]);
  expect(give(5, 4, 2)).toEqual(["a5", "?4", "a4", "4", "5", "a2"]);
});

test("SRL-22: a source that stayed repeats itself, whatever happened to us", () => {
  const { receiver, happened } = rig();
  receiver.message("s", 1, "1", 10, 0);
  receiver.returned();
  receiver.message("s", 1, "1", 10, 0, true);
  expect(happened()).toEqual(["a1", "1", "a1"]);
});

test("SHB-17: positions of a restored session tell duplicates and gaps apart as before", () => {
  const { receiver, give } = rig({ positions: new Map([["s", 7]]) });
  expect(give(7, 9)).toEqual(["a7", "a9", "?8"]);
  expect(receiver.position("s")).toBe(7);
});

test("SRL-26: what could not be read is asked for after an interval, where its source did not repeat it by itself", () => {
  const { receiver, give, happened } = rig();
  give(1);
  receiver.unread("s", 2, 0);
  receiver.unread("s", 2, 500);
  receiver.tick(999);
  expect(happened()).toEqual([]);
  receiver.tick(1000);
  expect(happened()).toEqual(["?2"]);
  receiver.reply("s", 2, "2", 10, 1100);
  expect(happened()).toEqual(["2"]);
  receiver.unread("s", 3, 1200);
  expect(give(3)).toEqual(["a3", "3"]);
  expect(receiver.wakeAt).toBeUndefined();
});

test("SRL-26: nothing vouches for it: what never comes, or is not there, is forgotten, and its number can be had later", () => {
  const { receiver, give, happened } = rig();
  give(1);
  receiver.unread("s", 2, 0);
  receiver.unread("s", 3, 0);
  receiver.tick(1000);
  receiver.reply("s", 2, undefined, 0, 1100);
  for (const now of [2000, 3000, 4000, 5000]) receiver.tick(now);
  expect(happened()).toEqual(["?2", "?3", "?3", "?3"]);
  expect(receiver.wakeAt).toBeUndefined();
  expect(give(2, 3)).toEqual(["a2", "2", "a3", "3"]);
});

test("SRL-26: of a source not heard of yet it comes first, and what comes meanwhile waits for it", () => {
  const { receiver, give, happened } = rig();
  receiver.unread("s", lastDataId, 0);
  receiver.unread("s", 1, 0);
  expect(give(2)).toEqual(["a2", `?${lastDataId}`, "?0", "?1"]);
  receiver.reply("s", lastDataId, "max", 10, 10);
  receiver.reply("s", 1, "1", 10, 10);
  receiver.reply("s", 0, undefined, 0, 10);
  expect(happened()).toEqual(["max", "-0", "1", "2"]);
  expect(receiver.wakeAt).toBeUndefined();
});

test("SRL-26: only what its source can still have, and no more than is asked for at a time", () => {
  const { receiver, give, happened } = rig();
  give(10, 13);
  receiver.reply("s", 11, "11", 10, 0);
  receiver.reply("s", 12, "12", 10, 0);
  happened();
  for (const id of [9, 10, 13, 13 + 513, 2 ** 31 + 5]) receiver.unread("s", id, 0);
  expect(receiver.wakeAt).toBeUndefined();
  for (let id = 14; id < 114; id += 1) receiver.unread("s", id, 0);
  receiver.tick(1000);
  expect(happened()).toEqual(Array.from({ length: 32 }, (_, n) => `?${14 + n}`));
  receiver.forget("s");
  expect(receiver.wakeAt).toBeUndefined();
});

test("SRL-26: without timers nothing is asked for", () => {
  const { receiver, happened } = rig({ timers: undefined });
  receiver.unread("s", 2, 0);
  expect(receiver.wakeAt).toBeUndefined();
  expect(happened()).toEqual([]);
});
