import { encodeSlimName, Message, SessionMessageType } from "@coterie/wire/slim";
import type { CommandPayload, Publish } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import { forge } from "./forge.ts";
import { createWorld, seeded } from "./world.ts";
import type { Passing, World, WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 3 };
const withMls = { headerIntegrityPercent: 100 };
const types = SessionMessageType;

function finish(world: World, app: WorldApp, handle: number): unknown {
  world.until(() => app.outcome(handle) !== undefined);
  return app.outcome(handle);
}

function three(mls: typeof withMls | undefined) {
  const world = createWorld();
  const [alice, bob, carol, mallory] = ["alice", "bob", "carol", "mallory"].map((label) =>
    world.app(`agntcy/ns/${label}`),
  ) as [WorldApp, WorldApp, WorldApp, WorldApp];
  const { session } = alice.create({ mls, reliability }, "agntcy/ns/chat");
  for (const { name } of [bob, carol]) {
    expect(finish(world, alice, alice.invite(session, name))).toEqual({});
  }
  return { world, alice, bob, carol, mallory, session };
}

/** What the group is like to each of these, to see that nothing moved. */
const state = (apps: readonly WorldApp[], session: number): unknown =>
  apps.map((app) => {
    const view = app.core.session(session);
    return [view?.members.map(({ name }) => name.id), view?.epoch, view?.moderator.id, app.closed];
  });

test("SSG-07: a wrong secret is refused without MLS, as host and as guest", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const eve = world.app("agntcy/ns/eve", { secret: "another secret of thirty-two bytes" });
  const { session } = alice.create({ reliability }, "agntcy/ns/chat");
  expect(finish(world, alice, alice.invite(session, eve.name))).toBe("session/unanswered");
  expect(new Set(eve.refused)).toEqual(new Set(["identity/bad-token"]));
  const hers = eve.create({ reliability }, "agntcy/ns/chat");
  expect(finish(world, eve, eve.invite(hers.session, alice.name))).toBe("session/unanswered");
  expect(alice.joined).toEqual([]);
  expect(alice.refused).toContain("identity/bad-token");
});

