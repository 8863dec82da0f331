import { encodeSlimName, ParticipantState, SessionMessageType } from "@coterie/wire/slim";
import type { CommandPayload } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import { createWorld } from "./world.ts";
import type { Passing, World, WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 3 };
const withMls = { headerIntegrityPercent: 100 };
const types = SessionMessageType;

function finish(world: World, app: WorldApp, handle: number, mostMs = 60_000): unknown {
  world.until(() => app.outcome(handle) !== undefined, mostMs);
  return app.outcome(handle);
}

function group(world: World, labels: readonly string[], settings: object = { reliability }) {
  const alice = world.app("agntcy/ns/alice");
  const { session } = alice.create(settings, "agntcy/ns/chat");
  const guests = labels.map((label) => world.app(`agntcy/ns/${label}`));
  for (const { name } of guests) {
    expect(finish(world, alice, alice.invite(session, name))).toEqual({});
  }
  return { alice, guests, session };
}

const sent = (app: WorldApp, type: number) =>
  app.effects.flatMap((effect) =>
    effect.kind === "send" && effect.publish.session?.sessionMessageType === type ? [effect] : [],
  );

type Valued = Exclude<CommandPayload, { readonly kind: "unset" }>;
type ValueOf<Kind extends Valued["kind"]> = (Valued & { readonly kind: Kind })["value"];

function commandOf<Kind extends Valued["kind"]>(
  effect: { publish: Passing["publish"] } | undefined,
  kind: Kind,
): ValueOf<Kind> {
  const { msg } = effect?.publish ?? {};
  if (msg?.kind !== "commandPayload" || msg.value.kind !== kind) throw new Error(`no ${kind}`);
  return (msg.value as Valued).value as ValueOf<Kind>;
}

test("SGR-01, SGR-06: a group is there at once, and its channel is subscribed to before anybody is invited", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const { session, handle } = alice.create({ reliability }, "agntcy/ns/chat");
  expect(alice.outcome(handle)).toEqual({ session });
  const names = alice.effects.filter(({ kind }) => kind === "subscribe");
  expect(names.length).toBe(2);
  expect(alice.effects.filter(({ kind }) => kind === "send")).toEqual([]);
  expect(alice.members(session)).toEqual({ "agntcy/ns/alice": true });
});

test("SGR-02, SGR-30: only who began a group changes it, and only members leave it", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob"]);
  const [bob] = guests as [WorldApp];
  expect(bob.outcome(bob.invite(session, "agntcy/ns/carol"))).toBe("session/not-moderator");
  expect(bob.outcome(bob.remove(session, alice.name))).toBe("session/not-moderator");
  expect(alice.outcome(alice.remove(session, "agntcy/ns/carol"))).toBe("session/unknown-member");
  expect(alice.outcome(alice.remove(session, alice.name))).toBe("session/unknown-member");
});

test("SGR-03: who is in is not invited twice, and two instances of one service may be in", () => {
  const world = createWorld();
  const { alice, session } = group(world, ["bob#1"]);
  const [one] = Object.values(alice.core.session(session)!.members)
    .map(({ name }) => name)
    .slice(1);
  expect(alice.outcome(alice.invite(session, one!))).toBe("session/already-member");
  expect(finish(world, alice, alice.invite(session, "agntcy/ns/bob"))).toBe(
    "session/already-member",
  );
  const other = world.app("agntcy/ns/bob#2");
  expect(finish(world, alice, alice.invite(session, other.name))).toEqual({});
  expect(alice.core.session(session)?.members.length).toBe(3);
  expect(alice.outcome(alice.remove(session, "agntcy/ns/bob"))).toBe("session/unknown-member");
  expect(finish(world, alice, alice.remove(session, other.name))).toEqual({});
});

