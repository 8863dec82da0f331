import {
  encodeSlimName,
  headerIntegrityAad,
  parseSlimName,
  SessionMessageType,
  SessionType,
} from "@coterie/wire/slim";
import { expect, test } from "vitest";
import { forge } from "./forge.ts";
import { createWorld } from "./world.ts";
import type { Passing, World, WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 3 };
const types = SessionMessageType;

function finish(world: World, app: WorldApp, handle: number, mostMs = 60_000): unknown {
  world.until(() => app.outcome(handle) !== undefined, mostMs);
  return app.outcome(handle);
}

function pairOf(world: World, settings: object = { reliability }) {
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  const { session } = alice.create(settings, "agntcy/ns/chat");
  expect(finish(world, alice, alice.invite(session, bob.name))).toEqual({});
  return { alice, bob, session };
}

const sent = (app: WorldApp, type: number) =>
  app.effects.flatMap((effect) =>
    effect.kind === "send" && effect.publish.session?.sessionMessageType === type ? [effect] : [],
  );

test("SSN-01, SSN-02: a session has one number for all its members, below the reserved ones; what belongs to none is refused", () => {
  const world = createWorld();
  const { alice, bob, session } = pairOf(world);
  expect(session).toBeLessThanOrEqual(2 ** 32 - 1_002);
  expect(bob.joined).toEqual([session]);
  const from = bob.refused.length;
  for (const type of [types.groupUpdate, types.heartbeat, types.groupWelcome]) {
    world.inject(
      bob,
      forge(alice, {
        session: session + 1,
        type,
        payload: { kind: "heartbeat", value: { epoch: 0n } },
        to: bob.name,
      }),
    );
  }
  expect(bob.refused.slice(from)).toEqual(["no-session", "no-session", "no-session"]);
});

test("SSN-03, SGR-20: an app answers to the names it was given, speaks in a session by the one it was called by, and to no other", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  bob.step({ kind: "answer-to", name: parseSlimName("agntcy/ns/helpdesk") });
  bob.route({ ...parseSlimName("agntcy/ns/helpdesk"), id: bob.name.id });
  const { session } = alice.create({ reliability }, "agntcy/ns/chat");
  expect(finish(world, alice, alice.invite(session, "agntcy/ns/helpdesk"))).toEqual({});
  expect(bob.core.session(session)?.source).toEqual({
    ...parseSlimName("agntcy/ns/helpdesk"),
    id: bob.name.id,
  });
  bob.step({ kind: "stop-answering-to", name: parseSlimName("agntcy/ns/helpdesk") });
  const second = alice.create({ reliability }, "agntcy/ns/chat");
  const handle = alice.invite(second.session, "agntcy/ns/helpdesk");
  expect(finish(world, alice, handle)).toBe("session/unanswered");
  expect(bob.refused).toContain("not-our-name");
});

test("SSN-04: commands have random numbers, data counts from one, a message to one member is beyond both", () => {
  const world = createWorld();
  const { alice, bob, session } = pairOf(world);
  for (const text of ["a", "b"]) finish(world, alice, alice.publish(session, text));
  finish(world, alice, alice.publish(session, "c", { to: bob.name }));
  const ids = sent(alice, types.msg).map(({ publish }) => publish.session?.messageId);
  expect(ids.slice(0, 2)).toEqual([1, 2]);
  expect(ids[2]).toBeGreaterThanOrEqual(2 ** 31);
  const commands = alice.effects.flatMap((effect) =>
    effect.kind === "send" && (effect.publish.session?.sessionMessageType ?? 0) > 4
      ? [effect.publish.session?.messageId]
      : [],
  );
  expect(new Set(commands).size).toBe(commands.length);
  expect(commands).not.toContain(0);
});

