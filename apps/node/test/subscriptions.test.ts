import { expect, test } from "vitest";
import { openMemoryLog } from "../src/log/memory.ts";
import type { GroupMessage, NodeLog } from "../src/log/log.ts";
import { createHub } from "../src/xmtp/subscriptions.ts";
import type { Hub } from "../src/xmtp/subscriptions.ts";
import { bytes, message } from "./log-conformance.ts";

interface World {
  readonly log: NodeLog;
  readonly hub: Hub<GroupMessage>;
}

/** Encoded entries are one line each: group, content and id. */
const line = (entry: GroupMessage): string => `${entry.groupId[0]}/${entry.data[1]}#${entry.id}`;

function world(options: { queueMessages?: number; slowReads?: boolean } = {}): World {
  const log = openMemoryLog({ clock: { nowNs: () => 1n } });
  const hub = createHub<GroupMessage>({
    topicOf: ({ groupId }) => groupId,
    encode: (entry) => new TextEncoder().encode(line(entry)),
    read: async (topic, cursor) => {
      const page = await log.groupMessages({ topic, cursor, direction: "ascending", limit: 3 });
      if (options.slowReads === true) await new Promise((resolve) => setTimeout(resolve, 1));
      return page;
    },
    queueMessages: options.queueMessages ?? 1000,
    queueBytes: 1_000_000,
  });
  log.watch({ groupMessages: (entries) => hub.publish(entries) });
  return { log, hub };
}

const text = (message: Uint8Array | undefined): string => new TextDecoder().decode(message);

async function take(messages: AsyncIterator<Uint8Array>, count: number): Promise<string[]> {
  const out: string[] = [];
  while (out.length < count) {
    const step = await messages.next();
    if (step.done === true) break;
    out.push(text(step.value));
  }
  return out;
}

const open = (
  hub: Hub<GroupMessage>,
  filters: [group: number, after: bigint][],
  signal: AbortSignal = new AbortController().signal,
): AsyncIterator<Uint8Array> => {
  const asked = filters.map(([group, after]) => ({ topic: bytes(group), after }));
  const messages = hub.subscribe(asked, signal);
  return messages[Symbol.asyncIterator]();
};

const publish = (log: NodeLog, group: number, ...contents: number[]) =>
  log.appendGroupMessages(contents.map((content) => message(group, content)));

test("XND-38: history after each cursor comes first, then what is published", async () => {
  const { log, hub } = world();
  await publish(log, 1, 0, 1, 2, 3, 4);
  await publish(log, 2, 0);
  const reader = open(hub, [
    [1, 2n],
    [2, 0n],
  ]);
  const history = await take(reader, 4);
  expect(history.toSorted()).toEqual(["1/2#3", "1/3#4", "1/4#5", "2/0#6"]);
  const next = take(reader, 2);
  await publish(log, 3, 0);
  await publish(log, 2, 1);
  await publish(log, 1, 5);
  expect(await next).toEqual(["2/1#8", "1/5#9"]);
});

test("XND-38: nothing is lost, repeated or out of order while history turns live", async () => {
  for (let round = 0; round < 30; round++) {
    const { log, hub } = world({ slowReads: true });
    await publish(log, 1, 0, 1, 2, 3, 4, 5, 6);
    const readers = Array.from({ length: 3 }, () =>
      open(hub, [
        [1, 0n],
        [2, 0n],
      ]),
    );
    const total = 47;
    const reading = Promise.all(readers.map((reader) => take(reader, total)));
    for (let content = 7; content < 27; content++) {
      await publish(log, 1, content);
      if ((content + round) % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      await publish(log, 2, content);
    }
    for (const lines of await reading) {
      for (const [group, count] of [
        [1, 27],
        [2, 20],
      ] as const) {
        const contents = lines
          .filter((one) => one.startsWith(`${group}/`))
          .map((one) => Number(/\/(\d+)#/.exec(one)?.[1]));
        expect(contents).toEqual(Array.from({ length: count }, (_, at) => at + 27 - count));
      }
    }
  }
});

test("XND-38: two filters of one group count as one, from the lower cursor", async () => {
  const { log, hub } = world();
  await publish(log, 1, 0, 1, 2);
  const reader = open(hub, [
    [1, 2n],
    [1, 1n],
  ]);
  expect(await take(reader, 2)).toEqual(["1/1#2", "1/2#3"]);
  const next = take(reader, 1);
  await publish(log, 1, 3);
  expect(await next).toEqual(["1/3#4"]);
});

test("XND-38: a cursor beyond the end hears only what is beyond it", async () => {
  const { log, hub } = world();
  const reader = open(hub, [[1, 2n]]);
  const next = take(reader, 1);
  await publish(log, 1, 0, 1, 2);
  expect(await next).toEqual(["1/2#3"]);
});

test("XND-38: a stream without filters stays open and silent until its reader goes", async () => {
  const { log, hub } = world();
  const leave = new AbortController();
  const reader = open(hub, [], leave.signal);
  const end = reader.next();
  await publish(log, 1, 0);
  expect(hub.subscribers).toBe(1);
  leave.abort();
  expect(await end).toEqual({ value: undefined, done: true });
  expect(hub.subscribers).toBe(0);
});

test("XND-39: a reader whose queue runs over is cut, the others are not", async () => {
  const { log, hub } = world({ queueMessages: 5 });
  const slow = open(hub, [[1, 0n]]);
  const first = take(slow, 1);
  const quick = open(hub, [[1, 0n]]);
  const all = take(quick, 21);
  // both have seen that there is no history
  await new Promise((resolve) => setImmediate(resolve));
  await publish(log, 1, 0);
  await first;
  for (let content = 1; content <= 20; content++) {
    await publish(log, 1, content);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await all).toHaveLength(21);
  await expect(slow.next()).rejects.toMatchObject({ code: "node/slow-reader" });
  await quick.return?.();
  expect(hub.subscribers).toBe(0);
});

test("XND-39: a lagging reader of history holds no queue and is not cut", async () => {
  const { log, hub } = world({ queueMessages: 5 });
  await publish(log, 1, 0, 1, 2, 3);
  const reader = open(hub, [[1, 0n]]);
  await take(reader, 1);
  for (let content = 4; content < 50; content++) await publish(log, 1, content);
  expect(await take(reader, 49)).toHaveLength(49);
});

test("XND-39: closing ends every stream, also those that begin later", async () => {
  const { hub } = world();
  const reader = open(hub, [[1, 0n]]);
  const end = reader.next();
  await new Promise((resolve) => setImmediate(resolve));
  hub.close();
  await expect(end).rejects.toMatchObject({ code: "node/closed" });
  await expect(open(hub, [[1, 0n]]).next()).rejects.toMatchObject({ code: "node/closed" });
});