for (const [mode, mls] of [
  ["without MLS", undefined],
  ["with MLS", withMls],
] as const) {
  test(`SSG-01, SSG-05, SSG-07, SSN-08: a command whose token, signature, source, id or payload is wrong does nothing ${mode}`, () => {
    const { world, alice, bob, session } = three(mls);
    const before = state([alice, bob], session);
    const close: CommandPayload = { kind: "groupClose", value: { participants: [] } };
    const base = { session, type: types.groupClose, payload: close, to: bob.name };
    const good = forge(alice, base);
    const cases: [string, Publish][] = [
      ["identity/bad-token", { ...good, header: { ...good.header!, identity: "nonsense" } }],
      ["signature", { ...good, header: { ...good.header!, e2eHeaderSig: undefined } }],
      ["signature", { ...good, header: { ...good.header!, e2eHeaderSig: new Uint8Array(70) } }],
      ["signature", { ...good, session: { ...good.session!, messageId: 77 } }],
      ["source-id", forge(bob, { ...base, header: { source: encodeSlimName(alice.name) } })],
      ["message-id", forge(alice, { ...base, messageId: 0 })],
      ["payload", forge(alice, { ...base, payload: { kind: "leaveRequest", value: {} } })],
      [
        "payload",
        {
          ...good,
          msg: { kind: "appPayload", value: { payloadType: "", blob: new Uint8Array(0) } },
        },
      ],
      ["form", { ...good, msg: undefined }],
      ["form", { ...good, session: undefined }],
      ["wire/missing-field", { ...good, header: { ...good.header!, source: undefined } }],
    ];
    for (const [reason, publish] of cases) {
      const from = bob.refused.length;
      world.inject(bob, publish);
      expect(bob.refused.slice(from)).toEqual([reason]);
    }
    expect(state([alice, bob], session)).toEqual(before);
    world.inject(bob, good);
    expect(bob.closed).toEqual([{ session, reason: "closed-by-moderator" }]);
  });

  test(`SSG-10: a member that acts as moderator, and a stranger that acts as a member, are refused ${mode}`, () => {
    const { world, alice, bob, carol, mallory, session } = three(mls);
    const before = state([alice, bob, carol], session);
    const participant = { name: encodeSlimName(carol.name), settings: undefined, status: 0 };
    const commands: [number, CommandPayload][] = [
      [
        types.groupUpdate,
        {
          kind: "groupUpdate",
          value: {
            op: 1,
            participant,
            participants: [],
            mls: { commitId: 9, mlsContent: new Uint8Array(3) },
          },
        },
      ],
      [types.groupWelcome, { kind: "groupWelcome", value: { participants: [participant] } }],
      [types.groupClose, { kind: "groupClose", value: { participants: [] } }],
      [types.leaveRequest, { kind: "leaveRequest", value: {} }],
      [types.joinRequest, { kind: "joinRequest", value: {} }],
      [
        types.rejoinReply,
        { kind: "rejoinReply", value: { commitId: 9, mlsContent: new Uint8Array(3) } },
      ],
    ];
    for (const by of [carol, mallory]) {
      for (const [type, payload] of commands) {
        const from = bob.refused.length;
        world.inject(bob, forge(by, { session, type, payload, to: bob.name }));
        expect(bob.refused.slice(from)).toEqual(["role"]);
      }
    }
    const strangers: [number, CommandPayload][] = [
      [
        types.rejoinRequest,
        {
          kind: "rejoinRequest",
          value: { participant: encodeSlimName(mallory.name), keyPackage: new Uint8Array(0) },
        },
      ],
      [
        types.updateParticipantState,
        {
          kind: "updateParticipantState",
          value: { participant: encodeSlimName(mallory.name), newState: 1, epoch: 0n },
        },
      ],
      [types.heartbeat, { kind: "heartbeat", value: { epoch: 99n } }],
      [types.leaveRequest, { kind: "leaveRequest", value: {} }],
    ];
    for (const [type, payload] of strangers) {
      const from = alice.refused.length;
      const publish = forge(mallory, { session, type, payload, to: alice.name });
      world.inject(alice, publish, new Map([["LEAVING_SESSION", "TRUE"]]));
      expect(alice.refused.slice(from)).toEqual(["role"]);
    }
    world.run(3_000);
    expect(state([alice, bob, carol], session)).toEqual(before);
  });

  test(`SSG-10: a member speaks of itself alone ${mode}`, () => {
    const { world, alice, bob, carol, session } = three(mls);
    const before = state([alice, bob, carol], session);
    const other = encodeSlimName(bob.name);
    const commands: [number, CommandPayload][] = [
      [
        types.rejoinRequest,
        { kind: "rejoinRequest", value: { participant: other, keyPackage: new Uint8Array(0) } },
      ],
      [
        types.updateParticipantState,
        { kind: "updateParticipantState", value: { participant: other, newState: 1, epoch: 0n } },
      ],
    ];
    for (const [type, payload] of commands) {
      const from = alice.refused.length;
      world.inject(alice, forge(carol, { session, type, payload, to: alice.name }));
      expect(alice.refused.slice(from)).toEqual(["not-itself"]);
    }
    world.run(3_000);
    expect(state([alice, bob, carol], session)).toEqual(before);
    expect(alice.members(session)["agntcy/ns/bob"]).toBe(true);
  });

  test(`SSG-05, SSG-09, SGR-28, SGR-38: what was recorded and is said again changes nothing and is answered again ${mode}`, () => {
    const world = createWorld();
    const recorded: Passing[] = [];
    world.meddle((passing) => {
      recorded.push(passing);
      return undefined;
    });
    const [alice, bob, carol] = ["alice", "bob", "carol"].map((label) =>
      world.app(`agntcy/ns/${label}`),
    ) as [WorldApp, WorldApp, WorldApp];
    const { session } = alice.create({ mls, reliability }, "agntcy/ns/chat");
    for (const { name } of [bob, carol]) finish(world, alice, alice.invite(session, name));
    expect(finish(world, alice, alice.remove(session, carol.name))).toEqual({});
    const before = state([alice, bob, carol], session);
    const again = recorded.filter(({ to }) => to === bob.label);
    const asked = again.filter(({ type }) =>
      [types.joinRequest, types.groupWelcome, types.groupUpdate].includes(type as 7),
    );
    const from = bob.effects.length;
    for (const { publish, metadata } of again) world.inject(bob, publish, metadata);
    const answers = bob.effects.slice(from).filter(({ kind }) => kind === "send");
    // and the discovery
    expect(answers.length).toBe(asked.length + 1);
    world.run(2_000);
    expect(state([alice, bob, carol], session)).toEqual(before);

    const closing = alice.close(session);
    expect(finish(world, alice, closing)).toEqual({});
    const close = recorded.findLast(({ type }) => type === types.groupClose)!;
    const told = bob.effects.length;
    world.inject(bob, close.publish);
    world.inject(
      bob,
      forge(alice, {
        session,
        type: types.groupClose,
        payload: { kind: "groupClose", value: { participants: [] } },
        to: bob.name,
      }),
    );
    expect(bob.effects.slice(told).map(({ kind }) => kind)).toEqual(["send", "send"]);
    world.run(121_000);
    const late = bob.effects.length;
    world.inject(
      bob,
      forge(alice, {
        session,
        type: types.groupClose,
        payload: { kind: "groupClose", value: { participants: [] } },
        to: bob.name,
      }),
    );
    expect(bob.effects.slice(late)).toEqual([]);
  });

  test(`SSG-08: data of somebody who is not who it says is dropped ${mode}`, () => {
    const { world, alice, bob, carol, mallory, session } = three(mls);
    let seen: Passing | undefined;
    world.meddle((passing) => {
      if (passing.type === types.msg && passing.to === bob.label) seen ??= passing;
      return undefined;
    });
    alice.publish(session, "hello");
    world.run(100);
    const { publish } = seen!;
    const spoilt: Partial<Publish["header"] & object>[] = [
      { identity: carol.parts.identity.token() },
      { source: encodeSlimName(carol.name) },
      { identity: "x" },
      { source: encodeSlimName(mallory.name), identity: mallory.parts.identity.token() },
    ];
    for (const header of spoilt) {
      world.inject(bob, { ...publish, header: { ...publish.header!, ...header } });
    }
    world.run(100);
    expect(bob.texts(session)).toEqual(["hello"]);
    expect(bob.refused.length).toBe(mls === undefined ? 3 : 4);
  });

  test(`SSN-02, SSN-16: whatever is done to a message, the core refuses or takes it and other sessions go on ${mode}`, () => {
    const { world, alice, bob, carol, session } = three(mls);
    const pair = alice.create({ kind: "point-to-point", mls, reliability }, "agntcy/ns/bob");
    expect(finish(world, alice, pair.handle)).toEqual({ session: pair.session });
    const recorded: Passing[] = [];
    world.meddle((passing) => {
      if (passing.publish.session?.sessionId === session) recorded.push(passing);
      return undefined;
    });
    alice.publish(session, "one");
    bob.publish(session, "two");
    const dan = world.app("agntcy/ns/dan");
    finish(world, alice, alice.invite(session, dan.name));
    finish(world, alice, alice.remove(session, carol.name));
    world.run(11_000);
    const random = seeded(7);
    const pick = (count: number): number => Math.floor(random() * count);
    const apps = new Map([alice, bob, carol, dan].map((app) => [app.label, app]));
    for (let round = 0; round < 1_000; round += 1) {
      const { to, publish, metadata } = recorded[pick(recorded.length)]!;
      const bytes = Message.encode({ metadata, messageType: { kind: "publish", value: publish } });
      for (let flips = 1 + pick(3); flips > 0; flips -= 1) {
        bytes[pick(bytes.length)]! ^= 1 << pick(8);
      }
      let spoilt: Message;
      try {
        spoilt = Message.decode(bytes);
      } catch {
        continue;
      }
      if (spoilt.messageType.kind !== "publish") continue;
      world.inject(apps.get(to)!, spoilt.messageType.value, spoilt.metadata);
    }
    const handle = alice.publish(pair.session, "still here");
    expect(finish(world, alice, handle)).toMatchObject({ missing: [] });
    expect(bob.texts(pair.session)).toEqual(["still here"]);
    expect(finish(world, alice, alice.publish(session, "here, too"))).toMatchObject({
      missing: [],
    });
  });
}

