import { fromUtf8 } from "@coterie/base";
import { decodeMlsMessage, peekMessage } from "@coterie/mls";
import { encodeSlimName, headerIntegrityAad, SessionMessageType } from "@coterie/wire/slim";
import type { CommandPayload, Publish } from "@coterie/wire/slim";
import { expect, test } from "vitest";
import { forge } from "./forge.ts";
import { createWorld } from "./world.ts";
import type { World, WorldApp } from "./world.ts";

const reliability = { intervalMs: 1_000, maxRetries: 3 };
const withMls = { headerIntegrityPercent: 100 };
const types = SessionMessageType;
const minutes = 60_000;

function finish(world: World, app: WorldApp, handle: number, mostMs = 60_000): unknown {
  world.until(() => app.outcome(handle) !== undefined, mostMs);
  return app.outcome(handle);
}

function group(world: World, labels: readonly string[], settings: object = {}) {
  const alice = world.app("agntcy/ns/alice");
  const { session } = alice.create({ reliability, mls: withMls, ...settings }, "agntcy/ns/chat");
  const guests = labels.map((label) => world.app(`agntcy/ns/${label}`));
  for (const { name } of guests) {
    expect(finish(world, alice, alice.invite(session, name))).toEqual({});
  }
  return { alice, guests, session };
}

type Valued = Exclude<CommandPayload, { readonly kind: "unset" }>;
type ValueOf<Kind extends Valued["kind"]> = (Valued & { readonly kind: Kind })["value"];

const sent = (app: WorldApp, type: number): Publish[] =>
  app.effects.flatMap((effect) =>
    effect.kind === "send" && effect.publish.session?.sessionMessageType === type
      ? [effect.publish]
      : [],
  );

function valueOf<Kind extends Valued["kind"]>(publish: Publish | undefined, kind: Kind) {
  const { msg } = publish ?? {};
  if (msg?.kind !== "commandPayload" || msg.value.kind !== kind) throw new Error(`no ${kind}`);
  return (msg.value as Valued).value as ValueOf<Kind>;
}

const head = (bytes: Uint8Array): string => [...bytes.subarray(0, 4)].join();

test("SML-01..07: what a key package, a commit, a welcome and a message are made of", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob", "carol"]);
  const [, carol] = guests as [WorldApp, WorldApp];
  const bytes = valueOf(sent(carol, types.joinReply)[0], "joinReply").keyPackage!;
  const message = decodeMlsMessage(bytes);
  if (message.kind !== "key-package") throw new Error("no key package");
  const { keyPackage } = message;
  const { leafNode } = keyPackage;
  expect(keyPackage.cipherSuite).toBe(2);
  for (const key of [keyPackage.initKey, leafNode.encryptionKey, leafNode.signatureKey]) {
    expect([key.length, key[0]]).toEqual([65, 4]);
  }
  expect(leafNode.signatureKey).toEqual(carol.parts.identity.keys.publicKey);
  expect(leafNode.capabilities).toEqual({
    versions: [1],
    cipherSuites: [2],
    extensions: [],
    proposals: [],
    credentials: [1],
  });
  if (leafNode.credential.kind !== "basic") throw new Error("no basic credential");
  const token = carol.parts.verifier.verify(fromUtf8(leafNode.credential.identity));
  expect(token.tokenId).toBe(carol.tokenId);
  if (leafNode.source.kind !== "key-package") throw new Error("no lifetime");
  const { notBefore, notAfter } = leafNode.source.lifetime;
  expect(notAfter - notBefore).toBe(31_536_000n);
  const now = world.clock.nowNs() / 1_000_000_000n;
  expect(now - notBefore).toBeGreaterThanOrEqual(60n);
  finish(world, alice, alice.publish(session, "hello"));
  const update = valueOf(sent(alice, types.groupUpdate)[0], "groupUpdate");
  const welcome = valueOf(sent(alice, types.groupWelcome)[1], "groupWelcome");
  const data = sent(alice, types.msg)[0]?.msg;
  if (data?.kind !== "appPayload") throw new Error("no message");
  expect(
    [bytes, update.mls!.mlsContent, data.value.blob, welcome.mls!.mlsContent].map(head),
  ).toEqual(["0,1,0,5", "0,1,0,1", "0,1,0,2", "0,1,0,3"]);
  expect(peekMessage(data.value.blob).groupId?.length).toBe(32);
  expect(alice.core.session(session)?.epoch).toBe(2n);
});

