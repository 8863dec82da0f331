import { expect, test } from "vitest";
import { carryLogs, swappedFor } from "./fork.ts";
import type { Group } from "@coterie/client";
import { createWorld, follow, groupOf, standings, textsOf, unsafeForgerOf } from "@coterie/testkit";
import type { Actor, World } from "@coterie/testkit";

interface Scene {
  readonly world: World;
  readonly ada: Actor;
  readonly di: Actor;
  readonly group: Group;
}

/** Two commits of one epoch, which the node shows Di in the other order: she stands apart from all others. */
async function fork(options: {
  readonly respond: boolean;
  readonly request: boolean;
}): Promise<Scene> {
  const world = createWorld({ workers: true });
  const ada = await world.join("ada", { forkRecovery: { respond: options.respond } });
  const bo = await world.join("bo");
  const cy = await world.join("cy");
  const di = await world.join("di", { forkRecovery: { request: options.request } });
  const group = await ada.client.conversations.createGroup(
    [bo, cy, di].map(({ client }) => client.inboxId),
  );
  for (const actor of [bo, cy, di]) await follow(actor, group.id);
  const one = await unsafeForgerOf(world, bo.store, group.id);
  const two = await unsafeForgerOf(world, cy.store, group.id);
  await one.commit([]);
  await two.commit([]);
  const hers = await groupOf(di, group.id);
  await swappedFor(di, () => hers.sync());
  await group.sync();
  await group.sendText("she cannot read this");
  await carryLogs(world);
  return { world, ada, di, group };
}

test("XIN-44, XWL-16, XGC-45, F32: a forked installation asks, is added again in place, and the alarm ends", async () => {
  const { world, ada, di, group } = await fork({ respond: true, request: true });
  expect((await (await groupOf(di, group.id)).debugInfo()).isCommitLogForked).toBe(true);
  // Her request reaches Ada as a one-shot welcome, which leads into no conversation (XWL-16).
  await ada.client.conversations.sync();
  expect((await ada.client.conversations.list()).map(({ id }) => id)).toEqual([group.id]);
  await world.clock.advance(6_000);
  const hers = await follow(di, group.id);
  expect((await standings([ada, di], group.id)).size).toBe(1);
  expect(hers.membershipState()).not.toBe(4);
  await group.sendText("welcome back");
  await hers.sync();
  await hers.sendText("thank you");
  expect((await textsOf(await follow(ada, group.id))).at(-1)).toBe("thank you");
  expect((await textsOf(hers)).slice(-2)).toEqual(["welcome back", "thank you"]);
  await carryLogs(world);
  const info = await hers.debugInfo();
  expect(info.isCommitLogForked).toBe(false);
  // The members are who they were, and older versions wait (XGC-45).
  expect((await group.members()).length).toBe(4);
  expect((await group.debugInfo()).localCommitLog.map(({ type }) => type).slice(-3)).toEqual([
    "MetadataUpdate",
    "UpdateGroupMembership",
    "KeyUpdate",
  ]);
  expect(group.pausedForVersion()).toBeUndefined();
  // Asking at will moves nobody: one request an hour is answered.
  const { epoch } = await group.debugInfo();
  await ada.client.conversations.sync();
  await world.clock.advance(6_000);
  expect((await group.debugInfo()).epoch).toBe(epoch);
  await world.close();
});

test("XIN-44: recovery is off unless the app wants it, on both sides", async () => {
  for (const [respond, request] of [
    [false, true],
    [true, false],
  ] as const) {
    const { world, ada, di, group } = await fork({ respond, request });
    await ada.client.conversations.sync();
    await world.clock.advance(6_000);
    const hers = await follow(di, group.id);
    expect((await hers.debugInfo()).isCommitLogForked).toBe(true);
    expect((await group.debugInfo()).epoch).toBe(2n);
    await world.close();
  }
});

test("XGC-45, XCV-12: an installation without a usable key package goes out and is listed as failed; only super admins may", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const cy = await world.join("cy");
  const group = await ada.client.conversations.createGroup([bo.client.inboxId, cy.client.inboxId]);
  for (const actor of [bo, cy]) await follow(actor, group.id);
  const his = await groupOf(bo, group.id);
  await expect(his.readdInstallations([cy.client.installationId])).rejects.toMatchObject({
    code: "client/insufficient-permissions",
    details: { rule: "XGC-45" },
  });
  await world.log.putKeyPackage(cy.client.installationIdBytes, new Uint8Array([1, 2, 3]));
  await group.readdInstallations([cy.client.installationId, bo.client.installationId]);
  expect((await standings([ada, bo], group.id)).size).toBe(1);
  const members = await group.members();
  expect(members.find(({ inboxId }) => inboxId === cy.client.inboxId)).toMatchObject({
    installationIds: [],
  });
  expect((await follow(cy, group.id)).isActive).toBe(false);
  // Nothing is left to add again.
  const { epoch } = await group.debugInfo();
  await group.readdInstallations([cy.client.installationId]);
  expect((await group.debugInfo()).epoch).toBe(epoch);
  await world.close();
});