test("SSN-05, SGR-07: a group has timers unless it is ours alone; without them nothing is acknowledged", () => {
  const world = createWorld();
  const plain = pairOf(world, {});
  expect(plain.bob.core.session(plain.session)?.settings.reliability).toEqual({
    intervalMs: 1_000,
    maxRetries: 10,
  });
  const { alice, bob, session } = pairOf(createWorld(), { oursOnly: true });
  expect(bob.core.session(session)?.settings.reliability).toBeUndefined();
  const handle = alice.publish(session, "into the blue");
  expect(alice.outcome(handle)).toMatchObject({ acked: [], missing: [] });
  expect(sent(bob, types.msgAck)).toEqual([]);
});

test("SSN-06: a command is sent once and repeated in constant intervals, and has failed an interval after its last repetition", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const { session } = alice.create({ reliability }, "agntcy/ns/chat");
  const handle = alice.invite(session, "agntcy/ns/nobody");
  world.run(3_999);
  expect(alice.outcome(handle)).toBeUndefined();
  expect(sent(alice, types.discoveryRequest).length).toBe(4);
  world.run(2);
  expect(alice.outcome(handle)).toBe("session/unanswered");
});

test("SSN-07, SID-07: each repetition has the token of its time and a signature over it", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const { session } = alice.create(
    { reliability: { intervalMs: 50_000, maxRetries: 2 } },
    "agntcy/ns/chat",
  );
  alice.invite(session, "agntcy/ns/nobody");
  world.run(120_000);
  const requests = sent(alice, types.discoveryRequest).map(({ publish }) => publish);
  expect(new Set(requests.map(({ header }) => header?.identity)).size).toBe(requests.length - 1);
  for (const { header, session: ids } of requests) {
    const signed = headerIntegrityAad(header!, ids!, "");
    const { publicKey } = alice.parts.identity.keys;
    expect(world.crypto.verify("p256", publicKey, signed, header!.e2eHeaderSig!)).toBe(true);
  }
});

test("SSN-08: acknowledgements carry an empty payload that is there", () => {
  const world = createWorld();
  const { alice, bob, session } = pairOf(world);
  finish(world, alice, alice.publish(session, "hello"));
  const [ack] = sent(bob, types.msgAck);
  expect(ack?.publish.msg).toEqual({
    kind: "appPayload",
    value: { payloadType: "", blob: new Uint8Array(0) },
  });
  expect(ack?.publish.header?.e2eHeaderSig).toBeUndefined();
});

test("SSN-09, SSN-11: an empty payload type reads as msg; metadata of the protocol is not for applications", () => {
  const world = createWorld();
  const { alice, bob, session } = pairOf(world, {
    reliability,
    metadata: new Map([["topic", "lunch"]]),
  });
  expect(bob.core.session(session)?.settings.metadata).toEqual(new Map([["topic", "lunch"]]));
  alice.do((handle) => ({
    kind: "publish",
    handle,
    session,
    payloadType: "",
    payload: new Uint8Array(1),
    metadata: new Map([["k", "v"]]),
  }));
  world.run(100);
  expect(bob.delivered[0]?.item).toMatchObject({
    kind: "message",
    payloadType: "msg",
    metadata: new Map([["k", "v"]]),
  });
  for (const key of ["PUBLISH_TO", "LEAVING_SESSION", "DELETE_GROUP", "IS_MODERATOR"]) {
    const handle = alice.publish(session, "x", { metadata: new Map([[key, "TRUE"]]) });
    expect(alice.outcome(handle)).toBe("session/bad-argument");
  }
});

test("SSN-10: who does not send may not, who does not receive is not waited for and hears nothing", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const ear = world.app("agntcy/ns/ear", { direction: "receive" });
  const mouth = world.app("agntcy/ns/mouth", { direction: "send" });
  const { session } = alice.create({ reliability }, "agntcy/ns/chat");
  for (const { name } of [ear, mouth]) finish(world, alice, alice.invite(session, name));
  expect(ear.outcome(ear.publish(session, "no"))).toBe("session/not-a-sender");
  const handle = alice.publish(session, "hello");
  expect(finish(world, alice, handle)).toMatchObject({ acked: [ear.name], missing: [] });
  expect([ear.texts(session), mouth.texts(session)]).toEqual([["hello"], []]);
});