test("SML-20: a rejoin by a key package of somebody else is refused", () => {
  const { world, alice, bob, carol, session } = three(withMls);
  let request: Publish | undefined;
  world.meddle((passing) => {
    if (passing.type === types.rejoinRequest && passing.from === bob.label)
      request = passing.publish;
    return passing.type === types.rejoinRequest ? "drop" : undefined;
  });
  // bob's key package, never used, in a request that carol signs
  bob.cut = true;
  finish(world, alice, alice.remove(session, carol.name));
  bob.cut = false;
  world.until(() => request !== undefined);
  expect(finish(world, alice, alice.invite(session, carol.name))).toEqual({});
  const { msg } = request!;
  if (msg?.kind !== "commandPayload" || msg.value.kind !== "rejoinRequest")
    throw new Error("no request");
  const epoch = alice.core.session(session)?.epoch;
  const payload: CommandPayload = {
    kind: "rejoinRequest",
    value: { participant: encodeSlimName(carol.name), keyPackage: msg.value.value.keyPackage },
  };
  world.inject(
    alice,
    forge(carol, { session, type: types.rejoinRequest, payload, to: alice.name }),
  );
  world.run(100);
  expect(alice.core.session(session)?.epoch).toBe(epoch);
});

test("SSG-09: a native that asks again soon is left to wait, as a second answer would end its session", () => {
  const { world, alice, carol, session } = three(undefined);
  const leave = forge(alice, {
    session,
    type: types.leaveRequest,
    payload: { kind: "leaveRequest", value: {} },
    to: carol.name,
  });
  const said = (): number => {
    const from = carol.effects.length;
    world.inject(carol, leave);
    return carol.effects.slice(from).filter(({ kind }) => kind === "send").length;
  };
  expect(said()).toBe(1);
  for (const [wait, answers] of [
    [0, 0],
    [1_000, 0],
    [600, 1],
    [1_000, 0],
    [1_000, 1],
  ] as const) {
    world.run(wait);
    expect(said()).toBe(answers);
  }
});

test("SGR-20: nor is a native answered twice that looks for us again soon", () => {
  const world = createWorld();
  const alice = world.app("agntcy/ns/alice");
  const bob = world.app("agntcy/ns/bob");
  const discovery = forge(alice, {
    session: 7,
    type: types.discoveryRequest,
    payload: { kind: "discoveryRequest", value: {} },
    to: bob.name,
  });
  const said = (): number => {
    const from = bob.effects.length;
    world.inject(bob, discovery);
    return bob.effects.slice(from).filter(({ kind }) => kind === "send").length;
  };
  expect([said(), said()]).toEqual([1, 0]);
  world.run(1_500);
  expect([said(), said()]).toEqual([1, 0]);
});
