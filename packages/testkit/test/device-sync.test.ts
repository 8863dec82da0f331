import { expect, test } from "vitest";
import { ConsentEntityType, ConsentState, ConversationType } from "@coterie/client";
import type { Consent } from "@coterie/client";
import {
  createMemoryHistoryServer,
  createWorld,
  crew,
  follow,
  groupOf,
  settle,
  standings,
  textsOf,
} from "@coterie/testkit";
import type { Actor, World } from "@coterie/testkit";

/** A phone and a laptop of one person, which know of each other. */
async function twoDevices(world: World): Promise<[Actor, Actor]> {
  const phone = await world.join("ada");
  const laptop = await world.join("laptop", { wallet: "ada" });
  await laptop.client.preferences.sync();
  await laptop.client.preferences.denyInboxIds(["00".repeat(32)]);
  await laptop.client.preferences.sync();
  await phone.client.preferences.sync();
  await laptop.client.preferences.sync();
  return [phone, laptop];
}

const { InboxId, GroupId } = ConsentEntityType;
const stranger = "ab".repeat(32);

test("XHS-01, XHS-05: consent set on one installation is heard by the other, both ways, and the sync group is nowhere to be seen", async () => {
  const world = createWorld();
  const [phone, laptop] = await twoDevices(world);
  await phone.client.preferences.denyInboxIds([stranger]);
  await phone.client.preferences.sync();
  await laptop.client.preferences.sync();
  expect(laptop.client.preferences.isInboxIdDenied(stranger)).toBe(true);
  await laptop.client.preferences.allowInboxIds([stranger]);
  await laptop.client.preferences.sync();
  await phone.client.preferences.sync();
  expect(phone.client.preferences.isInboxIdAllowed(stranger)).toBe(true);
  expect(await phone.client.conversations.list()).toEqual([]);
  expect(
    await laptop.client.conversations.list({ conversationType: ConversationType.Sync }),
  ).toEqual([]);
  await world.close();
});

test("XHS-05, XCO-02: the consent that making a conversation sets is told as well", async () => {
  const world = createWorld();
  const [phone, laptop] = await twoDevices(world);
  const bo = await world.join("bo");
  const group = await phone.client.conversations.createGroup([bo.client.inboxId]);
  await phone.client.preferences.sync();
  await laptop.client.preferences.sync();
  const state = await laptop.client.preferences.getConsentState(GroupId, group.id);
  expect(state).toBe(ConsentState.Allowed);
  await world.close();
});

test("XCO-03: of two installations that disagree the later word counts, whatever comes first", async () => {
  const world = createWorld();
  const [phone, laptop] = await twoDevices(world);
  await phone.client.preferences.denyInboxIds([stranger]);
  await laptop.client.preferences.allowInboxIds([stranger]);
  // The later one is heard first.
  await laptop.client.preferences.sync();
  await phone.client.preferences.sync();
  await laptop.client.preferences.sync();
  await phone.client.preferences.sync();
  for (const { client } of [phone, laptop]) {
    expect(await client.preferences.getConsentState(InboxId, stranger)).toBe(ConsentState.Allowed);
  }
  await world.close();
});

test("XCO-03: a clock that was set back does not make a new wish older than the one it replaces", async () => {
  const world = createWorld();
  const [phone, laptop] = await twoDevices(world);
  await phone.client.preferences.denyInboxIds([stranger]);
  world.clock.jump(-60_000);
  await phone.client.preferences.allowInboxIds([stranger]);
  await phone.client.preferences.sync();
  await laptop.client.preferences.sync();
  expect(laptop.client.preferences.isInboxIdAllowed(stranger)).toBe(true);
  await world.close();
});

test("XST-07: preference streams tell of what another installation changed", async () => {
  const world = createWorld();
  const [phone, laptop] = await twoDevices(world);
  const heard: Consent[][] = [];
  await laptop.client.preferences.streamConsent({ onValue: (value) => heard.push(value) });
  await phone.client.preferences.denyInboxIds([stranger]);
  await phone.client.preferences.sync();
  await laptop.client.preferences.sync();
  await settle();
  expect(heard).toEqual([[{ entityType: InboxId, entity: stranger, state: ConsentState.Denied }]]);
  await world.close();
});