test("SSN-12: what happens to a session happens at once or waits its turn: three invitations run one after another", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const guests = ["bob", "carol", "dan"].map((label) => world.app(`agntcy/ns/${label}`));
  const { session } = alice.create(
    { reliability, mls: { headerIntegrityPercent: 100 } },
    "agntcy/ns/chat",
  );
  const handles = guests.map(({ name }) => alice.invite(session, name));
  world.until(() => handles.every((handle) => alice.outcome(handle) !== undefined));
  expect(handles.map((handle) => alice.outcome(handle))).toEqual([{}, {}, {}]);
  const order = world.trace().filter((line) => line.includes("joinRequest"));
  expect(order.map((line) => line.split(" ")[2])).toEqual(["bob", "carol", "dan"]);
  const welcomes = world.trace().findIndex((line) => line === "bob groupAck alice");
  expect(welcomes).toBeLessThan(world.trace().indexOf("alice discoveryRequest carol"));
});

test("SSN-13: a session that closes takes nothing new and waits for what is not acknowledged", () => {
  const world = createWorld();
  const { alice, bob, session } = pairOf(world);
  let lost = 0;
  world.meddle((passing) => (passing.type === types.msg && lost++ === 0 ? "drop" : undefined));
  const published = alice.publish(session, "wait for me");
  const closing = alice.close(session);
  expect(alice.outcome(alice.publish(session, "too late"))).toBe("session/closed");
  expect(finish(world, alice, closing)).toEqual({});
  expect(alice.outcome(published)).toMatchObject({ missing: [] });
  expect(bob.texts(session)).toEqual(["wait for me"]);
});

test("SSN-14: an invitation without a welcome is forgotten, and the app never hears of it", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  world.meddle(({ type }) => (type === types.groupWelcome ? "drop" : undefined));
  const { session } = alice.create({ reliability }, "agntcy/ns/chat");
  const handle = alice.invite(session, bob.name);
  expect(finish(world, alice, handle)).toBe("session/unanswered");
  world.run(20_000);
  expect([bob.joined, bob.closed, bob.core.session(session)]).toEqual([[], [], undefined]);
  expect(bob.core.wakeAt).toBeUndefined();
});

test("SSN-15: one identity looks for us so many times a second and no more", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  for (let count = 0; count < 60; count += 1) {
    world.inject(
      bob,
      forge(alice, {
        session: count,
        type: types.discoveryRequest,
        payload: { kind: "discoveryRequest", value: {} },
        to: { ...bob.name, id: undefined },
      }),
    );
  }
  expect(sent(bob, types.discoveryReply).length).toBe(50);
  expect(bob.refused.length).toBe(10);
});

test("SSN-15: invitations without a welcome fill up their own places and no others", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  for (let count = 0; count < 140; count += 1) {
    world.inject(
      bob,
      forge(alice, {
        session: count,
        type: types.joinRequest,
        sessionType: SessionType.pointToPoint,
        payload: { kind: "joinRequest", value: {} },
        to: bob.name,
      }),
    );
  }
  expect(sent(bob, types.joinReply).length).toBe(128);
  expect(bob.refused.length).toBe(12);
  world.run(20_000);
  const { session, handle } = alice.create(
    { kind: "point-to-point", reliability },
    "agntcy/ns/bob",
  );
  expect(finish(world, alice, handle)).toEqual({ session });
});

test("SSN-21: our messages say that they are ours", () => {
  const world = createWorld();
  pairOf(world);
  for (const { publish } of world.log)
    expect(publish.header?.version).toMatch(/^2\.2\.0\+ts\.\d+$/);
});