test("SML-08, SML-09: additions have no path unless it is asked for, removals have one, and proposals go by value", () => {
  for (const pathOnAdd of [false, true]) {
    const world = createWorld();
    const { alice, guests, session } = group(world, ["bob", "carol"], { pathOnAdd });
    finish(world, alice, alice.remove(session, (guests[1] as WorldApp).name));
    const [add, remove] = sent(alice, types.groupUpdate).map((publish) => {
      const message = decodeMlsMessage(valueOf(publish, "groupUpdate").mls!.mlsContent);
      if (message.kind !== "public") throw new Error("no public message");
      const { content } = message.message.content;
      if (content.kind !== "commit") throw new Error("no commit");
      return content.commit;
    });
    expect([add?.path !== undefined, remove?.path !== undefined]).toEqual([pathOnAdd, true]);
    for (const made of [add, remove]) {
      expect(made?.proposals.every((one) => one.kind !== "reference")).toBe(true);
    }
  }
});

test("SML-10, SML-11: the header that a message travels under is authenticated, and another one is refused without an acknowledgement", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob"], {
    mls: { headerIntegrityPercent: 0 },
  });
  const [bob] = guests as [WorldApp];
  const stop = world.meddle((passing) =>
    passing.type === types.msg
      ? {
          publish: {
            ...passing.publish,
            session: { ...passing.publish.session!, messageId: 7 },
          },
        }
      : undefined,
  );
  alice.publish(session, "spoilt");
  world.run(100);
  expect(bob.refused).toEqual(["header-integrity"]);
  expect([bob.texts(session), sent(bob, types.msgAck)]).toEqual([[], []]);
  stop();
  world.run(2_000);
  expect(bob.texts(session)).toEqual(["spoilt"]);
  const [message] = sent(alice, types.msg);
  if (message?.msg?.kind !== "appPayload") throw new Error("no message");
  const sealed = decodeMlsMessage(message.msg.value.blob);
  if (sealed.kind !== "private") throw new Error("not private");
  expect(sealed.message.authenticatedData).toEqual(
    headerIntegrityAad(message.header!, message.session!, "msg"),
  );
});

test("SML-12: type and metadata stay in clear by default, the payload does not", () => {
  const world = createWorld();
  const { alice, session } = group(world, ["bob"]);
  alice.do((handle) => ({
    kind: "publish",
    handle,
    session,
    payloadType: "text/plain",
    payload: new TextEncoder().encode("secret words"),
    metadata: new Map([["k", "v"]]),
  }));
  const effect = alice.effects.findLast(({ kind }) => kind === "send");
  if (effect?.kind !== "send" || effect.publish.msg?.kind !== "appPayload") throw new Error("none");
  expect(effect.metadata.get("k")).toBe("v");
  expect(effect.publish.msg.value.payloadType).toBe("text/plain");
  expect(Buffer.from(effect.publish.msg.value.blob).includes("secret")).toBe(false);
});

test("SML-13, SML-40: a message that is three epochs late, or hundreds of messages late, can be opened", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob", "carol"]);
  const [bob, carol] = guests as [WorldApp, WorldApp];
  let late: Publish | undefined;
  const stop = world.meddle(({ type, publish, to }) => {
    if (type !== types.msg || to !== bob.label) return undefined;
    late ??= publish;
    return "drop";
  });
  for (let count = 0; count < 300; count += 1) alice.publish(session, `n ${count}`);
  world.run(50);
  finish(world, alice, alice.remove(session, carol.name));
  finish(world, alice, alice.invite(session, carol.name));
  finish(world, alice, alice.remove(session, carol.name));
  stop();
  world.inject(bob, late!);
  expect(bob.texts(session)).toEqual(["n 0"]);
  expect(bob.refused).toEqual([]);
});

