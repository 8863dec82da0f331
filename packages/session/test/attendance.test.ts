import {
  encodeSlimName,
  headerIntegrityAad,
  ParticipantState,
  SessionMessageType,
  SessionType,
} from "@coterie/wire/slim";
import type { Publish } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import { createWorld, crypto } from "./world.ts";
import type { World, WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 5 };
const withMls = { headerIntegrityPercent: 100 };
const modes = [
  ["without MLS", undefined],
  ["with MLS", withMls],
] as const;

interface Group {
  readonly alice: WorldApp;
  readonly bob: WorldApp;
  readonly carol: WorldApp;
  readonly session: number;
}

/** Alice moderates, Bob and Carol take part. */
function group(world: World, mls: (typeof modes)[number][1]): Group {
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  const carol = world.app("agntcy/ns/carol");
  const { session } = alice.create({ mls, reliability }, "agntcy/ns/chat");
  for (const { name } of [bob, carol]) invite(world, alice, session, name);
  return { alice, bob, carol, session };
}

function invite(world: World, alice: WorldApp, session: number, name: WorldApp["name"]): void {
  const handle = alice.invite(session, { ...name, id: undefined });
  world.until(() => alice.outcome(handle) !== undefined);
  expect(alice.outcome(handle)).toEqual({});
}

function done(world: World, app: WorldApp, handle: number): unknown {
  world.until(() => app.outcome(handle) !== undefined);
  return app.outcome(handle);
}

const change = (app: WorldApp, session: number, kind: "soft-close" | "rejoin"): number =>
  app.do((handle) => ({ kind, handle, session }));

const online = (app: WorldApp, session: number): string[] =>
  Object.entries(app.members(session))
    .filter(([, isOnline]) => isOnline)
    .map(([label]) => label.split("/")[2] as string);