test("XHS-03, XPU-07: a new installation is let into the conversations in use and gets the same HMAC keys", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada] = actors as [Actor];
  const denied = await ada.client.conversations.createGroup([]);
  await denied.updateConsentState(ConsentState.Denied);
  const before = await group.hmacKeys();
  const laptop = await world.join("laptop", { wallet: "ada" });
  await laptop.client.preferences.allowInboxIds([stranger]);
  await laptop.client.preferences.sync();
  // Nobody says anything in the group: the phone lets the laptop in because it hears of it.
  await ada.client.preferences.sync();
  await laptop.client.preferences.sync();
  expect((await laptop.client.conversations.list()).map(({ id }) => id)).toEqual([group.id]);
  const theirs = await (await follow(laptop, group.id)).hmacKeys();
  expect(theirs).toEqual(await group.hmacKeys());
  expect(theirs).not.toEqual(before);
  expect((await standings([ada, laptop], group.id)).size).toBe(1);
  await world.close();
});

test("XPU-07: the root cycles when an installation is revoked, and the revoked one does not hear the new one", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada] = actors as [Actor];
  const laptop = await world.join("laptop", { wallet: "ada" });
  const tablet = await world.join("tablet", { wallet: "ada" });
  for (const { client } of [laptop, tablet]) {
    await client.preferences.allowInboxIds([client.installationId]);
  }
  for (let round = 0; round < 3; round++) {
    for (const { client } of [ada, laptop, tablet]) await client.preferences.sync();
  }
  const his = await follow(laptop, group.id);
  const lost = await follow(tablet, group.id);
  const before = await group.hmacKeys();
  expect(await his.hmacKeys()).toEqual(before);
  expect(await lost.hmacKeys()).toEqual(before);
  await ada.client.revokeInstallations([tablet.client.installationIdBytes]);
  await ada.client.preferences.sync();
  await laptop.client.preferences.sync();
  await tablet.client.preferences.sync().catch(() => undefined);
  const after = await group.hmacKeys();
  expect(after).not.toEqual(before);
  expect(await his.hmacKeys()).toEqual(after);
  expect(await lost.hmacKeys()).toEqual(before);
  await world.close();
});

test("XHS-02: what somebody else says in a sync group is not acted on; nor is nonsense", async () => {
  const world = createWorld();
  const [phone, laptop] = await twoDevices(world);
  const { EncodedContent, DeviceSyncContent } = await import("@coterie/wire");
  const bo = await world.join("bo");
  // A stranger who makes a group of the same kind of content: an ordinary group.
  const trap = await bo.client.conversations.createGroup([phone.client.inboxId]);
  const { deviceSync } = (await import("@coterie/client")).contentTypes;
  const value = {
    updates: [
      {
        kind: "consent" as const,
        value: { entityType: 2, state: 2, entity: stranger, consentedAtNs: 1n << 62n },
      },
    ],
  };
  const content = DeviceSyncContent.encode({ kind: "preferenceUpdates", value });
  await trap.send(EncodedContent.create({ type: deviceSync, content }));
  await trap.send(EncodedContent.create({ type: deviceSync, content: Uint8Array.of(255) }));
  await follow(phone, trap.id);
  await phone.client.preferences.sync();
  expect(phone.client.preferences.isInboxIdAllowed(stranger)).toBe(false);
  await laptop.client.preferences.denyInboxIds([stranger]);
  await laptop.client.preferences.sync();
  await phone.client.preferences.sync();
  expect(phone.client.preferences.isInboxIdDenied(stranger)).toBe(true);
  await world.close();
});

test("XHS-04: switched off, an installation neither tells nor hears", async () => {
  const world = createWorld();
  const phone = await world.join("ada");
  const deaf = await world.join("deaf", { wallet: "ada", historySyncUrl: null });
  const off = await world.join("off", { wallet: "ada", disableDeviceSync: true });
  await phone.client.preferences.denyInboxIds([stranger]);
  await phone.client.preferences.sync();
  for (const { client } of [deaf, off]) {
    await client.preferences.allowInboxIds([client.inboxId]);
    await client.preferences.sync();
    expect(client.preferences.isInboxIdDenied(stranger)).toBe(false);
  }
  await phone.client.preferences.sync();
  expect(phone.client.preferences.isInboxIdAllowed(phone.client.inboxId)).toBe(false);
  await world.close();
});

