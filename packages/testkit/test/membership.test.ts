import { expect, test } from "vitest";
import type { Actor } from "@coterie/testkit";
import { createWorld, crew, follow, groupOf, standings, textsOf } from "@coterie/testkit";

test("XHS-11: who comes late cannot read what was said before", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  await group.sendText("before");
  const cy = await world.join("cy");
  await group.addMembers([cy.client.inboxId]);
  await group.sendText("after");
  expect(await textsOf(await follow(cy, group.id))).toEqual(["after"]);
  expect((await standings([...actors, cy], group.id)).size).toBe(1);
  await world.close();
});

test("XCV-25: who was removed cannot read what is said later, keeps what was, and cannot speak", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [ada, bo, cy] = actors as [Actor, Actor, Actor];
  await group.sendText("to all");
  await follow(cy, group.id);
  await group.removeMembers([cy.client.inboxId]);
  await group.sendText("to the rest");
  const his = await groupOf(cy, group.id);
  await his.sync();
  expect(his.isActive).toBe(false);
  expect(await textsOf(his)).toEqual(["to all"]);
  await expect(his.sendText("still here")).rejects.toMatchObject({ code: "client/group-inactive" });
  await expect(his.sync()).rejects.toMatchObject({ code: "client/group-inactive" });
  expect((await standings([ada, bo], group.id)).size).toBe(1);
  await world.close();
});

test("XWL-14: who was removed and added again reads on, without what was said in between", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const cy = actors[2] as Actor;
  await group.sendText("one");
  await follow(cy, group.id);
  await group.removeMembers([cy.client.inboxId]);
  await group.sendText("two");
  await group.addMembers([cy.client.inboxId]);
  await group.sendText("three");
  // Everything at once: removal, welcome and message.
  const his = await follow(cy, group.id);
  expect(his.isActive).toBe(true);
  expect(await textsOf(his)).toEqual(["one", "three"]);
  await his.sendText("back");
  expect((await standings(actors, group.id)).size).toBe(1);
  await world.close();
});

test("XWL-14, XWL-19: what was walked past while removed is read once added again, and told of once", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const cy = actors[2] as Actor;
  const his = await follow(cy, group.id);
  await group.sendText("one");
  await his.sync();
  await group.removeMembers([cy.client.inboxId]);
  await group.sendText("two");
  await group.addMembers([cy.client.inboxId]);
  await group.sendText("three");
  await group.updateName("named");
  await group.sendText("four");
  // The whole log at once, before the welcome is read.
  await his.sync().catch(() => undefined);
  expect(his.isActive).toBe(false);
  const again = await follow(cy, group.id);
  expect([again.isActive, again.name]).toEqual([true, "named"]);
  expect(await textsOf(again)).toEqual(["one", "three", "four"]);
  const told = cy.events.flatMap((event) => (event.kind === "message" ? [event.message.id] : []));
  expect(new Set(told).size).toBe(told.length);
  expect(told.length).toBe((await again.messages()).length);
  expect((await standings(actors, group.id)).size).toBe(1);
  await world.close();
});

test("XIN-17: a second installation is added before the next message, a revoked one goes", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const phone = await world.join("bo's phone", { wallet: "bo" });
  expect(phone.client.inboxId).toBe((actors[1] as Actor).client.inboxId);
  await world.clock.advance(6_000);
  await group.sendText("to both of bo's devices");
  expect(await textsOf(await follow(phone, group.id))).toEqual(["to both of bo's devices"]);
  expect((await group.members()).length).toBe(2);
  expect((await standings([...actors, phone], group.id)).size).toBe(1);
  await world.close();
});

test("XGC-53, XKP-12: an inbox whose only key package is bad cannot be added; with others it is listed as failed", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const cy = await world.join("cy");
  const di = await world.join("di");
  await world.log.putKeyPackage(cy.client.installationIdBytes, new Uint8Array([1, 2, 3]));
  await expect(group.addMembers([cy.client.inboxId])).rejects.toMatchObject({
    code: "client/failed-to-verify-installations",
    details: { rule: "XGC-53" },
  });
  const before = (await group.debugInfo()).epoch;
  expect((await group.debugInfo()).epoch).toBe(before);
  await group.addMembers([cy.client.inboxId, di.client.inboxId]);
  expect((await group.members()).length).toBe(4);
  await follow(di, group.id);
  // The one that failed can go again, although it never was in the tree.
  await group.removeMembers([cy.client.inboxId]);
  expect((await standings([...actors, di], group.id)).size).toBe(1);
  expect((await group.members()).length).toBe(3);
  await world.close();
});

test("XGC-57: adding who is there and removing who is not changes nothing", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const stranger = await world.join("stranger");
  const before = (await group.debugInfo()).epoch;
  await group.addMembers([(actors[1] as Actor).client.inboxId]);
  await group.removeMembers([stranger.client.inboxId]);
  expect((await group.debugInfo()).epoch).toBe(before);
  await world.close();
});

test("XGC-13: a group of one is published by a key update, and grows", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const group = await ada.client.conversations.createGroup([]);
  expect((await group.debugInfo()).epoch).toBe(1n);
  await group.addMembers([bo.client.inboxId]);
  await group.sendText("hello bo");
  expect(await textsOf(await follow(bo, group.id))).toEqual(["hello bo"]);
  await world.close();
});

test("XGC-56: more people than the limit are refused before anything is made", async () => {
  const world = createWorld();
  const ada = await world.join("ada", { maxGroupSize: 2 });
  const bo = await world.join("bo");
  const cy = await world.join("cy");
  const others = [bo.client.inboxId, cy.client.inboxId];
  await expect(ada.client.conversations.createGroup(others)).rejects.toMatchObject({
    code: "client/user-limit-exceeded",
  });
  const group = await ada.client.conversations.createGroup([bo.client.inboxId]);
  await expect(group.addMembers([cy.client.inboxId])).rejects.toMatchObject({
    code: "client/user-limit-exceeded",
  });
  expect((await ada.client.conversations.list()).length).toBe(1);
  await world.close();
});

test("XLV-01, XLV-02, XLV-03, XLV-04, XCV-24: a member asks to leave and is let go; the transcript says left", async () => {
  const world = createWorld({ workers: true, selfMovingMs: 900 });
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const bo = actors[1] as Actor;
  const his = await groupOf(bo, group.id);
  await his.requestRemoval();
  expect(his.isPendingRemoval()).toBe(true);
  await group.sync();
  await world.clock.advance(4_000);
  await his.sync();
  expect(his.isActive).toBe(false);
  const update = (await group.messages()).at(-1)?.content as { leftInboxes: unknown[] };
  expect(update.leftInboxes).toEqual([{ inboxId: bo.client.inboxId }]);
  await expect(group.requestRemoval()).rejects.toMatchObject({
    code: "client/leave-refused",
    details: { rule: "XLV-01" },
  });
  await world.close();
});
