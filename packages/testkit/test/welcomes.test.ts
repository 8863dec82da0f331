import { expect, test } from "vitest";
import { concat, equal, fromHex, toUtf8 } from "@coterie/base";
import { setupSender, xWingHpkeSuite } from "@coterie/crypto";
import { decodeKeyPackage } from "@coterie/mls";
import type { Extension, KeyPackage, Proposal } from "@coterie/mls";
import {
  GroupMembership,
  QueryWelcomeMessagesRequest,
  WelcomeMetadata,
  WelcomeWrapperEncryption,
  paths,
} from "@coterie/wire";
import {
  createWorld,
  crew,
  follow,
  groupOf,
  standings,
  textsOf,
  unsafeForgerOf,
} from "@coterie/testkit";
import type { Actor, Forger, World } from "@coterie/testkit";

async function keyPackageOf(world: World, actor: Actor): Promise<KeyPackage> {
  const [bytes] = await world.log.keyPackages([actor.client.installationIdBytes]);
  return decodeKeyPackage(bytes as Uint8Array);
}

function vl(data: Uint8Array): Uint8Array {
  const { length } = data;
  return length < 64
    ? concat(Uint8Array.of(length), data)
    : length < 16_384
      ? concat(Uint8Array.of(0x40 | (length >> 8), length & 255), data)
      : concat(Uint8Array.of(0x80, length >> 16, (length >> 8) & 255, length & 255), data);
}

/** Sends a welcome of any content to one installation, wrapped as it should be. */
async function deliver(
  world: World,
  to: Actor,
  welcome: Uint8Array,
  cursor: bigint,
): Promise<void> {
  const { extensions } = await keyPackageOf(world, to);
  const wrapper = extensions.find(({ type }) => type === 0xff03) as Extension;
  const { pubKey } = WelcomeWrapperEncryption.decode(wrapper.data);
  const none = new Uint8Array(0);
  const info = concat(vl(toUtf8("MLS 1.0 MLS_WELCOME")), vl(none));
  const sender = setupSender({
    crypto: world.crypto,
    suite: xWingHpkeSuite,
    publicKey: pubKey,
    info,
  });
  await world.log.appendWelcomes([
    {
      kind: "v1",
      installationKey: to.client.installationIdBytes,
      data: concat(vl(sender.enc), vl(sender.seal(none, welcome))),
      hpkePublicKey: pubKey,
      wrapperAlgorithm: 2,
      welcomeMetadata: sender.seal(none, WelcomeMetadata.encode({ messageCursor: cursor })),
    },
  ]);
}

function membershipWith(
  forger: Forger,
  change: (members: Map<string, bigint>) => void,
  failed: readonly string[] = [],
): Proposal {
  const extensions = forger.group.context.extensions.map((extension): Extension => {
    if (extension.type !== 0xff01) return extension;
    const value = GroupMembership.decode(extension.data);
    const members = new Map(value.members);
    change(members);
    const data = GroupMembership.encode({ members, failedInstallations: failed.map(fromHex) });
    return { type: 0xff01, data };
  });
  return { kind: "group-context-extensions", extensions };
}

async function newestId(world: World, actor: Actor): Promise<bigint> {
  const log = await world.log.identityUpdates(actor.client.inboxId, 0n);
  return (log.at(-1) as { sequenceId: bigint }).sequenceId;
}

const forgeries: [
  what: string,
  build: (scene: {
    world: World;
    forger: Forger;
    victim: Actor;
    ada: Actor;
    phone: Actor;
  }) => Promise<Proposal[]>,
][] = [
  [
    "the inbox of a leaf is not listed",
    async ({ world, victim }) => [{ kind: "add", keyPackage: await keyPackageOf(world, victim) }],
  ],
  [
    "an installation of a listed inbox is left out",
    async ({ world, forger, victim, phone }) => {
      const [mine, hers] = [await newestId(world, victim), await newestId(world, phone)];
      return [
        { kind: "add", keyPackage: await keyPackageOf(world, victim) },
        { kind: "add", keyPackage: await keyPackageOf(world, phone) },
        membershipWith(forger, (members) => {
          members.set(victim.client.inboxId, mine);
          members.set(phone.client.inboxId, hers);
        }),
      ];
    },
  ],
  [
    "an inbox is listed at a place that its log does not have",
    async ({ world, forger, victim, ada }) => {
      const mine = await newestId(world, victim);
      return [
        { kind: "add", keyPackage: await keyPackageOf(world, victim) },
        membershipWith(forger, (members) => {
          members.set(victim.client.inboxId, mine);
          members.set(ada.client.inboxId, 999_999n);
        }),
      ];
    },
  ],
  [
    "an inbox is listed at an older place, before its installation was there",
    async ({ world, forger, victim, phone }) => {
      const mine = await newestId(world, victim);
      const [first] = await world.log.identityUpdates(phone.client.inboxId, 0n);
      return [
        { kind: "add", keyPackage: await keyPackageOf(world, victim) },
        { kind: "add", keyPackage: await keyPackageOf(world, phone) },
        membershipWith(forger, (members) => {
          members.set(victim.client.inboxId, mine);
          members.set(phone.client.inboxId, (first as { sequenceId: bigint }).sequenceId);
        }),
      ];
    },
  ],
];

