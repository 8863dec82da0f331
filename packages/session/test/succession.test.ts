import {
  encodeSlimName,
  formatSlimName,
  headerIntegrityAad,
  SessionMessageType,
  SessionType,
} from "@coterie/wire/slim";
import type { Publish } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import type { Context, Session } from "../src/core/model.ts";
import { encodeWarrants, signWarrant } from "../src/core/warrant.ts";
import { createWorld, crypto } from "./world.ts";
import type { World, WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 5 };
const modes = [
  ["without MLS", undefined],
  ["with MLS", { headerIntegrityPercent: 100 }],
] as const;

function done(world: World, app: WorldApp, handle: number): unknown {
  world.until(() => app.outcome(handle) !== undefined);
  return app.outcome(handle);
}

function group(
  world: World,
  mls: (typeof modes)[number][1],
  guests: readonly string[],
  metadata: ReadonlyMap<string, string> = new Map(),
): { readonly alice: WorldApp; readonly others: WorldApp[]; readonly session: number } {
  const alice = world.app("agntcy/ns/alice");
  const others = guests.map((label) => world.app(`agntcy/ns/${label}`));
  const { session } = alice.create({ mls, reliability, metadata }, "agntcy/ns/chat");
  for (const { name } of others) {
    expect(done(world, alice, alice.invite(session, { ...name, id: undefined }))).toEqual({});
  }
  return { alice, others, session };
}

function handOver(app: WorldApp, session: number, to?: WorldApp): number {
  return app.do((handle) => ({ kind: "hand-over", handle, session, to: to?.name }));
}

const moderators = (apps: readonly WorldApp[], session: number): (bigint | undefined)[] =>
  apps.map((app) => app.core.session(session)?.moderator.id);

const epochs = (apps: readonly WorldApp[], session: number): Set<bigint | undefined> =>
  new Set(apps.map((app) => app.core.session(session)?.epoch));

/** With a good token and signature. */
function joinRequest(from: WorldApp, to: WorldApp, session: number, messageId: number): Publish {
  const header = {
    source: encodeSlimName(from.name),
    destination: encodeSlimName(to.name),
    identity: from.parts.identity.token(),
    fanout: 1,
    version: "2.2.0",
    ttl: 8,
  };
  const ids = {
    sessionType: SessionType.multicast,
    sessionMessageType: SessionMessageType.joinRequest,
    sessionId: session,
    messageId,
  };
  const signed = headerIntegrityAad(header, ids, "");
  const e2eHeaderSig = crypto.sign("p256", from.parts.identity.keys.privateKey, signed);
  return {
    header: { ...header, e2eHeaderSig },
    session: ids,
    msg: { kind: "commandPayload", value: { kind: "joinRequest", value: {} } },
  };
}

/** Everybody hears everybody, and all agree on who moderates. */
function expectWhole(world: World, apps: readonly WorldApp[], session: number, by: WorldApp): void {
  expect(moderators(apps, session)).toEqual(apps.map(() => by.name.id));
  expect(epochs(apps, session).size).toBe(1);
  for (const app of apps) {
    const text = `from ${app.label} at ${world.now}`;
    expect(done(world, app, app.publish(session, text))).toMatchObject({ missing: [] });
    world.run(100);
    for (const other of apps) if (other !== app) expect(other.texts(session)).toContain(text);
  }
}