test("SGR-04, SGR-05, SGR-08..10, SGR-20, SGR-22: the commands of an invitation, their addresses and what they carry", () => {
  const world = createWorld();
  const { alice, guests } = group(world, ["bob", "carol"], { reliability, mls: withMls });
  const [bob, carol] = guests as [WorldApp, WorldApp];
  const discovery = sent(alice, types.discoveryRequest)[1]!;
  const found = sent(carol, types.discoveryReply)[0]!;
  expect(found.publish.session).toEqual({
    ...discovery.publish.session,
    sessionMessageType: types.discoveryReply,
  });
  expect(found.publish.header?.source).toEqual(encodeSlimName(carol.name));
  const join = sent(alice, types.joinRequest)[1]!;
  expect(join.publish.header).toMatchObject({ destination: encodeSlimName(carol.name), fanout: 1 });
  const asked = commandOf(join, "joinRequest");
  expect(asked).toMatchObject({
    timerSettings: { timeout: 1_000, maxRetries: 3 },
    mlsSettings: { headerIntegrityValidationPercent: 100 },
  });
  const answered = commandOf(sent(carol, types.joinReply)[0], "joinReply");
  expect(answered.participant).toEqual({
    name: encodeSlimName(carol.name),
    settings: { sendsData: true, receivesData: true },
    status: ParticipantState.online,
  });
  const update = sent(alice, types.groupUpdate)[0]!;
  expect(update.publish.header).toMatchObject({ destination: asked.control, fanout: 256 });
  const told = commandOf(update, "groupUpdate");
  const welcome = commandOf(sent(alice, types.groupWelcome)[1], "groupWelcome");
  expect(told.participant?.name).toEqual(encodeSlimName(carol.name));
  expect(told.participants.length).toBe(3);
  expect(welcome.participants).toEqual(told.participants);
  expect([told.mls?.commitId, welcome.mls?.commitId]).toEqual([2, 2]);
  // the first newcomer had nobody to be announced to
  expect(sent(alice, types.groupUpdate).length).toBe(1);
  expect(sent(bob, types.groupAck).length).toBe(2);
});

test("SGR-05: whoever answers a discovery after the first is not heard", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const first = world.app("agntcy/ns/bob#1");
  const second = world.app("agntcy/ns/bob#2");
  world.meddle((passing) => {
    if (passing.type === types.discoveryRequest && passing.to === first.label) {
      world.inject(second, passing.publish);
    }
    return undefined;
  });
  const { session } = alice.create({ reliability }, "agntcy/ns/chat");
  expect(finish(world, alice, alice.invite(session, "agntcy/ns/bob"))).toEqual({});
  world.run(30_000);
  expect(sent(alice, types.joinRequest).length).toBe(1);
  expect(first.joined.length + second.joined.length).toBe(1);
});

test("SGR-08: a reply that names somebody else lets nobody in", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob"]);
  const mallory = world.app("agntcy/ns/mallory");
  const [bob] = guests as [WorldApp];
  world.meddle((passing) => {
    if (passing.type !== types.joinReply) return undefined;
    const reply = commandOf(passing, "joinReply");
    return {
      publish: {
        ...passing.publish,
        msg: {
          kind: "commandPayload",
          value: {
            kind: "joinReply",
            value: {
              ...reply,
              participant: { ...reply.participant!, name: encodeSlimName(bob.name) },
            },
          },
        },
      },
    };
  });
  expect(finish(world, alice, alice.invite(session, mallory.name))).toBe("session/refused");
  expect(Object.keys(alice.members(session))).toEqual(["agntcy/ns/alice", "agntcy/ns/bob"]);
});

test("SGR-12: a member that misses the update is taken for away, and the newcomer is in", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob"]);
  (guests[0] as WorldApp).cut = true;
  const carol = world.app("agntcy/ns/carol");
  expect(finish(world, alice, alice.invite(session, carol.name))).toEqual({});
  expect(alice.members(session)).toEqual({
    "agntcy/ns/alice": true,
    "agntcy/ns/bob": false,
    "agntcy/ns/carol": true,
  });
});

