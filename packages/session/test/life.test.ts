import { createJwtIdentity, createJwtVerifier } from "@coterie/identity/slim/jwt";
import { decodeSlimName, formatSlimService, GroupUpdateOp } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import { createWorld, crypto } from "./world.ts";
import type { World, WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 5 };
const withMls = { headerIntegrityPercent: 100 };
const modes = [
  ["without MLS", undefined],
  ["with MLS", withMls],
] as const;
const minutes = 60_000;
const hours = 60 * minutes;

function finish(world: World, app: WorldApp, handle: number, mostMs = 60_000): unknown {
  world.until(() => app.outcome(handle) !== undefined, mostMs);
  return app.outcome(handle);
}

function group(world: World, mls: typeof withMls | undefined, guests: string[]) {
  const alice = world.app("agntcy/ns/alice");
  const others = guests.map((label) => world.app(`agntcy/ns/${label}`));
  const { session } = alice.create({ mls, reliability }, "agntcy/ns/chat");
  for (const { name } of others)
    expect(finish(world, alice, alice.invite(session, name))).toEqual({});
  return { alice, others, session };
}

/** All are in one epoch and know each other as online; each hears each. */
function talk(world: World, apps: readonly WorldApp[], session: number, word: string): void {
  const handles = apps.map((app) => [app, app.publish(session, `${word} ${app.label}`)] as const);
  for (const [app, handle] of handles) {
    const outcome = finish(world, app, handle, 20_000);
    expect(outcome).toMatchObject({ missing: [] });
    expect((outcome as { acked: unknown[] }).acked.length).toBe(apps.length - 1);
  }
  world.run(50);
  for (const app of apps) {
    const heard = app.texts(session).filter((text) => text.startsWith(`${word} `));
    expect(heard.toSorted()).toEqual(
      apps.flatMap((one) => (one === app ? [] : [`${word} ${one.label}`])).toSorted(),
    );
  }
  expect(new Set(apps.map((app) => app.core.session(session)?.epoch)).size).toBe(1);
}