for (const [mode, mls] of modes) {
  test(`SHB-18: a moderator hands over to the member it names; all follow, and the successor moderates, ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol", "dan"]);
    const [bob, carol, dan] = others as [WorldApp, WorldApp, WorldApp];
    expect(done(world, alice, handOver(alice, session, carol))).toEqual({});
    world.run(2_000);
    expectWhole(world, [alice, bob, carol, dan], session, carol);
    const erin = world.app("agntcy/ns/erin");
    expect(done(world, carol, carol.invite(session, { ...erin.name, id: undefined }))).toEqual({});
    expect(done(world, carol, carol.remove(session, alice.name))).toEqual({});
    expect(alice.closed).toEqual([{ session, reason: "removed" }]);
    expectWhole(world, [bob, carol, dan, erin], session, carol);
    expect(done(world, alice, alice.invite(session, "agntcy/ns/erin"))).toBe("session/closed");
    const closing = carol.close(session);
    expect(done(world, carol, closing)).toEqual({});
    for (const app of [bob, dan, erin]) {
      expect(app.closed).toEqual([{ session, reason: "closed-by-moderator" }]);
    }
    for (const app of [bob, carol, dan, erin]) expect(app.refused).toEqual([]);
  });

  test(`SHB-18: without a name the first in the order of the session takes over, ${mode}`, () => {
    const world = createWorld();
    const metadata = new Map([["slim.successors", "agntcy/ns/dan,agntcy/ns/bob"]]);
    const { alice, others, session } = group(world, mls, ["bob", "carol", "dan"], metadata);
    expect(done(world, alice, handOver(alice, session))).toEqual({});
    world.run(2_000);
    expectWhole(world, [alice, ...others], session, others[2]!);
  });

  test(`SHB-18: a lost moderator is followed by one member of ours, and is a participant when it comes back, ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol", "dan"]);
    alice.cut = true;
    world.run(45_000);
    expect(moderators(others, session)).toEqual(others.map(() => alice.name.id));
    world.run(60_000);
    const [successor] = moderators(others, session);
    const heir = others.find(({ name }) => name.id === successor) as WorldApp;
    expect(heir).toBeDefined();
    expectWhole(world, others, session, heir);
    const erin = world.app("agntcy/ns/erin");
    expect(done(world, heir, heir.invite(session, { ...erin.name, id: undefined }))).toEqual({});
    alice.cut = false;
    world.run(60_000);
    expectWhole(world, [alice, ...others, erin], session, heir);
  });

  test(`SHB-17, SHB-18: a successor that starts anew still tells who does not know of it, ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol", "dan"]);
    const [bob, carol, dan] = others as [WorldApp, WorldApp, WorldApp];
    dan.cut = true;
    world.run(31_000);
    expect(done(world, alice, handOver(alice, session, bob))).toEqual({});
    world.run(2_000);
    bob.restart();
    expect(done(world, bob, bob.rejoin(session))).toEqual({});
    expect(moderators([alice, bob, carol, dan], session)).toEqual(
      [bob, bob, bob, alice].map(({ name }) => name.id),
    );
    dan.cut = false;
    world.run(60_000);
    expectWhole(world, [alice, bob, carol, dan], session, bob);
  });

  test(`SHB-17, SHB-18: who has voted and starts anew does not vote for another meanwhile, ${mode}`, () => {
    const world = createWorld();
    const names = ["bob", "carol", "dan"];
    const order = names.map((name) => `agntcy/ns/${name}`).join(",");
    const metadata = new Map([["slim.successors", order]]);
    const { alice, others, session } = group(world, mls, names, metadata);
    const [bob, carol, dan] = others as [WorldApp, WorldApp, WorldApp];
    alice.cut = true;
    let voted = false;
    world.meddle(({ from, to }) => {
      if (from === bob.label && to === carol.label) return "drop";
      const stored = Buffer.from(dan.stored.get(session)?.get("succession") ?? []).toString();
      const isVote = from === dan.label && to === bob.label && stored.includes("successor");
      voted ||= isVote;
      return isVote ? "drop" : undefined;
    });
    world.until(() => voted, 120_000);
    // as if bob had it, and the place with it, and nobody heard of that
    bob.cut = true;
    dan.restart();
    dan.rejoin(session);
    const claimed = (): boolean => world.trace().at(-1) === "carol msg dan";
    world.until(claimed, 25_000);
    world.run(3_000);
    expect(moderators([carol, dan], session)).toEqual([alice.name.id, alice.name.id]);
    world.run(90_000);
    const [first, second] = moderators([carol, dan], session);
    expect([carol.name.id, dan.name.id]).toContain(first);
    expect(second).toBe(first);
  });

  test(`SHB-10, SHB-18: who was away when the moderator changed comes back to the new one, ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol", "dan"]);
    const [bob, carol, dan] = others as [WorldApp, WorldApp, WorldApp];
    expect(done(world, dan, dan.softClose(session))).toEqual({});
    expect(done(world, alice, handOver(alice, session, bob))).toEqual({});
    world.run(2_000);
    expect(done(world, dan, dan.rejoin(session))).toEqual({});
    world.run(30_000);
    expectWhole(world, [alice, bob, carol, dan], session, bob);
  });

  test(`SHB-17, SHB-18: a moderator that died and was succeeded is a participant once it is back, ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol", "dan"]);
    alice.cut = true;
    world.run(120_000);
    const [successor] = moderators(others, session);
    const heir = others.find(({ name }) => name.id === successor) as WorldApp;
    alice.cut = false;
    alice.restart();
    alice.rejoin(session);
    world.run(90_000);
    expectWhole(world, [alice, ...others], session, heir);
  });

  test(`SHB-18: nobody succeeds a moderator that forbade it, however many sign, ${mode}`, () => {
    const world = createWorld();
    const metadata = new Map([["slim.successors", "none"]]);
    const { alice, others, session } = group(world, mls, ["bob"], metadata);
    const [bob] = others as [WorldApp];
    const warrant = {
      kind: "vote",
      session,
      from: formatSlimName(alice.name),
      successor: formatSlimName(bob.name),
      epoch: alice.core.session(session)?.epoch ?? 0n,
      commitId: 0,
      issuedAt: Number(world.clock.nowNs() / 1_000_000_000n) + 1,
    } as const;
    const asBob = { source: { key: formatSlimName(bob.name) } } as Session;
    const proof = encodeWarrants([signWarrant({ parts: bob.parts } as Context, asBob, warrant)]);
    const request = joinRequest(bob, alice, session, 5);
    alice.refused.length = 0;
    world.inject(alice, request, new Map([["slim.succession", proof]]));
    expect(alice.refused).toEqual(["warrant"]);
    expect(moderators([alice], session)).toEqual([alice.name.id]);
  });

  test(`SHB-18: a network in two: only the half with most of the members gets a moderator, ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol", "dan", "erin"]);
    const [bob, carol, dan, erin] = others as [WorldApp, WorldApp, WorldApp, WorldApp];
    const near = new Set([alice.label, bob.label]);
    const heal = world.meddle(({ from, to }) =>
      near.has(from) !== near.has(to) ? "drop" : undefined,
    );
    world.run(120_000);
    expect(moderators([alice, bob], session)).toEqual([alice.name.id, alice.name.id]);
    const [successor] = moderators([carol], session);
    expect(moderators([carol, dan, erin], session)).toEqual([successor, successor, successor]);
    expect(successor).not.toBe(alice.name.id);
    heal();
    world.run(90_000);
    const heir = others.find(({ name }) => name.id === successor) as WorldApp;
    expectWhole(world, [alice, bob, carol, dan, erin], session, heir);
  });

  test(`SHB-18: who is cut off with too few others, or alone, takes nothing over, ${mode}`, () => {
    for (const far of [["bob"], ["bob", "carol"]]) {
      const world = createWorld();
      const { alice, others, session } = group(world, mls, ["bob", "carol", "dan", "erin"]);
      const labels = new Set(far.map((one) => `agntcy/ns/${one}`));
      const heal = world.meddle(({ from, to }) =>
        labels.has(from) !== labels.has(to) ? "drop" : undefined,
      );
      world.run(200_000);
      const all = [alice, ...others];
      expect(moderators(all, session)).toEqual(all.map(() => alice.name.id));
      heal();
      world.run(40_000);
      expectWhole(world, all, session, alice);
    }
  });

  test(`SHB-18: those who left before do not hold the others up, ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol", "dan"]);
    const [bob, carol, dan] = others as [WorldApp, WorldApp, WorldApp];
    done(
      world,
      carol,
      carol.do((handle) => ({ kind: "soft-close", handle, session })),
    );
    dan.cut = true;
    world.run(150_000);
    alice.cut = true;
    world.run(100_000);
    // nobody else hears him: he cannot tell whether it is he who is lost
    expect(moderators([bob], session)).toEqual([alice.name.id]);
    dan.cut = false;
    world.run(100_000);
    const [heir] = moderators([bob], session);
    expect(heir).not.toBe(alice.name.id);
    expect(moderators([dan], session)).toEqual([heir]);
  });

  test(`SHB-18: a moderator that said it goes is not succeeded, nor one that forbade it, ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol"]);
    done(
      world,
      alice,
      alice.do((handle) => ({ kind: "soft-close", handle, session })),
    );
    world.run(200_000);
    expect(moderators(others, session)).toEqual(others.map(() => alice.name.id));

    const other = createWorld();
    const second = group(other, mls, ["bob", "carol"], new Map([["slim.successors", "none"]]));
    second.alice.cut = true;
    other.run(200_000);
    expect(moderators(second.others, second.session)).toEqual(
      second.others.map(() => second.alice.name.id),
    );
  });

  test(`SHB-18, SSG-10: nobody makes itself moderator, with warrants of its own or of another time, ${mode}`, () => {
    const world = createWorld();
    const { alice, others, session } = group(world, mls, ["bob", "carol"]);
    const [bob, carol] = others as [WorldApp, WorldApp];
    const proofs: {
      publish: Parameters<World["inject"]>[1];
      metadata: ReadonlyMap<string, string>;
    }[] = [];
    const stop = world.meddle(({ type, publish, metadata, to }) => {
      if (type === SessionMessageType.joinRequest && to === carol.label) {
        proofs.push({ publish, metadata });
      }
      return undefined;
    });
    expect(done(world, alice, handOver(alice, session, bob))).toEqual({});
    world.run(2_000);
    expect(done(world, bob, handOver(bob, session, alice))).toEqual({});
    world.run(2_000);
    stop();
    expectWhole(world, [alice, bob, carol], session, alice);
    // the word that once made bob moderator, shown again, by him and by somebody else; one of his own; none
    const old = proofs[0]!.metadata.get("slim.succession") as string;
    const [said] = JSON.parse(Buffer.from(old, "base64url").toString()) as [
      Record<string, unknown>,
    ];
    const own = { ...said, kind: "vote", signer: formatSlimName(bob.name), issuedAt: 4e9 };
    const proofsOfBob = [old, Buffer.from(JSON.stringify([own])).toString("base64url"), "", "[]"];
    for (const [at, proof] of proofsOfBob.entries()) {
      carol.refused.length = 0;
      world.inject(
        carol,
        joinRequest(bob, carol, session, at + 1),
        new Map([["slim.succession", proof]]),
      );
      expect(carol.refused).toEqual(["warrant"]);
    }
    carol.restart();
    expect(done(world, carol, carol.rejoin(session))).toEqual({});
    carol.refused.length = 0;
    world.inject(carol, joinRequest(bob, carol, session, 98), new Map([["slim.succession", old]]));
    expect(carol.refused).toEqual(["warrant"]);
    carol.refused.length = 0;
    world.inject(carol, joinRequest(bob, carol, session, 99));
    expect(carol.refused).toEqual(["role"]);
    expect(moderators([alice, bob, carol], session)).toEqual(
      proofsOfBob.slice(1).map(() => alice.name.id),
    );
  });
}