test.each(forgeries)(
  "XWL-13: a welcome is refused where %s; the next one is read",
  async (_, build) => {
    const world = createWorld();
    const { actors, group } = await crew(world, ["ada", "bo"]);
    const [ada, bo] = actors as [Actor, Actor];
    const victim = await world.join("victim");
    await world.join("cy");
    const phone = await world.join("cy's phone", { wallet: "cy" });
    const forger = await unsafeForgerOf(world, bo.store, group.id);
    const { welcome } = await forger.commit(await build({ world, forger, victim, ada, phone }));
    await deliver(world, victim, welcome as Uint8Array, 1n);
    await victim.client.conversations.sync();
    expect(await victim.client.conversations.list()).toEqual([]);
    // One that names what may still come waits for three days.
    const told = victim.events.filter(({ kind }) => kind === "refused" || kind === "waiting");
    expect(told).toMatchObject([{ what: "welcome" }]);

    const honest = await ada.client.conversations.createGroup([victim.client.inboxId]);
    await honest.sendText("a real one");
    expect(await textsOf(await follow(victim, honest.id))).toEqual(["a real one"]);
    await world.close();
  },
);

test("XHS-01: a sync group that somebody else leads us into is refused, and nothing is told to it", async () => {
  const world = createWorld();
  const bo = await world.join("bo");
  await world.join("bo's phone", { wallet: "bo" });
  await bo.client.preferences.allowInboxIds(["ab".repeat(32)]);
  await bo.client.preferences.sync();
  const his = bo.events.find(({ kind }) => kind === "device-sync") as { groupId: string };
  const victim = await world.join("victim");
  const laptop = await world.join("laptop", { wallet: "victim" });
  await victim.client.conversations.hmacKeys();
  const forger = await unsafeForgerOf(world, bo.store, his.groupId);
  const mine = await newestId(world, victim);
  const { welcome } = await forger.commit([
    { kind: "add", keyPackage: await keyPackageOf(world, victim) },
    { kind: "add", keyPackage: await keyPackageOf(world, laptop) },
    membershipWith(forger, (members) => members.set(victim.client.inboxId, mine)),
  ]);
  for (const actor of [victim, laptop]) await deliver(world, actor, welcome as Uint8Array, 1n);
  await victim.client.preferences.denyInboxIds([bo.client.inboxId]);
  for (const { client } of [victim, laptop, victim]) await client.preferences.sync();
  for (const { events, client } of [victim, laptop]) {
    expect(events).toContainEqual(
      expect.objectContaining({ kind: "refused", what: "welcome", rule: "XHS-01" }),
    );
    expect(client.preferences.isInboxIdDenied(bo.client.inboxId)).toBe(true);
  }
  // Its own log holds what its members said, and nothing of the victim's.
  const before = (
    await world.log.groupMessages({
      topic: fromHex(his.groupId),
      direction: "ascending",
      limit: 100,
    })
  ).entries.length;
  await victim.client.preferences.allowInboxIds([bo.client.inboxId]);
  await victim.client.preferences.sync();
  const after = await world.log.groupMessages({
    topic: fromHex(his.groupId),
    direction: "ascending",
    limit: 100,
  });
  expect(after.entries.length).toBe(before);
  await world.close();
});

