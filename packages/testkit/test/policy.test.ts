import { expect, test } from "vitest";
import {
  GroupPermissionsOptions,
  MetadataField,
  PermissionPolicy,
  PermissionUpdateType,
} from "@coterie/client";
import type { Group } from "@coterie/client";
import { createWorld, crew, follow, groupOf, standings } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

test("XPM-02: what the policy refuses is refused before anything is sent, with its rule", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [ada, bo, cy] = actors as [Actor, Actor, Actor];
  const his = await groupOf(bo, group.id);
  const refusals: readonly (readonly [string, (group: Group) => Promise<void>])[] = [
    ["XPM-02", (own) => own.removeMembers([cy.client.inboxId])],
    ["XPM-02", (own) => own.addAdmin(bo.client.inboxId)],
    ["XPM-05", (own) => own.addSuperAdmin(bo.client.inboxId)],
    [
      "XPM-06",
      (own) => own.updatePermission(PermissionUpdateType.AddMember, PermissionPolicy.Deny),
    ],
    ["XPM-02", (own) => own.updateMessageDisappearingSettings(1n, 1n)],
  ];
  const before = await his.debugInfo();
  for (const [rule, attempt] of refusals) {
    await expect(attempt(his)).rejects.toMatchObject({
      code: "client/insufficient-permissions",
      details: { rule },
    });
  }
  expect((await his.debugInfo()).epoch).toBe(before.epoch);
  expect(
    await his.decide({ kind: "add-members", actor: bo.client.inboxId as never, subjects: [] }),
  ).toEqual({
    kind: "allowed",
  });
  await expect(group.removeMembers([ada.client.inboxId])).rejects.toMatchObject({
    code: "client/insufficient-permissions",
  });
  expect((await standings(actors, group.id)).size).toBe(1);
  await world.close();
});

test("XPM-06: a changed permission counts from its commit on", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const his = await groupOf(actors[1] as Actor, group.id);
  await his.updateName("his");
  await group.updatePermission(
    PermissionUpdateType.UpdateMetadata,
    PermissionPolicy.Admin,
    MetadataField.GroupName,
  );
  await expect(his.updateName("his again")).rejects.toMatchObject({
    code: "client/insufficient-permissions",
    details: { field: "group_name" },
  });
  await group.addAdmin((actors[1] as Actor).client.inboxId);
  await his.updateName("as an admin");
  expect((await follow(actors[0] as Actor, group.id)).name).toBe("as an admin");
  expect(group.permissions().policyType).toBe(GroupPermissionsOptions.CustomPolicy);
  await world.close();
});

test("XGC-37: values that are too long never leave", async () => {
  const world = createWorld();
  const { group } = await crew(world, ["ada", "bo"]);
  const { epoch } = await group.debugInfo();
  await expect(group.updateName("é".repeat(51))).rejects.toMatchObject({
    code: "client/too-many-characters",
    details: { rule: "XGC-37", limit: 100 },
  });
  await group.updateName("é".repeat(50));
  expect((await group.debugInfo()).epoch).toBe(epoch + 1n);
  await world.close();
});

test("XDM-01 to XDM-06: a DM has two people, no public fields, and duplicates are one", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const [hers, his] = await Promise.all([
    ada.client.conversations.createDm(bo.client.inboxId),
    bo.client.conversations.createDm(ada.client.inboxId),
  ]);
  expect(hers.id).not.toBe(his.id);
  await hers.sendText("in hers");
  await his.sendText("in his");
  await ada.client.conversations.syncAll();
  await bo.client.conversations.syncAll();
  for (const [actor, peer] of [[ada, bo] as const, [bo, ada] as const]) {
    const dms = await actor.client.conversations.listDms();
    expect(dms.length).toBe(1);
    const [dm] = dms;
    expect(dm?.peerInboxId).toBe(peer.client.inboxId);
    const texts = (await dm?.messages())?.flatMap(({ content }) =>
      typeof content === "string" ? [content] : [],
    );
    expect(texts?.toSorted()).toEqual(["in hers", "in his"]);
    expect((await actor.client.conversations.listDms({ includeDuplicateDms: true })).length).toBe(
      2,
    );
    expect((await actor.client.conversations.createDm(peer.client.inboxId)).id).toBe(dm?.id);
  }
  await world.close();
});