for (const [mode, mls] of modes) {
  test(`SHB-01, SHB-04, SHB-06: who is not heard of for thirty seconds is offline, and one heartbeat brings it back, ${mode}`, () => {
    const world = createWorld();
    const { alice, bob, carol, session } = group(world, mls);
    world.run(60_000);
    for (const app of [alice, bob, carol]) {
      expect(online(app, session)).toEqual(["alice", "bob", "carol"]);
    }
    carol.cut = true;
    world.run(31_000);
    expect(online(alice, session)).toEqual(["alice", "bob"]);
    expect(online(bob, session)).toEqual(["alice", "bob"]);
    const sent = alice.publish(session, "without carol");
    expect(done(world, alice, sent)).toMatchObject({ acked: [bob.name], missing: [] });
    carol.cut = false;
    // her own heartbeat forces those of the others, published or not
    world.run(22_000);
    for (const app of [alice, bob, carol]) {
      expect(online(app, session)).toEqual(["alice", "bob", "carol"]);
    }
  });

  test(`SRL-06, SHB-06: who lets all retries of a message pass is offline at once, ${mode}`, () => {
    const world = createWorld();
    const { alice, bob, carol, session } = group(world, mls);
    world.meddle(({ to, type }) =>
      to === carol.label && type === SessionMessageType.msg ? "drop" : undefined,
    );
    const sent = alice.publish(session, "x");
    world.run(6_100);
    expect(alice.outcome(sent)).toMatchObject({ acked: [bob.name], missing: [carol.name] });
    expect(online(alice, session)).toEqual(["alice", "bob"]);
  });

  test(`SHB-10, SHB-11, SHB-12, SRL-21: away and back with what was missed, ${mode}`, () => {
    const world = createWorld();
    const { alice, bob, carol, session } = group(world, mls);
    done(world, alice, alice.publish(session, "before"));
    expect(done(world, bob, change(bob, session, "soft-close"))).toEqual({});
    for (const app of [alice, carol]) expect(online(app, session)).toEqual(["alice", "carol"]);
    expect(done(world, bob, bob.publish(session, "x"))).toBe("session/offline");
    for (const text of ["one", "two"]) {
      const sent = alice.publish(session, text);
      expect(done(world, alice, sent)).toMatchObject({ acked: [carol.name], missing: [] });
    }
    world.run(40_000);
    expect(bob.texts(session)).toEqual(["before"]);
    expect(done(world, bob, change(bob, session, "rejoin"))).toEqual({});
    world.run(500);
    for (const app of [alice, bob, carol]) {
      expect(online(app, session)).toEqual(["alice", "bob", "carol"]);
    }
    done(world, alice, alice.publish(session, "after"));
    world.run(500);
    expect(bob.texts(session)).toEqual(["before", "one", "two", "after"]);
  });

  test(`SHB-13, SHB-14, SHB-15, SHB-19, SHB-20: back in a group that changed meanwhile, with its members and its keys, ${mode}`, () => {
    const world = createWorld();
    const { alice, bob, carol, session } = group(world, mls);
    done(world, bob, change(bob, session, "soft-close"));
    const dan = world.app("agntcy/ns/dan");
    invite(world, alice, session, dan.name);
    done(world, alice, alice.remove(session, carol.name));
    expect(done(world, bob, change(bob, session, "rejoin"))).toEqual({});
    world.run(2_000);
    for (const app of [alice, bob, dan]) {
      expect(online(app, session)).toEqual(["alice", "bob", "dan"]);
      expect(app.core.session(session)?.epoch).toBe(alice.core.session(session)?.epoch);
    }
    const sent = bob.publish(session, "hello dan");
    expect(done(world, bob, sent)).toMatchObject({ missing: [] });
    expect(dan.texts(session)).toEqual(["hello dan"]);
    done(world, dan, dan.publish(session, "hello bob"));
    expect(bob.texts(session)).toEqual(["hello bob"]);
  });

  test(`SGR-33: who is invited again while it still waits for acknowledgements of before comes at once, ${mode}`, () => {
    const world = createWorld();
    const { alice, bob, carol, session } = group(world, mls);
    const lossy = world.meddle(({ from, to, type }) =>
      from === carol.label && to === bob.label && type === SessionMessageType.msg
        ? "drop"
        : undefined,
    );
    const sent = carol.publish(session, "to nobody");
    world.run(100);
    expect(done(world, alice, alice.remove(session, carol.name))).toEqual({});
    const before = world.now;
    invite(world, alice, session, carol.name);
    expect(world.now - before).toBeLessThan(2_500);
    expect(carol.closed).toEqual([{ session, reason: "removed" }]);
    expect(carol.joined).toEqual([session, session]);
    expect(carol.outcome(sent)).toMatchObject({ missing: [bob.name] });
    lossy();
    done(world, carol, carol.publish(session, "here again"));
    for (const app of [alice, bob]) expect(app.texts(session).at(-1)).toBe("here again");
  });

  test(`SRL-22, SHB-17: a moderator that was restarted hears who left, was restarted and came again, ${mode}`, () => {
    const world = createWorld();
    const { alice, carol, session } = group(world, mls);
    for (const text of ["1", "2", "3"]) done(world, carol, carol.publish(session, text));
    expect(done(world, carol, carol.close(session))).toEqual({});
    world.until(() => !("agntcy/ns/carol" in alice.members(session)));
    alice.restart();
    expect(done(world, alice, change(alice, session, "rejoin"))).toEqual({});
    carol.restart();
    invite(world, alice, session, carol.name);
    done(world, carol, carol.publish(session, "again"));
    expect(alice.texts(session)).toEqual(["1", "2", "3", "again"]);
  });

  test(`SRL-22, SRL-25: what a member says while it is being taken out is not taken for its first words when it comes again, ${mode}`, () => {
    const world = createWorld();
    const { alice, bob, carol, session } = group(world, mls);
    for (const text of ["1", "2", "3"]) done(world, carol, carol.publish(session, text));
    const late = world.meddle(({ to, type }) =>
      type === SessionMessageType.leaveRequest ||
      (to === carol.label && type === SessionMessageType.groupUpdate)
        ? "drop"
        : undefined,
    );
    alice.remove(session, carol.name);
    world.until(() => !("agntcy/ns/carol" in bob.members(session)));
    carol.publish(session, "nobody told me");
    world.run(500);
    late();
    world.until(() => carol.closed.length > 0, 120_000);
    carol.restart();
    invite(world, alice, session, carol.name);
    for (const text of ["again", "and again"]) {
      const sent = carol.publish(session, text);
      expect(done(world, carol, sent)).toMatchObject({ missing: [] });
    }
    for (const app of [alice, bob])
      expect(app.texts(session).slice(-2)).toEqual(["again", "and again"]);
  });

  test(`SRL-21, SHB-17: who was away gets what a member said that was restarted meanwhile, ${mode}`, () => {
    const world = createWorld();
    const { alice, bob, carol, session } = group(world, mls);
    for (const text of ["1", "2"]) done(world, bob, bob.publish(session, text));
    done(world, carol, change(carol, session, "soft-close"));
    bob.restart();
    expect(done(world, bob, change(bob, session, "rejoin"))).toEqual({});
    world.run(1_000);
    for (const text of ["3", "4"]) done(world, bob, bob.publish(session, text));
    expect(done(world, carol, change(carol, session, "rejoin"))).toEqual({});
    world.run(1_000);
    done(world, bob, bob.publish(session, "5"));
    world.run(5_000);
    for (const app of [alice, carol]) expect(app.texts(session)).toEqual(["1", "2", "3", "4", "5"]);
  });

  for (const process of ["the same process", "a process of its own"]) {
    const anew = process !== "the same process";
    test(`SRL-22, SRL-23: back after somebody left and came again in ${process}, its messages are heard, ${mode}`, () => {
      const world = createWorld();
      const { alice, bob, carol, session } = group(world, mls);
      for (const text of ["1", "2", "3"]) done(world, carol, carol.publish(session, text));
      done(world, bob, change(bob, session, "soft-close"));
      expect(done(world, carol, carol.close(session))).toEqual({});
      world.until(() => !("agntcy/ns/carol" in alice.members(session)));
      if (anew) carol.restart();
      invite(world, alice, session, carol.name);
      expect(done(world, bob, change(bob, session, "rejoin"))).toEqual({});
      world.run(500);
      for (const text of ["again", "and again"]) {
        const sent = carol.publish(session, text);
        expect(done(world, carol, sent)).toMatchObject({
          messageId: (anew ? 0 : 3) + (text === "again" ? 1 : 2),
          missing: [],
        });
      }
      for (const app of [alice, bob]) {
        expect(app.texts(session)).toEqual(["1", "2", "3", "again", "and again"]);
      }
    });
  }
}