test("SPP-01, SPP-02: a pair is made with whoever answers first, without channel, subscription or update", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const first = world.app("agntcy/ns/bob#1");
  const second = world.app("agntcy/ns/bob#2");
  const { session, handle } = alice.create(
    { kind: "point-to-point", reliability },
    "agntcy/ns/bob",
  );
  expect(alice.outcome(handle)).toBeUndefined();
  expect(finish(world, alice, handle)).toEqual({ session });
  expect(alice.core.session(session)?.destination).toEqual(first.name);
  expect([first.joined, second.joined]).toEqual([[session], []]);
  expect(alice.effects.filter(({ kind }) => kind === "subscribe")).toEqual([]);
  const [join] = sent(alice, types.joinRequest);
  expect(join?.publish.msg).toMatchObject({ value: { kind: "joinRequest" } });
  expect(
    JSON.stringify(join?.publish.msg, (_, v: unknown) => (typeof v === "bigint" ? "" : v)),
  ).not.toContain("channel");
  expect(sent(alice, types.groupUpdate)).toEqual([]);
});

test("SPP-01: a pair that nobody answers fails and is gone", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const { session, handle } = alice.create(
    { kind: "point-to-point", reliability },
    "agntcy/ns/nobody",
  );
  const early = alice.publish(session, "anybody?");
  expect(finish(world, alice, handle)).toBe("session/unanswered");
  expect(alice.outcome(early)).toBe("session/closed");
  expect(alice.closed).toEqual([{ session, reason: "closed-by-us" }]);
  const ends = alice.effects.filter(({ kind }) => kind === "failed" || kind === "closed");
  expect(ends.map(({ kind }) => kind)).toEqual(["failed", "failed", "closed"]);
});

test("SPP-03, SPP-07: messages of a pair go to the peer's full name, to one, and with MLS sealed", () => {
  for (const mls of [undefined, { headerIntegrityPercent: 100 }]) {
    const world = createWorld();
    const alice = world.app("agntcy/ns/alice");
    const bob = world.app("agntcy/ns/bob");
    const { session, handle } = alice.create(
      { kind: "point-to-point", reliability, mls },
      "agntcy/ns/bob",
    );
    finish(world, alice, handle);
    finish(world, alice, alice.publish(session, "hello", { to: bob.name }));
    const [message] = sent(alice, types.msg);
    expect(message?.publish.header).toMatchObject({
      destination: encodeSlimName(bob.name),
      fanout: 1,
    });
    expect(message?.publish.session?.sessionType).toBe(SessionType.pointToPoint);
    expect(message?.metadata.has("PUBLISH_TO")).toBe(false);
    expect(bob.core.session(session)?.epoch).toBe(mls && 1n);
    expect(bob.texts(session)).toEqual(["hello"]);
  }
});

test("SPP-04: a pair has nobody to add or remove and does not go away", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  const { session, handle } = alice.create(
    { kind: "point-to-point", reliability },
    "agntcy/ns/bob",
  );
  finish(world, alice, handle);
  const handles = [
    alice.invite(session, "agntcy/ns/carol"),
    alice.remove(session, bob.name),
    alice.softClose(session),
    alice.rejoin(session),
  ];
  for (const one of handles) expect(alice.outcome(one)).toBe("session/not-a-group");
});

test("SPP-05, SPP-06: either end closes both; the initiator tells its peer alone", () => {
  for (const closer of ["alice", "bob"]) {
    const world = createWorld();
    const alice = world.app("agntcy/ns/alice");
    const bob = world.app("agntcy/ns/bob");
    const { session, handle } = alice.create(
      { kind: "point-to-point", reliability },
      "agntcy/ns/bob",
    );
    finish(world, alice, handle);
    const app = closer === "alice" ? alice : bob;
    expect(finish(world, app, app.close(session))).toEqual({});
    world.run(100);
    expect(alice.closed.map(({ reason }) => reason)).toEqual([
      closer === "alice" ? "closed-by-us" : "left",
    ]);
    expect(bob.closed.map(({ reason }) => reason)).toEqual([
      closer === "alice" ? "closed-by-moderator" : "closed-by-us",
    ]);
    const told: Passing[] = world.log.filter(({ type }) => type === types.groupClose);
    for (const { publish } of told) {
      expect(publish.header).toMatchObject({ fanout: 1, destination: encodeSlimName(bob.name) });
    }
  }
});
