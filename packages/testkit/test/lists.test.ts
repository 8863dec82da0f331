import { ConsentState, ConversationType, ListConversationsOrderBy } from "@coterie/client";
import type { Dm, Group } from "@coterie/client";
import { expect, test } from "vitest";
import { createWorld } from "@coterie/testkit";

const namesOf = (conversations: readonly (Group | Dm)[]): string[] =>
  conversations.map((one) => ("name" in one ? one.name : "dm"));

test("lists: filters by consent, type and time, orders by creation and by activity, limits", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const { conversations } = ada.client;
  const groups: Group[] = [];
  for (const groupName of ["one", "two", "three"]) {
    groups.push(await conversations.createGroup([bo.client.inboxId], { groupName }));
    await world.clock.advance(1_000);
  }
  const [one, two, three] = groups as [Group, Group, Group];
  await conversations.createDm(bo.client.inboxId);
  await world.clock.advance(1_000);
  await one.sendText("lively");
  const created = { orderBy: ListConversationsOrderBy.CreatedAt };
  expect(namesOf(await conversations.list())).toEqual(["one", "dm", "three", "two"]);
  expect(namesOf(await conversations.list(created))).toEqual(["dm", "three", "two", "one"]);
  expect(namesOf(await conversations.listGroups(created))).toEqual(["three", "two", "one"]);
  expect(namesOf(await conversations.listDms())).toEqual(["dm"]);
  const dms = { conversationType: ConversationType.Dm };
  expect(namesOf(await conversations.list(dms))).toEqual(["dm"]);
  expect(namesOf(await conversations.list({ limit: 2 }))).toEqual(["one", "dm"]);
  expect(namesOf(await conversations.list({ ...created, limit: 1 }))).toEqual(["dm"]);
  const between = { createdAfterNs: one.createdAtNs, createdBeforeNs: three.createdAtNs };
  expect(namesOf(await conversations.list(between))).toEqual(["two"]);

  await two.updateConsentState(ConsentState.Denied);
  expect(namesOf(await conversations.list())).toEqual(["one", "dm", "three"]);
  expect(namesOf(await conversations.list({ consentStates: [] }))).toEqual(["one", "dm", "three"]);
  const denied = { consentStates: [ConsentState.Denied] };
  expect(namesOf(await conversations.list(denied))).toEqual(["two"]);
  expect((await conversations.syncAll()).numEligible).toBe(3);
  expect((await conversations.syncAll([ConsentState.Denied])).numEligible).toBe(1);
  await world.close();
});

test("XDM-03: a DM that was denied is still the DM with that person", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const { conversations } = ada.client;
  const dm = await conversations.createDm(bo.client.inboxId);
  await dm.updateConsentState(ConsentState.Denied);
  expect(await conversations.listDms()).toEqual([]);
  expect((await conversations.getDmByInboxId(bo.client.inboxId))?.id).toBe(dm.id);
  expect((await conversations.createDm(bo.client.inboxId)).id).toBe(dm.id);
  await world.close();
});

test("XGC-13: an optimistic group is there at once and offline, survives a restart, and is published with what comes first", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  ada.fault = () => ({ kind: "drop" });
  const group = await ada.client.conversations.createGroupOptimistic({ groupName: "on the train" });
  await group.sendText("to myself first", { optimistic: true });
  expect(group.isActive).toBe(true);
  expect((await group.members()).map(({ inboxId }) => inboxId)).toEqual([ada.client.inboxId]);
  await expect(group.publishMessages()).rejects.toMatchObject({ disposition: "retry" });
  const { conversations } = await ada.restart();
  const again = (await conversations.listGroups())[0] as Group;
  expect(again.name).toBe("on the train");
  expect((await again.messages())[0]).toMatchObject({
    content: "to myself first",
    deliveryStatus: 0,
  });
  expect((await again.debugInfo()).epoch).toBe(0n);

  await again.addMembers([bo.client.inboxId]);
  await again.sendText("to both");
  expect((await again.messages({ kind: 0 })).map((one) => one.deliveryStatus)).toEqual([1, 1]);
  await bo.client.conversations.syncAll();
  const his = (await bo.client.conversations.listGroups())[0] as Group;
  expect(his.name).toBe("on the train");
  // What was said before he came stays unread.
  expect((await his.messages({ kind: 0 })).map(({ content }) => content)).toEqual(["to both"]);
  await world.close();
});
