import { expect, test } from "vitest";
import { paths } from "@coterie/wire";
import type { GroupUpdated } from "@coterie/client";
import { createWorld, crew, follow, groupLog, groupOf, standings, textsOf } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

test("XWL-15, XWL-18, XWL-19, XWL-20: who added us, how far we are a member, where we read on, and the line that says so", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const cy = await world.join("cy");
  await group.sendText("before her time");
  const his = await groupOf(bo, group.id);
  await his.addMembers([cy.client.inboxId]);
  const added = (await groupLog(world, group.id)).at(-1);
  await cy.client.conversations.sync();
  const hers = await groupOf(cy, group.id);
  expect(hers.addedByInboxId).toBe(bo.client.inboxId);
  expect((await hers.metadata()).creatorInboxId).toBe((actors[0] as Actor).client.inboxId);
  expect([hers.membershipState(), await hers.consentState(), hers.isActive]).toEqual([2, 0, true]);
  const { cursor, epoch } = await hers.debugInfo();
  expect(cursor[0]).toEqual({ originatorId: 0, sequenceId: added?.id });
  expect(epoch).toBe((added?.header.epoch ?? 0n) + 1n);
  const [line] = await hers.messages();
  expect(line).toMatchObject({ kind: 1, senderInboxId: bo.client.inboxId, sequenceId: added?.id });
  const update = line?.content as GroupUpdated;
  expect(update.initiatedByInboxId).toBe(bo.client.inboxId);
  expect(update.addedInboxes).toEqual([{ inboxId: cy.client.inboxId }]);
  await world.close();
});

test("XWL-22: a welcome that meets a failing store or node is read again; one that is bad is passed over", async () => {
  for (let at = 0; at < 6; at++) {
    const world = createWorld({ seed: at });
    const ada = await world.join("ada");
    const bo = await world.join("bo");
    const group = await ada.client.conversations.createGroup([bo.client.inboxId]);
    let writes = 0;
    bo.failWrites = () => writes++ === at;
    await bo.client.conversations.sync().catch(() => undefined);
    bo.failWrites = undefined;
    bo.fault = (path) => (path === paths.mls.queryWelcomeMessages ? { kind: "drop" } : undefined);
    await bo.client.conversations.sync().catch(() => undefined);
    await bo.restart();
    const his = await follow(bo, group.id);
    await his.sendText("here");
    expect(await textsOf(await follow(ada, group.id))).toEqual(["here"]);
    expect((await standings([ada, bo], group.id)).size).toBe(1);
    await world.close();
  }
});

test("XWL-23: whoever joined has fresh keys in the group before the first word", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const his = await groupOf(actors[1] as Actor, group.id);
  await his.sendText("first");
  await his.sendText("second");
  const kinds = (await groupLog(world, group.id)).map(({ header }) => header.contentType);
  expect(kinds).toEqual(["commit", "commit", "application", "application"]);
  await world.close();
});

test("XKP-08, F25: one key package serves many welcomes until it is changed", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const cy = await world.join("cy");
  const ids: string[] = [];
  for (const actor of [ada, cy, ada]) {
    ids.push((await actor.client.conversations.createGroup([bo.client.inboxId])).id);
  }
  await bo.client.conversations.sync();
  for (const id of ids) expect((await groupOf(bo, id)).isActive).toBe(true);
  await bo.client.rotateKeyPackage();
  const late = await ada.client.conversations.createGroup([bo.client.inboxId]);
  expect((await follow(bo, late.id)).isActive).toBe(true);
  await world.close();
});

test("XCV-23: a DM says once that somebody was added, whoever's commit says it again", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const dm = await ada.client.conversations.createDm(bo.client.inboxId);
  await bo.client.conversations.sync();
  const lines = async (): Promise<number> => (await dm.messages({ kind: 1 })).length;
  expect(await lines()).toBe(1);
  await dm.sync();
  expect(await lines()).toBe(1);
  await world.close();
});

test("more installations than inboxes: all of a person's devices read, and a revoked one is out", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const phone = await world.join("bo's phone", { wallet: "bo" });
  const tablet = await world.join("ada's tablet", { wallet: "ada" });
  await group.updateInstallations();
  for (const device of [phone, tablet]) await follow(device, group.id);
  const devices = [ada, bo, phone, tablet];
  for (const device of devices) {
    await (await groupOf(device, group.id)).sendText(`from ${device.name}`);
  }
  for (const device of devices) {
    expect((await textsOf(await follow(device, group.id))).toSorted()).toEqual(
      devices.map(({ name }) => `from ${name}`).toSorted(),
    );
  }
  expect((await group.members()).length).toBe(2);
  // Changes from two devices of one person at once.
  const hers = await groupOf(tablet, group.id);
  await Promise.all([group.updateName("by ada"), hers.updateDescription("by her tablet")]);
  expect((await standings(devices, group.id)).size).toBe(1);
  await bo.client.revokeInstallations([phone.client.installationIdBytes]);
  await group.updateInstallations();
  expect((await follow(phone, group.id)).isActive).toBe(false);
  expect((await standings([ada, bo, tablet], group.id)).size).toBe(1);
  await world.close();
});