test("SHB-18: only the moderator of a group hands over, and only to a member of ours that is there", () => {
  const world = createWorld();
  const { alice, others, session } = group(world, undefined, ["bob"]);
  const [bob] = others as [WorldApp];
  expect(done(world, bob, handOver(bob, session))).toBe("session/not-moderator");
  const stranger = world.app("agntcy/ns/eve");
  expect(done(world, alice, handOver(alice, session, stranger))).toBe("session/unknown-member");
  bob.cut = true;
  world.run(31_000);
  expect(done(world, alice, handOver(alice, session))).toBe("session/unknown-member");
  expect(done(world, alice, alice.publish(session, "x")) === undefined).toBe(true);
});

test("SHB-18: a successor that never answers leaves the moderator where it was", () => {
  const world = createWorld();
  const { alice, others, session } = group(world, undefined, ["bob", "carol"]);
  const [bob, carol] = others as [WorldApp, WorldApp];
  world.meddle(({ to, type }) =>
    to === bob.label && type === SessionMessageType.msg ? "drop" : undefined,
  );
  expect(done(world, alice, handOver(alice, session, bob))).toBe("session/unanswered");
  expect(moderators([alice, bob, carol], session)).toEqual([
    alice.name.id,
    alice.name.id,
    alice.name.id,
  ]);
});