for (const [mode, mls] of [
  ["without MLS", undefined],
  ["with MLS", withMls],
] as const) {
  test(`SGR-13, SGR-14: who was let in and never came is out again, and the next is served, ${mode}`, () => {
    const world = createWorld();
    const { alice, guests, session } = group(world, ["bob"], { reliability, mls });
    const [bob] = guests as [WorldApp];
    const ghost = world.app("agntcy/ns/ghost");
    const stop = world.meddle(({ type }) => (type === types.groupWelcome ? "drop" : undefined));
    const handle = alice.invite(session, ghost.name);
    expect(finish(world, alice, handle)).toBe("session/unanswered");
    stop();
    const dan = world.app("agntcy/ns/dan");
    expect(finish(world, alice, alice.invite(session, dan.name))).toEqual({});
    for (const app of [alice, bob, dan]) {
      expect(Object.keys(app.members(session))).toEqual(
        ["alice", "bob", "dan"].map((label) => `agntcy/ns/${label}`),
      );
    }
    expect(new Set([alice, bob, dan].map((app) => app.core.session(session)?.epoch)).size).toBe(1);
  });
}

test("SGR-14: a key package that cannot be used rejects its invitation and keeps up nobody", () => {
  const world = createWorld();
  const { alice, session } = group(world, ["bob"], { reliability, mls: withMls });
  const carol = world.app("agntcy/ns/carol");
  const stop = world.meddle((passing) => {
    if (passing.type !== types.joinReply) return undefined;
    const reply = commandOf(passing, "joinReply");
    const keyPackage = reply.keyPackage!.slice();
    keyPackage[keyPackage.length - 1]! ^= 1;
    const value: CommandPayload = { kind: "joinReply", value: { ...reply, keyPackage } };
    return { publish: { ...passing.publish, msg: { kind: "commandPayload", value } } };
  });
  expect(finish(world, alice, alice.invite(session, carol.name))).toBe("mls/bad-signature");
  stop();
  expect(finish(world, alice, alice.invite(session, carol.name))).toEqual({});
});

test("SGR-15, SGR-23: after a lost join the instance is asked directly; repetitions get new numbers", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  const { session } = alice.create({ reliability, mls: withMls }, "agntcy/ns/chat");
  const stop = world.meddle(({ type }) => (type === types.joinReply ? "drop" : undefined));
  expect(finish(world, alice, alice.invite(session, "agntcy/ns/bob"))).toBe("session/unanswered");
  const ids = sent(alice, types.joinRequest).map(({ publish }) => publish.session?.messageId);
  expect(ids.length).toBe(4);
  expect(new Set(ids).size).toBe(3);
  const packages = sent(bob, types.joinReply).map((one) => commandOf(one, "joinReply").keyPackage);
  expect(packages[0]).not.toEqual(packages.at(-1));
  stop();
  const before = sent(alice, types.discoveryRequest).length;
  expect(finish(world, alice, alice.invite(session, "agntcy/ns/bob"))).toEqual({});
  expect(sent(alice, types.discoveryRequest).length).toBe(before);
  expect(bob.joined).toEqual([session]);
});

test("SGR-21: an app that is asked and says no is silent, at discovery or at the invitation", () => {
  const world = createWorld();
  const seen: unknown[] = [];
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob", {
    onInvite: (invitation) => {
      seen.push([invitation.baseId, invitation.metadata?.get("topic"), invitation.kind]);
      return invitation.metadata === undefined ? "accept" : "reject";
    },
  });
  const metadata = new Map([["topic", "lunch"]]);
  const { session } = alice.create({ reliability, metadata }, "agntcy/ns/chat");
  expect(finish(world, alice, alice.invite(session, bob.name))).toBe("session/unanswered");
  expect(seen.slice(0, 2)).toEqual([
    ["agntcy/ns/alice", undefined, "group"],
    ["agntcy/ns/alice", "lunch", "group"],
  ]);
  expect([bob.joined, sent(bob, types.joinReply)]).toEqual([[], []]);
});

test("SGR-24, SGR-25: a welcome is acknowledged once the node sends the channel's messages, and then the app sees the session", () => {
  const world = createWorld();
  const { guests, session } = group(world, ["bob"]);
  const [bob] = guests as [WorldApp];
  const kinds = bob.effects.map((effect) =>
    effect.kind === "send" ? String(effect.publish.session?.sessionMessageType) : effect.kind,
  );
  const order = ["subscribe", String(types.groupAck), "joined"].map((kind) => kinds.indexOf(kind));
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(bob.joined).toEqual([session]);
});

