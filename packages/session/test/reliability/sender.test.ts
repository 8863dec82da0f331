import { expect, test, vi } from "vitest";
import { createSender } from "../../src/core/reliability/sender.ts";
import type { Sender, SenderOptions, Settled } from "../../src/core/reliability/sender.ts";
import { dataIdAfter, lastDataId } from "../../src/core/reliability/ids.ts";
import { text } from "./network.ts";

const timers = { intervalMs: 1000, maxRetries: 2 };

interface Rig {
  readonly sender: Sender;
  readonly settled: Map<number, Settled>;
  /** Since the last look: `1` to all, `1>b` to one, `reply 1>b`, `lost 1>b`, `silent b`. */
  happened(): string[];
}

function rig(options: Partial<SenderOptions> = {}): Rig {
  const log: string[] = [];
  const settled = new Map<number, Settled>();
  let word = 0;
  const sender = createSender(
    { timers, randomWord: () => word++, serveSinceJoin: false, ...options },
    {
      message: (id, _content, to) => log.push(to === undefined ? `${id}` : `${id}>${to}`),
      reply: (id, content, to) => log.push(`${content ? "reply" : "lost"} ${id}>${to}`),
      settled: (handle, result) => settled.set(handle, result),
      silent: (member) => log.push(`silent ${member}`),
    },
  );
  return { sender, settled, happened: () => log.splice(0) };
}

test("SSN-04: data ids count from 1 and go on after 2^31 - 1 with 0", () => {
  const { sender, happened } = rig({ nextId: lastDataId });
  sender.join(["b"], 0);
  for (const handle of [1, 2, 3]) sender.publish(handle, text("x"), 0);
  expect(happened()).toEqual([`${lastDataId}`, "0", "1"]);
  expect(dataIdAfter(lastDataId)).toBe(0);
  expect(rig().sender.nextId).toBe(1);
});

test("SRL-01, SRL-04: it goes out once to all, and settles when all endpoints have acknowledged", () => {
  const { sender, settled, happened } = rig();
  sender.join(["b", "c"], 0);
  sender.publish(1, text("x"), 0);
  expect(happened()).toEqual(["1"]);
  sender.acknowledged("b", 1, 5);
  sender.acknowledged("b", 1, 6);
  sender.acknowledged("x", 1, 6);
  expect(settled.size).toBe(0);
  sender.acknowledged("c", 1, 7);
  expect(settled.get(1)).toMatchObject({ acked: ["b", "c"], missing: [], sent: true });
  expect(sender.wakeAt).toBeUndefined();
});

test("SRL-05: after each interval it goes again, to the missing alone", () => {
  const { sender, happened } = rig();
  sender.join(["b", "c", "d"], 0);
  sender.publish(1, text("x"), 0);
  sender.acknowledged("c", 1, 10);
  expect(sender.wakeAt).toBe(1000);
  sender.tick(999);
  expect(happened()).toEqual(["1"]);
  sender.tick(1000);
  expect(happened()).toEqual(["1>b", "1>d"]);
  sender.acknowledged("b", 1, 1500);
  sender.tick(2000);
  expect(happened()).toEqual(["1>d"]);
});

test("SRL-06: after the last retry and one more interval it settles with who is missing, and those count no more", () => {
  const { sender, settled, happened } = rig();
  sender.join(["b", "c"], 0);
  sender.publish(1, text("x"), 0);
  sender.acknowledged("b", 1, 10);
  for (const now of [1000, 2000]) sender.tick(now);
  expect(happened()).toEqual(["1", "1>c", "1>c"]);
  expect(settled.size).toBe(0);
  sender.tick(3000);
  expect(happened()).toEqual(["silent c"]);
  expect(settled.get(1)).toMatchObject({ acked: ["b"], missing: ["c"], sent: true });
  sender.publish(2, text("y"), 3000);
  sender.acknowledged("b", 2, 3001);
  expect(settled.get(2)?.acked).toEqual(["b"]);
});

test("SRL-07: what waited for one member alone settles when that one is removed, or goes offline", () => {
  const { sender, settled } = rig();
  sender.join(["b", "c"], 0);
  sender.publish(1, text("x"), 0);
  sender.publish(2, text("y"), 0);
  sender.acknowledged("b", 1, 1);
  sender.acknowledged("c", 2, 1);
  sender.leave("c", "removed", 2);
  expect(settled.get(1)).toMatchObject({ acked: ["b"], missing: [], sent: true });
  sender.leave("b", "offline", 3);
  expect(settled.get(2)).toMatchObject({ acked: ["c"], missing: ["b"], sent: true });
  expect(sender.wakeAt).toBeUndefined();
});

