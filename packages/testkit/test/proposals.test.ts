import { expect, test } from "vitest";
import type { Extension } from "@coterie/mls";
import { GroupMutableMetadataV1 } from "@coterie/wire";
import {
  createWorld,
  crew,
  follow,
  groupOf,
  standings,
  textsOf,
  unsafeForgerOf,
} from "@coterie/testkit";
import type { Actor, Forger } from "@coterie/testkit";

function withAttribute(forger: Forger, key: string, value: string): readonly Extension[] {
  return forger.group.context.extensions.map((extension): Extension => {
    if (extension.type !== 0xff00) return extension;
    const metadata = GroupMutableMetadataV1.decode(extension.data);
    const attributes = new Map(metadata.attributes).set(key, value);
    return { type: 0xff00, data: GroupMutableMetadataV1.encode({ ...metadata, attributes }) };
  });
}

test("XIN-23: a permitted standalone proposal is kept, and a commit that names it is followed", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [ada, bo, cy] = actors as [Actor, Actor, Actor];
  const forger = await unsafeForgerOf(world, bo.store, group.id);
  await forger.propose({
    kind: "group-context-extensions",
    extensions: [...withAttribute(forger, "group_name", "by reference")],
  });
  await forger.commit([], { references: "all" });
  expect((await standings([ada, cy], group.id)).size).toBe(1);
  expect((await follow(cy, group.id)).name).toBe("by reference");
  expect((await group.debugInfo()).epoch).toBe(2n);
  await world.close();
});

test("XIN-23, A2: a forbidden standalone proposal is not kept, and a commit that names it is refused", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [ada, bo, cy] = actors as [Actor, Actor, Actor];
  const forger = await unsafeForgerOf(world, bo.store, group.id);
  await forger.propose({
    kind: "group-context-extensions",
    extensions: [...withAttribute(forger, "_commit_log_signer", "00")],
  });
  await forger.propose({ kind: "remove", removed: 0 });
  await forger.commit([], { references: "all" });
  expect((await standings([ada, cy], group.id)).size).toBe(1);
  expect((await group.debugInfo()).epoch).toBe(1n);
  expect(cy.events.flatMap((event) => (event.kind === "refused" ? [event.rule] : []))).toEqual([
    "XPM-04",
    "XIN-23",
    undefined,
  ]);
  await group.sendText("unmoved");
  expect(await textsOf(await follow(cy, group.id))).toEqual(["unmoved"]);
  await world.close();
});

test("A2: what was refused on its own does not come back in an admin's commit", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [ada, bo, cy] = actors as [Actor, Actor, Actor];
  // Bo proposes what he may not; Ada, who may, commits whatever proposals she holds.
  const forger = await unsafeForgerOf(world, bo.store, group.id);
  await forger.propose({
    kind: "group-context-extensions",
    extensions: [...withAttribute(forger, "message_disappear_in_ns", "5")],
  });
  await follow(ada, group.id);
  const hers = await unsafeForgerOf(world, ada.store, group.id);
  await hers.commit([], { references: "all" });
  expect((await standings([bo, cy], group.id)).size).toBe(1);
  expect((await follow(cy, group.id)).messageDisappearingSettings()).toBeUndefined();
  await world.close();
});

test("XIN-30, XIN-31, XCV-17: a group that asks for a newer version is paused, reads nothing and loses nothing", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [ada, bo] = actors as [Actor, Actor];
  const his = await groupOf(bo, group.id);
  const cursor = (await his.debugInfo()).cursor;
  const forger = await unsafeForgerOf(world, ada.store, group.id);
  await forger.commit([
    {
      kind: "group-context-extensions",
      extensions: withAttribute(forger, "minimum_supported_protocol_version", "1.11.0"),
    },
  ]);
  await his.sync();
  expect(his.pausedForVersion()).toBe("1.11.0");
  expect((await his.debugInfo()).cursor).toEqual(cursor);
  await expect(his.sendText("anyway")).rejects.toMatchObject({ code: "client/group-paused" });
  await expect(his.updateName("anyway")).rejects.toMatchObject({ code: "client/group-paused" });
  await his.sync();
  await bo.restart();
  expect((await groupOf(bo, group.id)).pausedForVersion()).toBe("1.11.0");
  await world.close();
});

test("XIN-30: a group that asks for our own version is not paused", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const forger = await unsafeForgerOf(world, ada.store, group.id);
  await forger.commit([
    {
      kind: "group-context-extensions",
      extensions: withAttribute(forger, "minimum_supported_protocol_version", "1.10.0"),
    },
  ]);
  const his = await follow(bo, group.id);
  expect(his.pausedForVersion()).toBeUndefined();
  expect((await his.debugInfo()).epoch).toBe(2n);
  await world.close();
});

test("more groups than stay loaded: each is found again and goes on", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const ids: string[] = [];
  for (let i = 0; i < 140; i++) {
    ids.push((await ada.client.conversations.createGroup([bo.client.inboxId])).id);
  }
  const result = await bo.client.conversations.syncAll();
  expect(result.numEligible).toBe(140);
  for (const id of ids.filter((_, i) => i % 20 === 0)) {
    await (await groupOf(bo, id)).sendText("found");
    expect(await textsOf(await follow(ada, id))).toEqual(["found"]);
  }
  expect(await bo.client.conversations.syncAll()).toMatchObject({ numSynced: 0 });
  await world.close();
});