test("SGR-26, SGR-27, SGR-31, SGR-33: an update of a removal lists the removed member, who is told to leave and does", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob", "carol"], { reliability, mls: withMls });
  const [bob, carol] = guests as [WorldApp, WorldApp];
  expect(bob.members(session)).toHaveProperty("agntcy/ns/carol", true);
  expect(finish(world, alice, alice.remove(session, carol.name))).toEqual({});
  const told = commandOf(sent(alice, types.groupUpdate).at(-1), "groupUpdate");
  expect(told.participants.length).toBe(3);
  expect(sent(carol, types.groupAck).length).toBe(2);
  expect(sent(carol, types.leaveReply).length).toBe(1);
  expect(carol.closed).toEqual([{ session, reason: "removed" }]);
  expect(carol.effects.filter(({ kind }) => kind === "unsubscribe").length).toBe(2);
  expect(Object.keys(bob.members(session))).toEqual(["agntcy/ns/alice", "agntcy/ns/bob"]);
});

test("SGR-32: of two members one is removed without an update, and the session goes on", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob"], { reliability, mls: withMls });
  const [bob] = guests as [WorldApp];
  expect(finish(world, alice, alice.remove(session, "agntcy/ns/bob"))).toEqual({});
  expect(sent(alice, types.groupUpdate)).toEqual([]);
  expect(alice.core.session(session)?.epoch).toBe(2n);
  expect(bob.closed).toEqual([{ session, reason: "removed" }]);
  expect(finish(world, alice, alice.invite(session, bob.name))).toEqual({});
  expect(bob.joined).toEqual([session, session]);
});

test("SGR-34, SGR-35: who leaves is answered at once, also by a busy moderator, and the others are told in turn", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob", "carol"]);
  const [bob, carol] = guests as [WorldApp, WorldApp];
  const busy = alice.invite(session, "agntcy/ns/nobody");
  expect(finish(world, bob, bob.close(session), 500)).toEqual({});
  expect(alice.outcome(busy)).toBeUndefined();
  expect(sent(bob, types.leaveRequest)[0]?.metadata.get("LEAVING_SESSION")).toBe("TRUE");
  expect(alice.delivered.map(({ item }) => item)).toEqual([
    { kind: "disconnected", name: bob.name },
  ]);
  expect(finish(world, alice, busy)).toBe("session/unanswered");
  world.run(100);
  expect(Object.keys(carol.members(session))).toEqual(["agntcy/ns/alice", "agntcy/ns/carol"]);
});

test("SGR-35: a group that is left by its last guest ends, unless it is to be kept", () => {
  for (const keepEmptyGroup of [false, true]) {
    const world = createWorld();
    const { alice, guests, session } = group(world, ["bob"], { reliability, keepEmptyGroup });
    const [bob] = guests as [WorldApp];
    expect(finish(world, bob, bob.close(session))).toEqual({});
    world.run(100);
    expect(alice.closed).toEqual(keepEmptyGroup ? [] : [{ session, reason: "left" }]);
  }
});

test("SGR-36, SGR-37: closing gives up what waits, tells everybody and waits for their answers no longer than the timers", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob", "carol"]);
  const [bob, carol] = guests as [WorldApp, WorldApp];
  carol.cut = true;
  const waiting = alice.invite(session, "agntcy/ns/nobody");
  const closing = alice.close(session);
  expect(alice.outcome(waiting)).toBe("session/closed");
  expect(finish(world, alice, closing, 4_500)).toEqual({});
  const close = commandOf(sent(alice, types.groupClose)[0], "groupClose");
  expect(close.participants.length).toBe(3);
  expect(bob.closed).toEqual([{ session, reason: "closed-by-moderator" }]);
  expect(alice.effects.filter(({ kind }) => kind === "unsubscribe").length).toBe(2);
  const alone = createWorld();
  const ada = alone.app("agntcy/ns/ada");
  const own = ada.create({ reliability }, "agntcy/ns/chat");
  expect(finish(alone, ada, ada.close(own.session))).toEqual({});
  expect(sent(ada, types.groupClose)).toEqual([]);
});