test("SHB-07: a commit that never came is found by a heartbeat and made good, with nothing said to the application", () => {
  const world = createWorld();
  const { alice, bob, carol, session } = group(world, withMls);
  const stop = world.meddle(({ to, type }) =>
    to === bob.label && type === SessionMessageType.groupUpdate ? "drop" : undefined,
  );
  const dan = world.app("agntcy/ns/dan");
  invite(world, alice, session, dan.name);
  expect(online(alice, session)).toEqual(["alice", "carol", "dan"]);
  stop();
  const delivered = bob.delivered.length;
  world.run(30_000);
  expect(bob.delivered.length).toBe(delivered);
  for (const app of [alice, bob, carol, dan]) {
    expect(online(app, session)).toEqual(["alice", "bob", "carol", "dan"]);
    expect(app.core.session(session)?.epoch).toBe(alice.core.session(session)?.epoch);
  }
  done(world, dan, dan.publish(session, "hello"));
  expect(bob.texts(session)).toEqual(["hello"]);
});

test("SRL-26: who missed a commit gets what a newcomer said before it had its place again", () => {
  const world = createWorld();
  const { alice, bob, session } = group(world, withMls);
  const behind = world.meddle(({ to, type }) =>
    to === bob.label &&
    (type === SessionMessageType.groupUpdate || type === SessionMessageType.heartbeat)
      ? "drop"
      : undefined,
  );
  const dan = world.app("agntcy/ns/dan");
  invite(world, alice, session, dan.name);
  const said = dan.publish(session, "who am I");
  expect(done(world, dan, said)).toMatchObject({ missing: [bob.name] });
  done(world, dan, dan.publish(session, "what am I"));
  behind();
  world.run(30_000);
  expect(bob.texts(session)).toEqual(["who am I", "what am I"]);
  done(world, dan, dan.publish(session, "now you know"));
  expect(bob.texts(session)).toEqual(["who am I", "what am I", "now you know"]);
});

