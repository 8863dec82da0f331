import { expect, test } from "vitest";
import { Client, ConsentState, deleteMessageCodec } from "@coterie/client";
import { createMemoryStore } from "@coterie/storage";
import { createMemoryTransport } from "@coterie/transport";
import { createWorld, crew, follow, standings, testWallet } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

test("XID-40, XID-41: registered people can be found and written to, others cannot", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const stranger = await testWallet(world.crypto, "stranger", 1).getIdentifier();
  const known = ada.client.accountIdentifier;
  const can = await ada.client.canMessage([known, stranger]);
  expect([...can]).toEqual([
    [known.identifier, true],
    [stranger.identifier, false],
  ]);
  expect(await ada.client.fetchInboxIdByIdentifier(known)).toBe(ada.client.inboxId);
  expect(await ada.client.fetchInboxIdByIdentifier(stranger)).toBeNull();
  await expect(
    ada.client.conversations.createGroupWithIdentifiers([stranger]),
  ).rejects.toMatchObject({ code: "client/address-not-found" });
  await world.close();
});

test("XID-41: without registering nothing is uploaded; register goes on from there", async () => {
  const world = createWorld();
  const store = createMemoryStore();
  const ada = await world.join("ada", { store, disableAutoRegister: true });
  expect(ada.client.isRegistered).toBe(false);
  expect(await world.log.identityUpdates(ada.client.inboxId, 0n)).toEqual([]);
  await ada.client.register();
  expect(ada.client.isRegistered).toBe(true);
  await ada.client.register();
  expect((await world.log.identityUpdates(ada.client.inboxId, 0n)).length).toBe(1);
  await world.close();
});

test("XID-41, XKP-09: workers upload nothing for an installation that is not registered, and begin when it is", async () => {
  const world = createWorld({ workers: true });
  const store = createMemoryStore();
  const ada = await world.join("ada", { store, disableAutoRegister: true });
  const key = ada.client.installationIdBytes;
  await world.clock.advance(12_000);
  expect(await world.log.keyPackages([key])).toEqual([undefined]);
  await ada.client.register();
  const [first] = await world.log.keyPackages([key]);
  expect(first).toBeDefined();
  world.clock.jump(31 * 86_400_000);
  await world.clock.advance(6_000);
  expect(await world.log.keyPackages([key])).not.toEqual([first]);
  await world.close();
});

test("XID-40: a store belongs to one inbox", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  await expect(world.join("bo", { store: ada.store })).rejects.toMatchObject({
    code: "client/inbox-mismatch",
  });
  await world.close();
});

test("XID-33: an eleventh installation is not registered", async () => {
  const world = createWorld();
  for (let i = 0; i < 10; i++) await world.join(`device ${i}`, { wallet: "ada" });
  await expect(world.join("device 10", { wallet: "ada" })).rejects.toMatchObject({
    code: "identity/too-many-installations",
  });
  await world.close();
});

test("Client.build opens a registered store without a signer, and has nobody to ask otherwise", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const identifier = ada.client.accountIdentifier;
  await ada.client.close();
  const options = { crypto: world.crypto, workers: false };
  const again = await Client.build(identifier, {
    ...options,
    store: ada.store,
    transport: createMemoryTransport(world.node.routes),
  });
  expect(again.isRegistered).toBe(true);
  expect(again.installationId).toBe(ada.client.installationId);
  const fresh = await Client.build(identifier, {
    ...options,
    store: createMemoryStore(),
    transport: createMemoryTransport(world.node.routes),
  });
  await expect(fresh.register()).rejects.toMatchObject({ code: "client/signer-unavailable" });
  await world.close();
});

