import { expect, test } from "vitest";
import { ConsentEntityType, ConsentState } from "@coterie/client";
import type { Consent, UserPreferenceUpdate } from "@coterie/client";
import { createWorld, crew, follow, settle } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

test("XCO-01: consent is kept by conversation and by inbox; what was never said is Unknown; it survives a restart", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const { preferences } = ada.client;
  expect(preferences.isInboxIdAllowed(bo.client.inboxId)).toBe(false);
  expect(preferences.isInboxIdDenied(bo.client.inboxId)).toBe(false);
  await preferences.denyInboxIds([bo.client.inboxId]);
  expect(preferences.isInboxIdDenied(bo.client.inboxId)).toBe(true);
  const { InboxId, GroupId } = ConsentEntityType;
  expect(await preferences.getConsentState(InboxId, bo.client.inboxId)).toBe(ConsentState.Denied);
  expect(await preferences.getConsentState(GroupId, bo.client.inboxId)).toBe(ConsentState.Unknown);
  const again = (await ada.restart()).preferences;
  expect(again.isInboxIdDenied(bo.client.inboxId)).toBe(true);
  await again.allowInboxIds([bo.client.inboxId]);
  expect(again.isInboxIdAllowed(bo.client.inboxId)).toBe(true);
  await world.close();
});

test("XCO-04: consent filters lists and syncs but stops nothing; addedByInboxId tells whom to hold responsible", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const his = await follow(bo, group.id);
  await bo.client.preferences.denyInboxIds([ada.client.inboxId]);
  await bo.client.preferences.denyGroups([group.id]);
  expect(bo.client.preferences.isGroupDenied(group.id)).toBe(true);
  expect(bo.client.preferences.isGroupAllowed(group.id)).toBe(false);
  expect(bo.client.preferences.isInboxIdDenied(his.addedByInboxId)).toBe(true);
  await group.sendText("can you hear me");
  await his.sync();
  expect((await his.messages()).at(-1)?.content).toBe("can you hear me");
  const { conversations } = bo.client;
  expect(await conversations.list({ consentStates: [ConsentState.Allowed] })).toEqual([]);
  expect(await conversations.list()).toEqual([]);
  const denied = { consentStates: [ConsentState.Denied] };
  expect((await conversations.list(denied)).map(({ id }) => id)).toEqual([group.id]);
  await bo.client.preferences.allowGroups([group.id]);
  expect(bo.client.preferences.isGroupAllowed(group.id)).toBe(true);
  await world.close();
});

test("XCO-02: a message sent allows a conversation again that was denied", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const his = await follow(actors[1] as Actor, group.id);
  await his.updateConsentState(ConsentState.Denied);
  await his.sendText("all right then");
  expect(his.consentState()).toBe(ConsentState.Allowed);
  await world.close();
});

test("XCO-03, XST-07: changes are told to streams, in one batch per call; what stays as it is tells nobody", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const { preferences } = bo.client;
  const consents: Consent[][] = [];
  const updates: UserPreferenceUpdate[][] = [];
  const stream = await preferences.streamConsent({ onValue: (value) => consents.push(value) });
  await preferences.streamPreferences({ onValue: (value) => updates.push(value) });
  const entity = "ab".repeat(32);
  const wish: Consent[] = [
    { entityType: ConsentEntityType.InboxId, entity, state: ConsentState.Denied },
    { entityType: ConsentEntityType.GroupId, entity: group.id, state: ConsentState.Allowed },
  ];
  await preferences.setConsentStates(wish);
  await preferences.setConsentStates(wish);
  await settle();
  expect(consents).toEqual([wish]);
  expect(updates).toEqual([wish.map((consent) => ({ type: "ConsentUpdate", consent }))]);
  await stream.end();
  await preferences.allowInboxIds([entity]);
  await settle();
  expect(consents.length).toBe(1);
  expect(updates.length).toBe(2);
  await bo.client.close();
});

test("XWL-21: a new DM with somebody inherits the newest consent; what is said of a DM holds for its duplicates", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const mine = await ada.client.conversations.createDm(bo.client.inboxId);
  await mine.updateConsentState(ConsentState.Denied);
  // Made before hearing of the first: a duplicate (XDM-05).
  const his = await bo.client.conversations.createDm(ada.client.inboxId);
  await ada.client.conversations.sync();
  const dms = await ada.client.conversations.listDms({
    includeDuplicateDms: true,
    consentStates: Object.values(ConsentState),
  });
  expect(dms.map(({ id }) => id).toSorted()).toEqual([mine.id, his.id].toSorted());
  expect(dms.map((dm) => dm.consentState())).toEqual([ConsentState.Denied, ConsentState.Denied]);
  await dms[0]?.updateConsentState(ConsentState.Allowed);
  expect(dms.map((dm) => dm.consentState())).toEqual([ConsentState.Allowed, ConsentState.Allowed]);
  await world.close();
});