test("SML-20: what a newcomer offers is for this suite, fresh, its own and not there already", () => {
  const world = createWorld({ trusting: true });
  const { alice, guests, session } = group(world, ["bob", "carol"]);
  const [bob, carol] = guests as [WorldApp, WorldApp];
  const keyPackageOf = (app: WorldApp): Uint8Array =>
    valueOf(sent(app, types.joinReply)[0], "joinReply").keyPackage!;
  const rejoin = (by: WorldApp, keyPackage: Uint8Array): string[] => {
    const from = alice.refused.length;
    const payload: CommandPayload = {
      kind: "rejoinRequest",
      value: { participant: encodeSlimName(by.name), keyPackage },
    };
    const before = alice.core.session(session)?.epoch;
    world.inject(alice, forge(by, { session, type: types.rejoinRequest, payload, to: alice.name }));
    expect(alice.core.session(session)?.epoch).toBe(before);
    return alice.refused.slice(from);
  };
  rejoin(bob, keyPackageOf(carol));
  rejoin(bob, new Uint8Array(0));
  const suite = keyPackageOf(bob).slice();
  suite[7] = 1;
  rejoin(bob, suite);
  world.run(61 * minutes);
  rejoin(bob, keyPackageOf(bob));
  finish(world, alice, alice.publish(session, "all is well"));
  expect(bob.texts(session)).toEqual(["all is well"]);
});

test("SML-21: a moderator's leaf is renewed before its token is 45 minutes old, a participant's about then", () => {
  const world = createWorld({ trusting: true });
  const { alice, guests, session } = group(world, ["bob"]);
  const [bob] = guests as [WorldApp];
  world.run(39 * minutes);
  expect(sent(alice, types.groupUpdate)).toEqual([]);
  world.run(12 * minutes);
  const renewals = sent(alice, types.groupUpdate).map((one) => valueOf(one, "groupUpdate"));
  expect(renewals.map(({ participant }) => participant?.name)).toContainEqual(
    encodeSlimName(alice.name),
  );
  expect(sent(bob, types.rejoinRequest).length).toBe(1);
  expect(bob.core.session(session)?.epoch).toBe(alice.core.session(session)?.epoch);
});

test("SML-22: who cannot renew its leaf is named to whoever invites, or invited anew", () => {
  for (const reinviteExpired of [false, true]) {
    const world = createWorld({ trusting: true });
    // its messages do not say that it is one of ours, and it asks for no new place
    world.meddle((passing) => {
      if (!passing.from.endsWith("/old")) return undefined;
      if (passing.type === types.rejoinRequest) return "drop";
      return undefined;
    });
    const { alice, guests, session } = group(world, [], { reinviteExpired });
    expect(guests).toEqual([]);
    const old = world.app("agntcy/ns/old");
    pretendNative(old);
    expect(finish(world, alice, alice.invite(session, old.name))).toEqual({});
    world.run(70 * minutes);
    const newcomer = world.app("agntcy/ns/new");
    const outcome = finish(world, alice, alice.invite(session, newcomer.name));
    expect(outcome).toEqual(reinviteExpired ? {} : { expired: [old.name] });
    expect(old.joined.length).toBe(reinviteExpired ? 2 : 1);
    const deaf = world.app("agntcy/ns/deaf");
    world.run(reinviteExpired ? 70 * minutes : 0);
    world.meddle(({ type, to }) =>
      type === types.groupWelcome && to === deaf.label ? "drop" : undefined,
    );
    if (!reinviteExpired) {
      expect(finish(world, alice, alice.invite(session, deaf.name))).toBe(
        "session/credential-expired",
      );
    }
  }
});

/** Signs under a version that is not marked as ours. */
function pretendNative(app: WorldApp): void {
  const { step } = app.core;
  Object.assign(app.core, {
    step: (...given: Parameters<typeof step>) => {
      const effects = step(...given);
      for (const effect of effects) {
        if (effect.kind === "send") Object.assign(effect.publish.header!, { version: "2.2.0" });
      }
      return effects;
    },
  });
}

test.each([
  ["a native", true],
  ["ours", false],
] as const)("SHB-15: %s moderator hears from us that we have our place again", (_, isNative) => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob", "carol"]);
  const [bob] = guests as [WorldApp];
  if (isNative) pretendNative(alice);
  const said: Publish[] = [];
  world.meddle(({ type, from, publish }) => {
    if (from === bob.label && type === types.groupAck) said.push(publish);
    if (from === alice.label && type === types.rejoinReply) said.length = 0;
    return undefined;
  });
  bob.softClose(session);
  world.run(1_000);
  const dan = world.app("agntcy/ns/dan");
  expect(finish(world, alice, alice.invite(session, dan.name))).toEqual({});
  expect(finish(world, bob, bob.rejoin(session))).toEqual({});
  const [ack, update] = said.map(({ header }) => header?.source);
  // a native takes no second command of one number from one name, and a name without its text is another one to it
  expect(ack?.strName).toEqual(isNative ? undefined : update?.strName);
  expect(ack?.name).toEqual(update?.name);
  expect(update?.strName).toBeDefined();
});