test("XWL-06, XWL-07: noise among the welcomes stops nobody", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const welcome = {
    kind: "v1" as const,
    installationKey: bo.client.installationIdBytes,
    welcomeMetadata: new Uint8Array(0),
    wrapperAlgorithm: 2,
  };
  await world.log.appendWelcomes([
    { ...welcome, data: new Uint8Array([1]), hpkePublicKey: new Uint8Array(32) },
    {
      ...welcome,
      data: new Uint8Array([2]),
      hpkePublicKey: new Uint8Array(0),
      wrapperAlgorithm: 99,
    },
    { ...welcome, kind: "pointer", data: new Uint8Array(2_000), hpkePublicKey: new Uint8Array(1) },
  ]);
  await deliver(world, bo, new Uint8Array([0, 1, 0, 3, 0, 3]), 0n);
  await deliver(world, bo, new Uint8Array(0), 0n);
  const group = await ada.client.conversations.createGroup([bo.client.inboxId]);
  await follow(bo, group.id);
  expect(bo.events.filter(({ kind }) => kind === "refused").length).toBe(5);
  expect((await standings([ada, bo], group.id)).size).toBe(1);
  await world.close();
});

test("XWL-12, XWL-14: welcomes that come again change nothing", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  ada.fault = (path) =>
    path === paths.mls.sendWelcomeMessages ? { kind: "lose-answer" } : undefined;
  const cy = await world.join("cy");
  await group.addMembers([cy.client.inboxId]).catch(() => undefined);
  const his = await follow(cy, group.id);
  await his.sendText("joined once");
  const { epoch } = await his.debugInfo();
  ada.fault = undefined;
  await group.sync();
  await follow(cy, group.id);
  expect((await his.debugInfo()).epoch).toBe(epoch);
  expect(await textsOf(his)).toEqual(["joined once"]);
  expect((await standings([ada, bo, cy], group.id)).size).toBe(1);
  await world.close();
});

test("XWL-11, F23: a pointer whose welcome comes late is tried again later", async () => {
  const world = createWorld({ workers: true, selfMovingMs: 4_500 });
  const ada = await world.join("ada");
  const others: Actor[] = [];
  for (const name of ["bo", "cy", "di", "ed"]) others.push(await world.join(name));
  const group = await ada.client.conversations.createGroup(
    others.map(({ client }) => client.inboxId),
  );
  const [bo] = others as [Actor];
  // The shared welcome lies under a key of its own: whoever asks for it finds nothing.
  bo.tamper = (path, _, request) => {
    if (path !== paths.mls.queryWelcomeMessages) return undefined;
    const { installationKey } = QueryWelcomeMessagesRequest.decode(request);
    return equal(installationKey, bo.client.installationIdBytes) ? undefined : new Uint8Array(0);
  };
  await bo.client.conversations.sync();
  expect(await bo.client.conversations.getConversationById(group.id)).toBeUndefined();
  expect(bo.events.filter(({ kind }) => kind === "refused")).toEqual([]);
  // It survives a restart.
  await bo.restart();
  await world.clock.advance(6_000);
  expect(await bo.client.conversations.getConversationById(group.id)).toBeUndefined();
  bo.tamper = undefined;
  world.clock.jump(5 * 60_000);
  await world.clock.advance(6_000);
  expect((await groupOf(bo, group.id)).isActive).toBe(true);
  expect((await standings([ada, bo], group.id)).size).toBe(1);
  await world.close();
});

test("XKP-07, XKP-09, XKP-10, XWL-23, F25: key packages change 5 s after a welcome; welcomes for the old one open for a day", async () => {
  const world = createWorld({ workers: true });
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const key = bo.client.installationIdBytes;
  const first = (await world.log.keyPackages([key]))[0] as Uint8Array;
  const group = await ada.client.conversations.createGroup([bo.client.inboxId]);
  await follow(bo, group.id);
  await world.clock.advance(12_000);
  const second = (await world.log.keyPackages([key]))[0] as Uint8Array;
  expect(Buffer.compare(first, second)).not.toBe(0);
  // Somebody still holds the first one.
  await world.log.putKeyPackage(key, first);
  const late = await ada.client.conversations.createGroup([bo.client.inboxId]);
  await follow(bo, late.id);
  world.clock.jump(25 * 3_600_000);
  await world.clock.advance(6_000);
  await world.log.putKeyPackage(key, first);
  const tooLate = await ada.client.conversations.createGroup([bo.client.inboxId]);
  await bo.client.conversations.sync();
  expect(await bo.client.conversations.getConversationById(tooLate.id)).toBeUndefined();
  await world.close();
});