test("XHS-05: what was changed without a connection is told once there is one, and once", async () => {
  const world = createWorld();
  const [phone, laptop] = await twoDevices(world);
  phone.fault = () => ({ kind: "drop" });
  await phone.client.preferences.denyInboxIds([stranger]);
  for (let n = 0; n < 4; n++) await phone.client.preferences.sync().catch(() => undefined);
  phone.fault = undefined;
  await phone.restart();
  const heard: Consent[][] = [];
  await laptop.client.preferences.streamConsent({ onValue: (value) => heard.push(value) });
  await phone.client.preferences.sync();
  await laptop.client.preferences.sync();
  await settle();
  expect(heard.length).toBe(1);
  expect(laptop.client.preferences.isInboxIdDenied(stranger)).toBe(true);
  await world.close();
});

test("XHS-02: the worker does it all by itself, within a tick", async () => {
  const world = createWorld({ workers: true });
  const phone = await world.join("ada");
  const laptop = await world.join("laptop", { wallet: "ada" });
  await world.clock.advance(25_000);
  await phone.client.conversations.syncAll();
  await world.clock.advance(25_000);
  await phone.client.preferences.denyInboxIds([stranger]);
  await world.clock.advance(25_000);
  await laptop.client.conversations.syncAll();
  await world.clock.advance(25_000);
  expect(laptop.client.preferences.isInboxIdDenied(stranger)).toBe(true);
  await world.close();
});

test("XHS-06, XHS-07, XHS-11: a new installation asks, another one answers, and the past is there; places in groups come from members", async () => {
  const world = createWorld();
  const server = createMemoryHistoryServer();
  const online = { fetch: server.fetch, historySyncUrl: server.url };
  const phone = await world.join("ada", online);
  const bo = await world.join("bo");
  const group = await phone.client.conversations.createGroup([bo.client.inboxId], {
    groupName: "stairs",
  });
  await group.sendText("before the laptop");
  await (await follow(bo, group.id)).sendText("so it was");
  await group.sync();
  await phone.client.preferences.denyInboxIds([stranger]);
  const laptop = await world.join("laptop", { wallet: "ada", ...online });
  const pin = await laptop.client.sendSyncRequest();
  expect(pin).toMatch(/^[A-Za-z0-9]{5}$/);
  await phone.client.syncAllDeviceSyncGroups();
  expect(server.files.size).toBe(1);
  await laptop.client.syncAllDeviceSyncGroups();
  expect(laptop.events).toContainEqual({ kind: "device-sync", what: "archive-imported", pin });
  const restored = await follow(laptop, group.id);
  expect(await textsOf(restored)).toEqual(["before the laptop", "so it was"]);
  expect(restored.isActive).toBe(true);
  expect(laptop.client.preferences.isInboxIdDenied(stranger)).toBe(true);
  await group.sendText("and after");
  await restored.sync();
  expect((await textsOf(restored)).at(-1)).toBe("and after");
  expect((await standings([phone, laptop, bo], group.id)).size).toBe(1);
  await world.close();
});

test("XHS-07: an archive that nobody asked for waits to be chosen by its pin", async () => {
  const world = createWorld();
  const server = createMemoryHistoryServer();
  const [phone, laptop] = await (async () => {
    const online = { fetch: server.fetch };
    const one = await world.join("ada", online);
    const two = await world.join("laptop", { wallet: "ada", ...online });
    return [one, two] as const;
  })();
  await phone.client.preferences.denyInboxIds([stranger]);
  const sent = laptop.client.listAvailableArchives(1);
  expect(await sent).toEqual([]);
  await phone.client.sendSyncArchive("12345", { elements: ["Consent"] }, server.url);
  await phone.client.sendSyncArchive("67890", {}, server.url);
  await laptop.client.syncAllDeviceSyncGroups();
  const found = await laptop.client.listAvailableArchives(1);
  expect(found.map((archive) => archive.pin)).toEqual(["67890", "12345"]);
  expect(found[1]?.metadata).toMatchObject({ backupVersion: 0, elements: ["Consent"] });
  expect(found[0]?.metadata.elements).toEqual(["Consent", "Messages"]);
  expect(found[0]?.sentByInstallation).toEqual(phone.client.installationIdBytes);
  await expect(laptop.client.processSyncArchive("none")).rejects.toMatchObject({
    code: "client/not-found",
  });
  const summary = await laptop.client.processSyncArchive("12345");
  expect(summary.consents).toBeGreaterThan(0);
  expect(laptop.client.preferences.isInboxIdDenied(stranger)).toBe(true);
  // Once more: nothing is new.
  expect(await laptop.client.processSyncArchive()).toMatchObject({ consents: 0, messages: 0 });
  await expect(phone.client.sendSyncRequest()).rejects.toMatchObject({
    code: "client/bad-argument",
  });
  await world.close();
});

