import { expect, test } from "vitest";
import { createWorld } from "./world.ts";
import type { World, WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 5 };
const modes = [
  ["without MLS", undefined],
  ["with MLS", { headerIntegrityPercent: 100 }],
] as const;

function group(world: World, mls: (typeof modes)[number][1], guests: string[]) {
  const alice = world.app("agntcy/ns/alice");
  const others = guests.map((label) => world.app(`agntcy/ns/${label}`));
  const { session } = alice.create(
    { mls, reliability, metadata: new Map([["topic", "lunch"]]) },
    "agntcy/ns/chat",
  );
  const invites = others.map(({ name }) => alice.invite(session, { ...name, id: undefined }));
  world.until(() => invites.every((handle) => alice.outcome(handle) !== undefined));
  expect(invites.map((handle) => alice.outcome(handle))).toEqual(invites.map(() => ({})));
  return { alice, others, session };
}

const everyone = (apps: WorldApp[], session: number): string[][] =>
  apps.map((app) => app.texts(session));

for (const [mode, mls] of modes) {
  test(`SGR-01, SGR-06, SGR-11, SGR-25: a group of three talks ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol"]);
    const [bob, carol] = others as [WorldApp, WorldApp];
    expect([bob.joined, carol.joined]).toEqual([[session], [session]]);
    expect(bob.core.session(session)?.settings.metadata.get("topic")).toBe("lunch");
    const handle = alice.publish(session, "hello");
    expect(world.until(() => alice.outcome(handle) !== undefined, 500)).toBe(true);
    bob.publish(session, "hello back");
    world.run(100);
    expect(everyone([alice, bob, carol], session)).toEqual([
      ["hello back"],
      ["hello"],
      ["hello", "hello back"],
    ]);
    const epochs = [alice, bob, carol].map((app) => app.core.session(session)?.epoch);
    expect(new Set(epochs).size).toBe(1);
    for (const app of [alice, bob, carol]) expect(app.refused).toEqual([]);
  });

  test(`SGR-30..37: removal, leaving and closing ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol", "dan"]);
    const [bob, carol, dan] = others as [WorldApp, WorldApp, WorldApp];
    const removed = alice.remove(session, "agntcy/ns/bob");
    world.until(() => alice.outcome(removed) !== undefined);
    expect(alice.outcome(removed)).toEqual({});
    expect(bob.closed).toEqual([{ session, reason: "removed" }]);
    const left = carol.close(session);
    world.until(() => carol.outcome(left) !== undefined);
    expect(carol.closed).toEqual([{ session, reason: "closed-by-us" }]);
    world.run(100);
    expect(alice.members(session)).toEqual({ "agntcy/ns/alice": true, "agntcy/ns/dan": true });
    expect(dan.members(session)).toEqual(alice.members(session));
    const handle = alice.publish(session, "the two of us");
    world.until(() => alice.outcome(handle) !== undefined);
    expect(everyone([bob, carol, dan], session)).toEqual([[], [], ["the two of us"]]);
    const closing = alice.close(session);
    world.until(() => alice.outcome(closing) !== undefined, 1_000);
    expect(dan.closed).toEqual([{ session, reason: "closed-by-moderator" }]);
    expect(alice.closed).toEqual([{ session, reason: "closed-by-us" }]);
    for (const app of [alice, bob, carol, dan]) {
      expect(app.refused).toEqual([]);
      expect(app.core.wakeAt).toBeUndefined();
      expect(app.stored.size).toBe(0);
    }
  });

  test(`SPP-01..07: a pair talks ${mode}`, () => {
    const world = createWorld();
    const alice = world.app("agntcy/ns/alice");
    const bob = world.app("agntcy/ns/bob");
    const { session, handle } = alice.create(
      { kind: "point-to-point", mls, reliability },
      "agntcy/ns/bob",
    );
    world.until(() => alice.outcome(handle) !== undefined);
    expect(alice.outcome(handle)).toEqual({ session });
    const sent = alice.publish(session, "just us");
    world.until(() => alice.outcome(sent) !== undefined);
    bob.publish(session, "yes");
    world.run(100);
    expect(everyone([alice, bob], session)).toEqual([["yes"], ["just us"]]);
    const left = bob.close(session);
    world.until(() => bob.outcome(left) !== undefined);
    expect(alice.closed).toEqual([{ session, reason: "left" }]);
    for (const app of [alice, bob]) expect(app.refused).toEqual([]);
  });
}
