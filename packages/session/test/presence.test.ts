import { expect, test } from "vitest";
import { createPresence, noEpoch } from "../src/core/presence.ts";
import type { Presence } from "../src/core/presence.ts";

interface World {
  readonly presence: Presence;
  readonly log: string[];
  epoch: bigint | undefined;
  follows: boolean;
  /** The log since the last look. */
  happened(): string[];
}

function world(members: readonly string[] = ["b"]): World {
  const log: string[] = [];
  const made: World = {
    log,
    epoch: 7n,
    follows: true,
    presence: createPresence(
      { epoch: () => made.epoch, follows: () => made.follows },
      {
        heartbeat: (epoch) => log.push(`heartbeat ${epoch}`),
        online: (member) => log.push(`online ${member}`),
        offline: (member) => log.push(`offline ${member}`),
        behind: () => log.push("behind"),
      },
    ),
    happened: () => log.splice(0),
  };
  for (const member of members) made.presence.set(member, true);
  return made;
}

test("SHB-01: a heartbeat each ten seconds, once started, and none after a stop", () => {
  const { presence, happened } = world();
  expect(presence.wakeAt).toBeUndefined();
  presence.start(500);
  expect(presence.wakeAt).toBe(10_500);
  presence.tick(10_499);
  expect(happened()).toEqual([]);
  presence.tick(10_500);
  expect(happened()).toEqual(["heartbeat 7"]);
  expect(presence.wakeAt).toBe(20_500);
  presence.stop();
  expect(presence.wakeAt).toBeUndefined();
});

test("SHB-01, SHB-04: three ticks without a message make a peer offline; any message begins anew", () => {
  const { presence, happened } = world(["b", "c"]);
  presence.start(0);
  for (const now of [10_000, 20_000]) presence.tick(now);
  presence.heard("c");
  happened();
  presence.tick(30_000);
  expect(happened()).toEqual(["offline b", "heartbeat 7"]);
  expect(presence.onlineMembers).toEqual(["c"]);
  presence.tick(40_000);
  presence.tick(50_000);
  expect(presence.isOnline("c")).toBe(false);
});

test("SHB-01: a long sleep of ours is one tick: it does not make everybody offline", () => {
  const { presence, happened } = world();
  presence.start(0);
  presence.tick(3_600_000);
  expect(happened()).toEqual(["heartbeat 7"]);
  expect(presence.wakeAt).toBe(3_610_000);
});

test("SHB-02: group traffic since the last tick stands for the heartbeat, unless all peers are offline", () => {
  const { presence, happened } = world();
  presence.start(0);
  presence.sentToGroup();
  presence.tick(10_000);
  expect(happened()).toEqual([]);
  presence.tick(20_000);
  expect(happened()).toEqual(["heartbeat 7"]);
  presence.mark("b", false);
  presence.sentToGroup();
  presence.tick(30_000);
  expect(happened()).toEqual(["offline b", "heartbeat 7"]);
});

test("SHB-03: without MLS the epoch is all ones", () => {
  const made = world();
  made.epoch = undefined;
  made.presence.start(0);
  made.presence.tick(10_000);
  expect(made.happened()).toEqual([`heartbeat ${noEpoch}`]);
});

test("SHB-05: the heartbeat of an offline member with our epoch brings it back and forces our own next one", () => {
  const { presence, happened } = world(["b", "c"]);
  presence.start(0);
  presence.mark("b", false);
  happened();
  presence.heartbeat("b", 7n, 1000);
  expect(happened()).toEqual(["online b"]);
  presence.sentToGroup();
  presence.tick(10_000);
  expect(happened()).toEqual(["heartbeat 7"]);
});

test("SHB-05: with another epoch it stays offline, and we send ours all the same; a stranger counts for nothing", () => {
  const { presence, happened } = world(["b", "c"]);
  presence.start(0);
  presence.mark("b", false);
  happened();
  presence.heartbeat("b", 6n, 1000);
  presence.heartbeat("x", 7n, 1000);
  presence.sentToGroup();
  presence.tick(10_000);
  expect(happened()).toEqual(["heartbeat 7"]);
  expect(presence.isOnline("b")).toBe(false);
});

test("SHB-05: without MLS any epoch brings it back", () => {
  const made = world();
  made.epoch = undefined;
  made.presence.mark("b", false);
  made.presence.heartbeat("b", 3n, 0);
  expect(made.presence.isOnline("b")).toBe(true);
});

test("SHB-06: what reliability finds silent is offline, without a word to anybody", () => {
  const { presence, happened } = world();
  presence.mark("b", false);
  presence.mark("b", false);
  expect(happened()).toEqual(["offline b"]);
});

test("SHB-07: a higher epoch that stays higher means a missed commit; once it arrived, nothing", () => {
  const made = world();
  const { presence, happened } = made;
  presence.start(0);
  presence.heartbeat("b", 8n, 100);
  expect(presence.wakeAt).toBe(1100);
  made.epoch = 8n;
  presence.tick(1100);
  expect(happened()).toEqual([]);
  presence.heartbeat("b", 9n, 2000);
  presence.heartbeat("b", 9n, 2500);
  presence.tick(3000);
  expect(happened()).toEqual(["behind"]);
  presence.tick(3500);
  expect(happened()).toEqual([]);
});

test("SHB-07: neither the moderator, nor one without MLS, nor the epoch of one that has not joined makes us ask", () => {
  const made = world();
  made.presence.heartbeat("b", noEpoch, 0);
  made.follows = false;
  made.presence.heartbeat("b", 9n, 0);
  made.follows = true;
  made.epoch = undefined;
  made.presence.heartbeat("b", 9n, 0);
  expect(made.presence.wakeAt).toBeUndefined();
});

test("SHB-12: a member's own OFFLINE is acknowledged once; ONLINE where the epoch fits, else refused", () => {
  const { presence, happened } = world();
  expect(presence.stateChange("b", "offline", 7n)).toBe("ack");
  expect(presence.stateChange("b", "offline", 7n)).toBe("none");
  expect(presence.stateChange("x", "online", 7n)).toBe("none");
  expect(presence.stateChange("b", "online", 6n)).toBe("nack");
  expect(happened()).toEqual(["offline b"]);
  expect(presence.stateChange("b", "online", 7n)).toBe("ack");
  expect(presence.stateChange("b", "online", 7n)).toBe("ack");
  expect(happened()).toEqual(["online b"]);
});