test("XID-42, XID-43: wallets are linked and unlinked, installations revoked; groups follow", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const second = testWallet(world.crypto, "bo's second wallet", 1);
  await bo.client.unsafe_addAccount(second);
  const identifier = await second.getIdentifier();
  expect(await ada.client.fetchInboxIdByIdentifier(identifier)).toBe(bo.client.inboxId);
  await expect(ada.client.unsafe_addAccount(second)).rejects.toMatchObject({
    code: "identity/inbox-reassign",
  });
  const phone = await world.join("bo's phone", { wallet: "bo" });
  await world.clock.advance(6_000);
  await group.sendText("to the phone too");
  await follow(phone, group.id);
  await bo.client.revokeInstallations([phone.client.installationIdBytes]);
  await bo.client.removeAccount(identifier);
  const state = await bo.client.preferences.fetchInboxState();
  expect(state.installations.map(({ id }) => id)).toEqual([bo.client.installationId]);
  expect(state.identifiers.length).toBe(1);
  await world.clock.advance(6_000);
  await group.sendText("without the phone");
  expect((await standings([ada, bo], group.id)).size).toBe(1);
  const his = (await group.members()).find(({ inboxId }) => inboxId === bo.client.inboxId);
  expect(his?.installationIds).toEqual([bo.client.installationId]);
  expect((await follow(phone, group.id)).isActive).toBe(false);
  await world.close();
});

test("XCO-02: making and writing allow a conversation, being added leaves it unknown", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const his = await follow(actors[1] as Actor, group.id);
  expect(await group.consentState()).toBe(ConsentState.Allowed);
  expect(await his.consentState()).toBe(ConsentState.Unknown);
  await his.sendText("fine");
  expect(await his.consentState()).toBe(ConsentState.Allowed);
  await his.updateConsentState(ConsentState.Denied);
  const { conversations } = (actors[1] as Actor).client;
  expect(await conversations.list({ consentStates: [ConsentState.Allowed] })).toEqual([]);
  expect((await conversations.syncAll()).numEligible).toBe(0);
  await world.close();
});

test("XKP-11: statuses of key packages say how long, or why not", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const none = "ab".repeat(32);
  const statuses = await ada.client.fetchKeyPackageStatuses([ada.client.installationId, none]);
  expect(statuses[ada.client.installationId]?.lifetime).toBeDefined();
  expect(statuses[none]?.validationError).toBeDefined();
  await world.close();
});

test("XDS-01, XDS-04, XCV-24: messages disappear everywhere, those of before stay", async () => {
  const world = createWorld({ workers: true });
  const { actors, group } = await crew(world, ["ada", "bo"]);
  await group.sendText("stays");
  await group.updateMessageDisappearingSettings(1n, 2_000_000_000n);
  await group.sendText("goes");
  const his = await follow(actors[1] as Actor, group.id);
  const textsOf = async (own: typeof his): Promise<unknown[]> =>
    (await own.messages({ kind: 0 })).map(({ content }) => content);
  expect(await textsOf(his)).toEqual(["stays", "goes"]);
  await world.clock.advance(5_000);
  expect(await textsOf(his)).toEqual(["stays"]);
  expect(await textsOf(group)).toEqual(["stays"]);
  await world.close();
});

test("XMS-09: the sender and super admins delete for all, others do not; the target may come later", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [, bo, cy] = actors as [Actor, Actor, Actor];
  const his = await follow(bo, group.id);
  const cys = await follow(cy, group.id);
  const mine = await his.sendText("by bo");
  const other = await his.sendText("also by bo");
  const third = await his.sendText("a third");
  await cys.sync();
  await expect(cys.deleteMessage(third)).rejects.toMatchObject({
    code: "client/insufficient-permissions",
    details: { rule: "XMS-09" },
  });
  // Said all the same, by a client that does not ask itself first.
  await cys.sendContent(deleteMessageCodec, { messageId: third });
  await his.deleteMessage(mine);
  // Before its target is known here.
  await group.sendContent(deleteMessageCodec, { messageId: other });
  for (const own of [group, his, cys]) {
    await own.sync();
    const contents = (await own.messages({ kind: 0 })).map(({ content }) => content);
    expect(contents).toEqual([
      { deletedBy: "Sender" },
      { deletedBy: "Admin", adminInboxId: (actors[0] as Actor).client.inboxId },
      "a third",
    ]);
  }
  await world.close();
});