test("SRL-26: what a member sealed before it knew of our new place comes, and nothing of before a first place does", () => {
  const world = createWorld();
  const { alice, bob, carol, session } = group(world, withMls);
  done(world, carol, carol.publish(session, "before"));
  done(world, bob, change(bob, session, "soft-close"));
  const dan = world.app("agntcy/ns/dan");
  invite(world, alice, session, dan.name);
  const late = world.meddle(({ to, type }) =>
    to === carol.label && type === SessionMessageType.groupUpdate ? "drop" : undefined,
  );
  expect(done(world, bob, change(bob, session, "rejoin"))).toEqual({});
  // to her he is still away: she neither waits for him nor says it again
  carol.publish(session, "sealed too early");
  world.run(500);
  late();
  world.run(20_000);
  expect(bob.texts(session)).toEqual(["before", "sealed too early"]);
  expect(bob.delivered.every(({ item }) => item.kind === "message")).toBe(true);

  const hidden = world.meddle(({ to, type }) =>
    to === carol.label && type === SessionMessageType.groupUpdate ? "drop" : undefined,
  );
  const erin = world.app("agntcy/ns/erin");
  const coming = alice.invite(session, erin.name);
  world.until(() => erin.joined.includes(session));
  carol.publish(session, "before erin, as far as I know");
  world.until(() => alice.outcome(coming) !== undefined);
  hidden();
  world.run(20_000);
  expect(erin.texts(session)).toEqual([]);
});

test("SHB-13, SHB-14: a moderator comes back although a member is behind, and that one catches up", () => {
  const world = createWorld();
  const { alice, bob, carol, session } = group(world, withMls);
  bob.cut = true;
  world.run(31_000);
  const dan = world.app("agntcy/ns/dan");
  invite(world, alice, session, dan.name);
  expect(done(world, alice, change(alice, session, "soft-close"))).toEqual({});
  bob.cut = false;
  world.run(30_000);
  expect(done(world, alice, change(alice, session, "rejoin"))).toEqual({});
  world.run(60_000);
  for (const app of [alice, bob, carol, dan]) {
    expect(online(app, session)).toEqual(["alice", "bob", "carol", "dan"]);
    expect(app.core.session(session)?.epoch).toBe(alice.core.session(session)?.epoch);
  }
  const erin = world.app("agntcy/ns/erin");
  invite(world, alice, session, erin.name);
});

test("SHB-17, SML-30: a moderator that died with a commit that nobody heard of leads its group into it", () => {
  const world = createWorld();
  const { alice, bob, carol, session } = group(world, withMls);
  const deaf = world.meddle(({ type }) =>
    type === SessionMessageType.groupUpdate || type === SessionMessageType.leaveRequest
      ? "drop"
      : undefined,
  );
  alice.remove(session, carol.name);
  world.run(100);
  alice.restart();
  deaf();
  expect(done(world, alice, change(alice, session, "rejoin"))).toEqual({});
  world.run(60_000);
  expect(online(alice, session)).toEqual(["alice", "bob"]);
  expect(online(bob, session)).toEqual(["alice", "bob"]);
  expect(bob.core.session(session)?.epoch).toBe(alice.core.session(session)?.epoch);
});

test("SHB-17, SRL-24: a message that waited for room has a number that is not given again after a restart", () => {
  const world = createWorld();
  const { alice, bob, carol, session } = group(world, undefined);
  for (const app of [bob, carol]) done(world, app, change(app, session, "soft-close"));
  const payload = new Uint8Array(3.9 * 2 ** 20);
  for (let n = 0; n < 18; n += 1) {
    alice.do((handle) => ({
      kind: "publish",
      handle,
      session,
      to: undefined,
      payloadType: "msg",
      payload,
      metadata: new Map(),
    }));
  }
  expect(done(world, bob, change(bob, session, "rejoin"))).toEqual({});
  world.run(2_000);
  expect(bob.delivered.length).toBe(18);
  alice.restart();
  expect(done(world, alice, change(alice, session, "rejoin"))).toEqual({});
  done(world, alice, alice.publish(session, "the nineteenth"));
  expect(bob.texts(session).at(-1)).toBe("the nineteenth");
});

test("SGR-13: who was half in has left before its invitation fails, and one that is not there holds nobody up", () => {
  const world = createWorld({ weather: { delayMs: 50 } });
  const alice = world.app("agntcy/ns/alice");
  const { session } = alice.create({ mls: withMls, reliability }, "agntcy/ns/chat");
  const dan = world.app("agntcy/ns/dan");
  const deaf = world.meddle(({ from, type }) =>
    from === dan.label && type === SessionMessageType.groupAck ? "drop" : undefined,
  );
  expect(done(world, alice, alice.invite(session, dan.name))).toBe("session/unanswered");
  expect(dan.closed).toEqual([{ session, reason: "removed" }]);
  deaf();
  invite(world, alice, session, dan.name);
  const erin = world.app("agntcy/ns/erin");
  world.meddle(({ from, type }) => {
    if (from !== erin.label || type !== SessionMessageType.groupAck) return undefined;
    erin.cut = true;
    return "drop";
  });
  const before = world.now;
  expect(done(world, alice, alice.invite(session, erin.name))).toBe("session/unanswered");
  expect(world.now - before).toBeLessThan(9_000);
});