test("XHS-02, XHS-06: a server that fails is tried three times, then said to have failed", async () => {
  const world = createWorld();
  const server = createMemoryHistoryServer();
  const online = { fetch: server.fetch, historySyncUrl: server.url };
  const phone = await world.join("ada", online);
  const laptop = await world.join("laptop", { wallet: "ada", ...online });
  server.fault = () => {
    throw new Error("no route");
  };
  const pin = await laptop.client.sendSyncRequest();
  for (let n = 0; n < 2; n++) await phone.client.syncAllDeviceSyncGroups();
  expect(phone.events.filter(({ kind }) => kind === "device-sync").length).toBe(1);
  await phone.client.syncAllDeviceSyncGroups();
  const code = "client/transfer-failed";
  expect(phone.events).toContainEqual({ kind: "device-sync", what: "job-failed", pin, code });
  // A no is a no.
  server.fault = () => 413;
  const again = await laptop.client.sendSyncRequest();
  await phone.client.syncAllDeviceSyncGroups();
  expect(phone.events).toContainEqual({
    kind: "device-sync",
    what: "job-failed",
    pin: again,
    code,
  });
  await world.close();
});

test("XHS-06: a crash between the request and the answer costs nothing", async () => {
  const world = createWorld();
  const server = createMemoryHistoryServer();
  const online = { fetch: server.fetch, historySyncUrl: server.url };
  const phone = await world.join("ada", online);
  const laptop = await world.join("laptop", { wallet: "ada", ...online });
  server.fault = () => {
    throw new Error("no route");
  };
  const pin = await laptop.client.sendSyncRequest();
  await phone.client.syncAllDeviceSyncGroups();
  await phone.restart();
  server.fault = undefined;
  await phone.client.syncAllDeviceSyncGroups();
  await laptop.client.syncAllDeviceSyncGroups();
  expect(laptop.events).toContainEqual({ kind: "device-sync", what: "archive-imported", pin });
  await world.close();
});

test("XHS-06: a further installation asks by itself once it works", async () => {
  const world = createWorld({ workers: true });
  const server = createMemoryHistoryServer();
  const online = { fetch: server.fetch, historySyncUrl: server.url };
  const phone = await world.join("ada", online);
  const group = await phone.client.conversations.createGroup([]);
  await group.sendText("note to self");
  const laptop = await world.join("laptop", { wallet: "ada", ...online });
  for (let n = 0; n < 4; n++) {
    await world.clock.advance(25_000);
    await phone.client.conversations.syncAll();
    await laptop.client.conversations.syncAll();
  }
  expect(await textsOf(await groupOf(laptop, group.id))).toEqual(["note to self"]);
  expect(server.files.size).toBe(1);
  await world.close();
});

test("XHS-02: workerConfig sets the pace of background work, and switches kinds of it off", async () => {
  const world = createWorld({ workers: true });
  const minute = 60_000_000_000n;
  const slow = await world.join("ada", {
    workerConfig: {
      workerIntervalsNs: [{ kind: "DeviceSync", intervalNs: 10n * minute }],
      workerJittersNs: [{ kind: "DeviceSync", jitterNs: minute }],
    },
  });
  const off = await world.join("off", {
    wallet: "ada",
    workerConfig: { disabledWorkers: ["DeviceSync", "KeyPackageCleaner"] },
  });
  await world.clock.advance(30_000);
  expect(off.events.filter(({ kind }) => kind === "device-sync")).toEqual([]);
  await off.client.preferences.allowInboxIds([stranger]);
  await world.clock.advance(30_000);
  await slow.client.conversations.syncAll();
  expect(slow.client.preferences.isInboxIdAllowed(stranger)).toBe(false);
  await off.client.preferences.sync();
  await slow.client.conversations.syncAll();
  await world.clock.advance(660_000);
  expect(slow.client.preferences.isInboxIdAllowed(stranger)).toBe(true);
  const zero = { defaultIntervalNs: 0n };
  await expect(world.join("zero", { workerConfig: zero })).rejects.toMatchObject({
    code: "client/bad-argument",
  });
  await world.close();
});

test("a client that waits to try again closes at once", async () => {
  const world = createWorld({ workers: true });
  const phone = await world.join("ada");
  await world.clock.advance(1_000);
  phone.fault = () => ({ kind: "drop" });
  await phone.client.preferences.denyInboxIds([stranger]);
  // Now in the longer pauses between attempts (XIN-16), which this clock does not end by itself.
  await settle(200);
  await phone.client.close();
  await world.close();
});