for (const [mode, mls] of modes) {
  test(`SHB-07, SRL-17: a member that is cut off for a while comes back by itself ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol"]);
    const [bob, carol] = others as [WorldApp, WorldApp];
    talk(world, [alice, bob, carol], session, "first");
    bob.cut = true;
    world.run(45_000);
    expect(alice.members(session)).toMatchObject({ "agntcy/ns/bob": false });
    const dan = world.app("agntcy/ns/dan");
    expect(finish(world, alice, alice.invite(session, dan.name))).toEqual({});
    bob.cut = false;
    world.run(15_000);
    // without MLS only a message of the one that is missing tells that somebody is (SRL-17)
    dan.publish(session, "where is bob?");
    world.run(60_000);
    expect(bob.texts(session)).toContain("where is bob?");
    const all = [alice, bob, carol, dan];
    talk(world, all, session, "second");
    for (const app of all)
      expect(Object.values(app.members(session))).toEqual([true, true, true, true]);
  });

  test(`SHB-10, SHB-13, SHB-20: away by choice and back, with changes in between ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol"]);
    const [bob, carol] = others as [WorldApp, WorldApp];
    talk(world, [alice, bob, carol], session, "first");
    expect(finish(world, bob, bob.softClose(session))).toEqual({});
    expect(alice.members(session)).toMatchObject({ "agntcy/ns/bob": false });
    expect(finish(world, bob, bob.publish(session, "not now"))).toBe("session/offline");
    talk(world, [alice, carol], session, "meanwhile");
    const dan = world.app("agntcy/ns/dan");
    expect(finish(world, alice, alice.invite(session, dan.name))).toEqual({});
    expect(finish(world, bob, bob.rejoin(session))).toEqual({});
    world.run(2_000);
    talk(world, [alice, bob, carol, dan], session, "second");
    expect(bob.texts(session)).toContain("meanwhile agntcy/ns/alice");
  });

  test(`SHB-17: what is stored brings every member back, the moderator too ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol"]);
    const all = [alice, ...others];
    talk(world, all, session, "first");
    for (const app of [others[0] as WorldApp, alice]) {
      app.restart();
      world.run(1_000);
      expect(app.refused).toEqual([]);
      expect(finish(world, app, app.rejoin(session))).toEqual({});
      world.run(12_000);
      talk(world, all, session, `after ${app.label}`);
    }
    const dan = world.app("agntcy/ns/dan");
    expect(finish(world, alice, alice.invite(session, dan.name))).toEqual({});
    talk(world, [...all, dan], session, "last");
  });
}

test("SML-21: a group of ours lives for 72 hours with joins", { timeout: 120_000 }, () => {
  const world = createWorld({ trusting: true });
  const { alice, others, session } = group(world, withMls, ["bob"]);
  const members = [alice, ...others];
  for (let hour = 0; hour < 72; hour += 8) {
    world.run(8 * hours - minutes);
    const guest = world.app(`agntcy/ns/guest-${hour}`);
    expect(finish(world, alice, alice.invite(session, guest.name))).toEqual({});
    talk(world, [...members, guest], session, `at ${hour}`);
    expect(finish(world, alice, alice.remove(session, guest.name))).toEqual({});
  }
  for (const app of members) expect(app.refused).toEqual([]);
  expect(alice.core.session(session)?.epoch).toBeGreaterThan(190n);
});

test("SML-21: tokens that live shorter are renewed sooner, at either end, and strangers still come in", async () => {
  const world = createWorld();
  const { clock } = world;
  const key = "a secret of thirty-two bytes, kept";
  const verifier = await createJwtVerifier({
    crypto,
    clock,
    keys: { algorithm: "HS256", key: { secret: key } },
  });
  const member = async (label: string): Promise<WorldApp> => {
    const identity = await createJwtIdentity({
      crypto,
      clock,
      algorithm: "HS256",
      key: { secret: key },
      subject: label,
      lifetimeSeconds: 120,
    });
    return world.app(label, { identity, verifier });
  };
  const [alice, bob] = [await member("agntcy/ns/alice"), await member("agntcy/ns/bob")];
  /** When a commit put a new leaf in the place of an old one, in seconds. */
  const renewals = new Map<string, number[]>();
  world.meddle(({ publish, to }) => {
    const { msg } = publish;
    if (to !== bob.label || msg?.kind !== "commandPayload") return undefined;
    if (msg.value.kind !== "groupUpdate" || msg.value.value.op !== GroupUpdateOp.rejoin)
      return undefined;
    const whose = formatSlimService(decodeSlimName(msg.value.value.participant!.name!));
    const at = Number(clock.nowNs() / 1_000_000_000n);
    renewals.set(whose, [...(renewals.get(whose) ?? []), at]);
    return undefined;
  });
  const began = Number(clock.nowNs() / 1_000_000_000n);
  const { session } = alice.create({ mls: withMls, reliability }, "agntcy/ns/chat");
  expect(finish(world, alice, alice.invite(session, bob.name))).toEqual({});
  for (let minute = 0; minute < 12; minute += 3) {
    world.run(3 * minutes);
    const guest = await member(`agntcy/ns/guest-${minute}`);
    expect(finish(world, alice, alice.invite(session, guest.name))).toEqual({});
    talk(world, [alice, bob, guest], session, `at ${minute}`);
    expect(finish(world, alice, alice.remove(session, guest.name))).toEqual({});
  }
  const ended = Number(clock.nowNs() / 1_000_000_000n);
  const longest = (times: readonly number[]): number =>
    Math.max(...[...times, ended].map((at, nth) => at - (times[nth - 1] ?? began)));
  const bobs = renewals.get("agntcy/ns/bob") ?? [];
  expect(longest(bobs)).toBeLessThan(120);
  // each commit of alice that puts another leaf in place renews her own
  expect(longest([...bobs, ...(renewals.get("agntcy/ns/alice") ?? [])].toSorted())).toBeLessThan(
    120,
  );
  expect(renewals.has("agntcy/ns/alice")).toBe(true);
});