test("SHB-12: nobody sets another member offline", () => {
  const world = createWorld();
  const { alice, bob, carol, session } = group(world, undefined);
  const header = {
    source: encodeSlimName(bob.name),
    destination: encodeSlimName(alice.name),
    identity: bob.parts.identity.token(),
    fanout: 1,
    version: "2.2.0",
    ttl: 8,
  };
  const ids = {
    sessionType: SessionType.multicast,
    sessionMessageType: SessionMessageType.updateParticipantState,
    sessionId: session,
    messageId: 77,
  };
  const signed = headerIntegrityAad(header, ids, "");
  const e2eHeaderSig = crypto.sign("p256", bob.parts.identity.keys.privateKey, signed);
  world.inject(alice, {
    header: { ...header, e2eHeaderSig },
    session: ids,
    msg: {
      kind: "commandPayload",
      value: {
        kind: "updateParticipantState",
        value: {
          participant: encodeSlimName(carol.name),
          newState: ParticipantState.offline,
          epoch: 0n,
        },
      },
    },
  });
  expect(alice.refused).toEqual(["not-itself"]);
  expect(online(alice, session)).toEqual(["alice", "bob", "carol"]);
});

test("SRL-17, SHB-20: without MLS, messages of a member whose coming was missed wait for the roster and then come in order", () => {
  const world = createWorld();
  const { alice, bob, session } = group(world, undefined);
  const stop = world.meddle(({ to, type }) =>
    to === bob.label && type === SessionMessageType.groupUpdate ? "drop" : undefined,
  );
  const dan = world.app("agntcy/ns/dan");
  invite(world, alice, session, dan.name);
  stop();
  world.run(15_000);
  expect(bob.members(session)).not.toHaveProperty(dan.label);
  dan.publish(session, "one");
  dan.publish(session, "two");
  world.run(5_000);
  expect(bob.members(session)).toHaveProperty(dan.label);
  expect(bob.texts(session)).toEqual(["one", "two"]);
});

test("SRL-20: messages, gaps and departures come in one sequence", () => {
  const world = createWorld();
  const { alice, bob, carol, session } = group(world, undefined);
  done(world, bob, bob.publish(session, "one"));
  const stop = world.meddle(({ type, to, publish }) =>
    to === alice.label && type !== SessionMessageType.msgAck && publish.session?.messageId === 2
      ? "drop"
      : undefined,
  );
  bob.publish(session, "two");
  bob.publish(session, "three");
  world.run(10_000);
  stop();
  done(world, carol, carol.close(session));
  expect(alice.delivered.map(({ item }) => item)).toMatchObject([
    { kind: "message", messageId: 1, source: bob.name },
    { kind: "lost", messageId: 2, count: 1, source: bob.name },
    { kind: "message", messageId: 3, payloadType: "msg" },
    { kind: "disconnected", name: carol.name },
  ]);
});

test("SRL-17: a stranger is never delivered, and cannot keep a group asking", () => {
  const world = createWorld();
  const { bob, carol, session } = group(world, undefined);
  const strangers = [1, 2, 3].map((n) => world.app(`agntcy/ns/eve${n}`));
  const asked = (): number =>
    world.log.filter(({ type }) => type === SessionMessageType.rejoinRequest).length;
  const seen: Publish[] = [];
  world.meddle(({ type, publish }) => {
    if (type === SessionMessageType.msg) seen.push(publish);
    return undefined;
  });
  done(world, carol, carol.publish(session, "real"));
  const [publish] = seen;
  for (const eve of strangers) {
    const identity = eve.parts.identity.token();
    const header = { ...publish!.header!, identity, source: encodeSlimName(eve.name) };
    world.inject(bob, { ...publish!, header });
  }
  world.run(50_000);
  expect(bob.texts(session)).toEqual(["real"]);
  expect(asked()).toBe(1);
});