test("SML-30, SML-31: a commit that comes early waits for the one before it, is acknowledged meanwhile, and both are applied", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob", "carol"]);
  const [bob] = guests as [WorldApp];
  const kept: Publish[] = [];
  const stop = world.meddle(({ type, to, publish }) => {
    if (type !== types.groupUpdate || to !== bob.label) return undefined;
    kept.push(publish);
    return "drop";
  });
  const dan = world.app("agntcy/ns/dan");
  const eve = world.app("agntcy/ns/eve");
  alice.invite(session, dan.name);
  world.until(() => kept.length === 4);
  world.run(1_100);
  const second = alice.invite(session, eve.name);
  world.until(() => kept.at(-1)?.session?.messageId !== kept[0]?.session?.messageId);
  stop();
  const acks = sent(bob, types.groupAck).length;
  world.inject(bob, kept.at(-1)!);
  expect(bob.core.session(session)?.epoch).toBe(2n);
  world.inject(bob, kept[0]!);
  expect(bob.core.session(session)?.epoch).toBe(4n);
  expect(sent(bob, types.groupAck).length).toBe(acks + 2);
  expect(finish(world, alice, second)).toEqual({});
  expect(Object.keys(bob.members(session)).length).toBe(5);
});

test("SML-31, SML-33: an early commit is acknowledged after two seconds, and a gap that stands for five asks for a new place", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob", "carol"]);
  const [bob] = guests as [WorldApp];
  let first: number | undefined;
  world.meddle(({ type, to, publish }) => {
    if (type !== types.groupUpdate || to !== bob.label) return undefined;
    first ??= publish.session?.messageId;
    return publish.session?.messageId === first ? "drop" : undefined;
  });
  const dan = world.app("agntcy/ns/dan");
  expect(finish(world, alice, alice.invite(session, dan.name))).toEqual({});
  const acks = sent(bob, types.groupAck).length;
  alice.remove(session, dan.name);
  world.run(1_500);
  expect(sent(bob, types.groupAck).length).toBe(acks);
  world.run(1_000);
  expect(sent(bob, types.groupAck).length).toBe(acks + 1);
  expect(sent(bob, types.rejoinRequest)).toEqual([]);
  world.run(5_000);
  expect(sent(bob, types.rejoinRequest).length).toBeGreaterThan(0);
  expect(bob.core.session(session)?.epoch).toBe(alice.core.session(session)?.epoch);
});

test("SML-32: an update of an MLS session without its commit is refused and not acknowledged", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob", "carol"]);
  const [bob, carol] = guests as [WorldApp, WorldApp];
  const acks = sent(bob, types.groupAck).length;
  const payload: CommandPayload = {
    kind: "groupUpdate",
    value: {
      op: 1,
      participant: { name: encodeSlimName(carol.name), status: 0 },
      participants: [],
    },
  };
  world.inject(bob, forge(alice, { session, type: types.groupUpdate, payload, to: bob.name }));
  expect(bob.refused).toEqual(["no-mls"]);
  expect(sent(bob, types.groupAck).length).toBe(acks);
  expect(Object.keys(bob.members(session)).length).toBe(3);
});

test("SML-34: a heartbeat or a message of the new epoch stands for an acknowledgement that was lost", () => {
  const world = createWorld();
  const { alice, guests, session } = group(world, ["bob", "carol"]);
  const [bob] = guests as [WorldApp];
  world.meddle(({ type, from, to }) =>
    type === types.groupAck && from === bob.label && to === alice.label ? "drop" : undefined,
  );
  const dan = world.app("agntcy/ns/dan");
  const handle = alice.invite(session, dan.name);
  world.run(200);
  expect(alice.outcome(handle)).toBeUndefined();
  bob.publish(session, "I am here");
  world.run(100);
  expect(alice.outcome(handle)).toEqual({});
  expect(alice.members(session)).toMatchObject({ "agntcy/ns/bob": true });
});