test("SRL-02: with nobody there it is stored, waits beyond its timers and goes when somebody comes, nothing twice", () => {
  const { sender, settled, happened } = rig();
  sender.join(["b"], 0);
  sender.publish(1, text("seen"), 0);
  sender.acknowledged("b", 1, 1);
  sender.leave("b", "offline", 2);
  happened();
  sender.publish(2, text("x"), 3);
  sender.publish(3, text("y"), 3);
  expect(sender.wakeAt).toBeUndefined();
  sender.tick(100_000);
  expect(happened()).toEqual([]);
  sender.join(["b", "c"], 200_000);
  expect(happened()).toEqual(["2", "3"]);
  for (const member of ["b", "c"])
    for (const id of [2, 3]) sender.acknowledged(member, id, 200_001);
  expect(settled.get(3)?.acked).toEqual(["b", "c"]);
});

/** The largest message there is: 16 of them fill what a sender has room for. */
const big = (): ReturnType<typeof text> => ({ ...text(""), payload: new Uint8Array(4 * 2 ** 20) });

test("SRL-24: 64 MiB may be unacknowledged, as much waits for room, and more is not taken", () => {
  const { sender, settled, happened } = rig();
  sender.join(["b"], 0);
  for (let handle = 1; handle <= 32; handle += 1) {
    expect(sender.publish(handle, big(), 0)).toBe(true);
  }
  expect(happened().length).toBe(16);
  expect(sender.publish(33, big(), 0)).toBe(false);
  expect(sender.publish(33, text("x"), 0)).toBe(false);
  // one that has room does not overtake those that wait
  sender.acknowledged("b", 1, 1);
  expect(happened()).toEqual(["17"]);
  expect(sender.publish(33, text("x"), 1)).toBe(true);
  expect(happened()).toEqual([]);
  for (let id = 2; id <= 33; id += 1) sender.acknowledged("b", id, 2);
  expect([...settled.keys()]).toEqual(Array.from({ length: 33 }, (_, n) => n + 1));
  expect(sender.unsettled).toBe(0);
  for (let handle = 34; handle <= 50; handle += 1) sender.publish(handle, big(), 3);
  expect(happened().at(-1)).toBe("49");
});

test("SRL-24: one message that is larger than all room goes alone", () => {
  const { sender, happened } = rig();
  sender.join(["b"], 0);
  const huge = { ...text(""), payload: new Uint8Array(65 * 2 ** 20) };
  sender.publish(1, huge, 0);
  sender.publish(2, text("x"), 0);
  expect(happened()).toEqual(["1"]);
  sender.acknowledged("b", 1, 1);
  expect(happened()).toEqual(["2"]);
});

test("SRL-12, SRL-24: what was acknowledged is kept for those who missed it up to 64 MiB, and what was not in any case", () => {
  const { sender, happened } = rig();
  sender.join(["b"], 0);
  for (let id = 1; id <= 17; id += 1) {
    sender.publish(id, big(), 0);
    if (id > 1) sender.acknowledged("b", id, 0);
  }
  sender.publish(18, big(), 0);
  happened();
  for (const id of [1, 2, 3, 18]) sender.requested("c", id, 1);
  expect(happened()).toEqual(["reply 1>c", "lost 2>c", "reply 3>c", "reply 18>c"]);
});

test("SRL-18, SRL-24: of unreliable messages that wait for somebody the newest 64 MiB stay", () => {
  const { sender, happened } = rig({ timers: undefined });
  for (let id = 1; id <= 40; id += 1) sender.publish(id, big(), 0);
  sender.join(["b"], 0);
  expect(happened()).toEqual(Array.from({ length: 16 }, (_, n) => `${25 + n}`));
  for (let id = 41; id <= 80; id += 1) sender.publish(id, big(), 0);
  expect(happened().length).toBe(40);
});

test("SRL-08: 512 may be unacknowledged; the next ones wait for room, and too many are not taken", () => {
  const { sender, happened } = rig();
  sender.join(["b"], 0);
  for (let handle = 1; handle <= 514; handle += 1) {
    expect(sender.publish(handle, text("x"), 0)).toBe(true);
  }
  expect(happened()).toHaveLength(512);
  expect(sender.unsettled).toBe(514);
  sender.acknowledged("b", 7, 1);
  expect(happened()).toEqual(["513"]);
  while (sender.unsettled < 512 + 4096) sender.publish(0, text("x"), 0);
  expect(sender.publish(0, text("x"), 0)).toBe(false);
});

test("SRL-12: a request is an acknowledgement, and is served from the last 512; what is older is lost", () => {
  const { sender, settled, happened } = rig();
  sender.join(["b"], 0);
  for (let id = 1; id <= 600; id += 1) {
    sender.publish(id, text("x"), 0);
    if (id > 2) sender.acknowledged("b", id, 0);
  }
  happened();
  sender.requested("b", 600, 1);
  sender.requested("b", 89, 1);
  sender.requested("b", 88, 1);
  // not acknowledged yet, so it is kept although it left the ring
  sender.requested("b", 2, 1);
  sender.requested("b", 4000, 1);
  expect(happened()).toEqual([
    "reply 600>b",
    "reply 89>b",
    "lost 88>b",
    "reply 2>b",
    "lost 4000>b",
  ]);
  expect(settled.has(2)).toBe(true);
  expect(settled.has(1)).toBe(false);
});

test("SRL-12: with MLS nobody is served what was published before it joined", () => {
  const { sender, happened } = rig({ serveSinceJoin: true });
  sender.join(["b"], 0);
  sender.publish(1, text("x"), 0);
  sender.join(["c"], 1);
  sender.publish(2, text("y"), 1);
  sender.leave("b", "offline", 2);
  sender.join(["b"], 3);
  happened();
  for (const member of ["b", "c", "stranger"]) {
    for (const id of [1, 2]) sender.requested(member, id, 3);
  }
  expect(happened()).toEqual([
    "reply 1>b",
    "reply 2>b",
    "lost 1>c",
    "reply 2>c",
    "lost 1>stranger",
    "lost 2>stranger",
  ]);
});

test("SRL-16: a direct message has a high random id, a timer of its own and one endpoint; nobody else is served it", () => {
  const { sender, settled, happened } = rig();
  sender.join(["b", "c"], 0);
  sender.publishTo(1, text("psst"), "b", true, 0);
  const id = 2 ** 31;
  expect(happened()).toEqual([`${id}>b`]);
  sender.requested("c", id, 1);
  sender.acknowledged("c", id, 1);
  expect(happened()).toEqual([`lost ${id}>c`]);
  sender.tick(1000);
  expect(happened()).toEqual([`${id}>b`]);
  sender.acknowledged("b", id, 1001);
  expect(settled.get(1)).toMatchObject({ acked: ["b"], missing: [], sent: true });
  sender.publish(2, text("next"), 1001);
  expect(happened()).toEqual(["1"]);
});

test("SRL-16: it is not stored, and to one that receives no data it is done when it is sent", () => {
  const { sender, settled, happened } = rig();
  sender.publishTo(1, text("x"), "b", true, 0);
  expect(happened()).toHaveLength(1);
  sender.publishTo(2, text("x"), "c", false, 0);
  expect(settled.get(2)).toMatchObject({ acked: [], missing: [], sent: true });
  for (const now of [1000, 2000, 3000]) sender.tick(now);
  expect(settled.get(1)?.missing).toEqual(["b"]);
});

test("SSN-05, SRL-18: without timers a publish is done at once and requests are not answered", () => {
  const { sender, settled, happened } = rig({ timers: undefined });
  sender.publish(1, text("early"), 0);
  expect(settled.get(1)).toMatchObject({ acked: [], missing: [], sent: true });
  expect(happened()).toEqual([]);
  sender.join(["b"], 1);
  sender.publish(2, text("x"), 1);
  sender.requested("b", 1, 2);
  expect(happened()).toEqual(["1", "2"]);
  expect(sender.unsettled).toBe(0);
  expect(sender.wakeAt).toBeUndefined();
});

test("SRL-04: at the end everything settles: what was sent with who is missing, the rest as never sent", () => {
  const { sender, settled } = rig();
  sender.join(["b"], 0);
  sender.publish(1, text("x"), 0);
  sender.leave("b", "offline", 0);
  sender.join(["c"], 0);
  sender.publish(2, text("x"), 0);
  sender.leave("c", "removed", 0);
  sender.publish(3, text("x"), 0);
  sender.close();
  expect(settled.get(1)?.sent).toBe(true);
  expect(settled.get(3)).toMatchObject({ acked: [], missing: [], sent: false });
  expect(sender.unsettled).toBe(0);
  expect(sender.wakeAt).toBeUndefined();
});

/** Calls of the maps and sets that one round of work costs. */
function operations(work: () => void): number {
  const spies = [
    ...(["get", "set", "delete", "has", "values"] as const).map((name) =>
      vi.spyOn(Map.prototype, name),
    ),
    ...(["add", "delete", "has", "values"] as const).map((name) => vi.spyOn(Set.prototype, name)),
  ];
  work();
  const calls = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  for (const spy of spies) spy.mockRestore();
  return calls;
}

test("SRL-01: a message costs the same whatever is unacknowledged beside it", () => {
  const cost = (unacknowledged: number): number => {
    const { sender } = rig();
    sender.join(["b", "c"], 0);
    for (let handle = 0; handle < unacknowledged; handle += 1) sender.publish(handle, text("x"), 0);
    return operations(() => {
      sender.publish(1, text("x"), 0);
      sender.acknowledged("b", unacknowledged + 1, 0);
      sender.acknowledged("c", unacknowledged + 1, 0);
    });
  };
  expect(cost(500)).toBe(cost(1));
});
