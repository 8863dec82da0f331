import { expect, test } from "vitest";
import { ConsentState, DeliveryStatus, GroupMembershipState } from "@coterie/client";
import type { ArchiveFiles, ArchiveOptions, DecodedMessage } from "@coterie/client";
import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { createWorld, crew, follow, groupOf, standings, textsOf } from "@coterie/testkit";
import type { Actor, World } from "@coterie/testkit";

const key = new Uint8Array(32).fill(3);

async function exported({ client }: Actor, options: ArchiveOptions = {}): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of client.exportArchive(key, options)) chunks.push(chunk);
  return Uint8Array.from(Buffer.concat(chunks));
}
/** A further device of Ada's that neither hears nor tells anything by itself. */
function newPhone(world: World, name = "phone"): Promise<Actor> {
  return world.join(name, { wallet: "ada", disableDeviceSync: true });
}

test("XHS-08, XHS-09, XHS-10: an archive as bytes, without a server: consent, groups, DMs, replies, all on the new phone", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"], { groupName: "stairs" });
  const [ada, bo] = actors as [Actor, Actor];
  await group.sendText("one");
  await (await groupOf(bo, group.id)).sendText("two");
  await group.sync();
  const dm = await ada.client.conversations.createDm(bo.client.inboxId);
  await dm.sendText("in private");
  await ada.client.preferences.denyInboxIds(["ab".repeat(32)]);
  const bytes = await exported(ada);
  const phone = await newPhone(world);
  expect(await phone.client.archiveMetadata(bytes, key)).toMatchObject({
    backupVersion: 0,
    elements: ["Consent", "Messages"],
  });
  // Nothing of it needs the node.
  phone.fault = () => ({ kind: "drop" });
  const summary = await phone.client.importArchive(bytes, key);
  expect(summary).toEqual({ groups: 2, messages: 3, consents: 3, skipped: 0 });
  const restored = await groupOf(phone, group.id);
  expect(restored.name).toBe("stairs");
  expect(restored.isActive).toBe(false);
  expect(restored.membershipState()).toBe(GroupMembershipState.Restored);
  expect(await textsOf(restored)).toEqual(["one", "two"]);
  const [message] = await restored.messages();
  const [original] = await group.messages({ contentTypes: ["text"] });
  const parts = ({ id, senderInboxId, sentAtNs, deliveryStatus }: DecodedMessage): unknown => [
    id,
    senderInboxId,
    sentAtNs,
    deliveryStatus,
  ];
  expect(parts(message as DecodedMessage)).toEqual(parts(original as DecodedMessage));
  expect(message?.deliveryStatus).toBe(DeliveryStatus.Published);
  const pair = (await phone.client.conversations.listDms())[0];
  expect(pair?.peerInboxId).toBe(bo.client.inboxId);
  expect(await textsOf(pair as never)).toEqual(["in private"]);
  expect(phone.client.preferences.isInboxIdDenied("ab".repeat(32))).toBe(true);
  expect(restored.consentState()).toBe(ConsentState.Allowed);
  await expect(restored.sendText("too early")).rejects.toMatchObject({
    code: "client/group-inactive",
  });
  // Once more, and after a restart: nothing is new.
  phone.fault = undefined;
  await phone.restart();
  expect(await phone.client.importArchive(bytes, key)).toEqual({
    groups: 0,
    messages: 0,
    consents: 0,
    skipped: 0,
  });
  await world.close();
});

test("XHS-10, XHS-11, XDM-03, XIN-41: a restored group comes to life by a member's commit and keeps its past; a restored DM is not written to", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  await group.sendText("one");
  const dm = await ada.client.conversations.createDm(bo.client.inboxId);
  await dm.sendText("in private");
  const bytes = await exported(ada);
  const phone = await newPhone(world);
  await phone.client.importArchive(bytes, key);
  const fresh = await phone.client.conversations.createDm(bo.client.inboxId);
  expect(fresh.id).not.toBe(dm.id);
  expect(fresh.isActive).toBe(true);
  expect(await textsOf(fresh as never)).toEqual(["in private"]);
  await world.clock.advance(6_000);
  await group.sendText("two");
  const back = await follow(phone, group.id);
  expect(back.isActive).toBe(true);
  expect(await textsOf(back)).toEqual(["one", "two"]);
  await back.sendText("three");
  expect((await standings([ada, bo, phone], group.id)).size).toBe(1);
  const { localCommitLog, isCommitLogForked } = await back.debugInfo();
  expect(localCommitLog.slice(0, 2).map(({ type }) => type)).toEqual(["BackupRestore", "Welcome"]);
  expect(isCommitLogForked).not.toBe(true);
  // Importing now changes nothing about a living group.
  await phone.client.importArchive(bytes, key);
  expect((await groupOf(phone, group.id)).isActive).toBe(true);
  expect(await textsOf(await groupOf(phone, group.id))).toEqual(["one", "two", "three"]);
  await world.close();
});

test("XHS-09: options: consent alone, messages alone, a time range with the groups that it needs, nothing that disappears", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada] = actors as [Actor];
  await group.sendText("early");
  const [early] = await group.messages({ contentTypes: ["text"] });
  const vanishing = await ada.client.conversations.createGroup([], {
    messageDisappearingSettings: { fromNs: 1n, inNs: 3_600_000_000_000n },
  });
  await vanishing.sendText("soon gone");
  await group.sendText("late");
  const startNs = (early?.sentAtNs ?? 0n) + 1n;
  let phones = 0;
  const counts = async (options: ArchiveOptions): Promise<readonly number[]> => {
    const phone = await newPhone(world, `phone ${phones++}`);
    const { groups, messages, consents } = await phone.client.importArchive(
      await exported(ada, options),
      key,
    );
    return [groups, messages, consents];
  };
  expect(await counts({ elements: ["Consent"] })).toEqual([0, 0, 2]);
  expect(await counts({ elements: ["Messages"] })).toEqual([2, 3, 0]);
  expect(await counts({ elements: ["Messages"], startNs })).toEqual([2, 2, 0]);
  expect(await counts({ elements: ["Messages"], endNs: startNs })).toEqual([1, 1, 0]);
  expect(await counts({ elements: ["Messages"], excludeDisappearingMessages: true })).toEqual([
    2, 2, 0,
  ]);
  await expect(exported(ada, { elements: ["Nonsense" as "Messages"] })).rejects.toMatchObject({
    code: "client/bad-argument",
  });
  await world.close();
});

test("XHS-10, XDS-03: what disappears does so on the new phone as well", async () => {
  const world = createWorld({ workers: true });
  const ada = await world.join("ada");
  const group = await ada.client.conversations.createGroup([], {
    messageDisappearingSettings: { fromNs: 1n, inNs: 3_600_000_000_000n },
  });
  await group.sendText("soon gone");
  const bytes = await exported(ada);
  const phone = await newPhone(world);
  await phone.client.importArchive(bytes, key);
  expect(await textsOf(await groupOf(phone, group.id))).toEqual(["soon gone"]);
  await world.clock.advance(3_700_000);
  expect(await textsOf(await groupOf(phone, group.id))).toEqual([]);
  await world.close();
});

test("XHS-08: damaged, cut or of another key, an archive changes nothing", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada] = actors as [Actor];
  for (let n = 0; n < 20; n++) await group.sendText(`message ${n}`, { optimistic: true });
  await group.publishMessages();
  const bytes = await exported(ada);
  const phone = await newPhone(world);
  const before = await phone.store.list({ from: new Uint8Array(0), to: Uint8Array.of(255) });
  for (const cut of [1, 14, 100, bytes.length >> 1, bytes.length - 1]) {
    await expect(phone.client.importArchive(bytes.subarray(0, cut), key)).rejects.toMatchObject({
      code: "client/bad-archive",
    });
  }
  await expect(phone.client.importArchive(bytes, new Uint8Array(32).fill(4))).rejects.toMatchObject(
    { code: "client/bad-archive", details: { reason: "key" } },
  );
  expect(await phone.store.list({ from: new Uint8Array(0), to: Uint8Array.of(255) })).toEqual(
    before,
  );
  await world.close();
});

test("XHS-10: an import that a crash interrupts is completed by the next", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada] = actors as [Actor];
  for (let n = 0; n < 450; n++) await group.sendText(`${n}`, { optimistic: true });
  await group.publishMessages();
  const bytes = await exported(ada);
  const phone = await newPhone(world);
  let writes = 0;
  phone.failWrites = () => ++writes > 3;
  await expect(phone.client.importArchive(bytes, key)).rejects.toMatchObject({
    code: "storage/io",
  });
  const restarted = await phone.restart();
  const part = (await textsOf(await groupOf(phone, group.id))).length;
  expect(part).toBeGreaterThan(0);
  expect(part).toBeLessThan(450);
  const { messages } = await restarted.importArchive(bytes, key);
  expect(messages).toBe(450 - part);
  expect((await textsOf(await groupOf(phone, group.id))).length).toBe(450);
  await world.close();
});

test("XHS-09, XHS-10: an archive is of what it is of: others' sync groups, restored groups and strangers' DMs stay out", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [ada, bo, cy] = actors as [Actor, Actor, Actor];
  await group.sendText("one");
  const dm = await ada.client.conversations.createDm(bo.client.inboxId);
  await dm.sendText("in private");
  const bytes = await exported(ada);
  // Somebody else's archive: their DM is none of ours, their groups may be.
  const theirs = await cy.client.importArchive(bytes, key);
  expect(theirs).toMatchObject({ groups: 0, skipped: 2 });
  expect(await cy.client.conversations.listDms()).toEqual([]);
  // What was only restored is not passed on as if it were known.
  const phone = await newPhone(world);
  await phone.client.importArchive(bytes, key);
  const again = await newPhone(world, "tablet");
  expect(await again.client.importArchive(await exported(phone), key)).toMatchObject({
    groups: 0,
    messages: 0,
  });
  await world.close();
});

test("XHS-08: paths lead where the platform says; where it has no files, bytes do", async () => {
  const world = createWorld();
  const disk = new Map<string, Uint8Array>();
  const files: ArchiveFiles = {
    async write(path, chunks) {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      disk.set(path, Uint8Array.from(Buffer.concat(parts)));
    },
    async *read(path) {
      yield disk.get(path) ?? new Uint8Array(0);
    },
  };
  const ada = await world.join("ada", { files });
  const group = await ada.client.conversations.createGroup([]);
  await group.sendText("on disk");
  await ada.client.createArchive("a", key);
  const phone = await world.join("phone", { wallet: "ada", files, disableDeviceSync: true });
  expect((await phone.client.archiveMetadata("a", key)).elements).toEqual(["Consent", "Messages"]);
  await phone.client.importArchive("a", key);
  expect(await textsOf(await groupOf(phone, group.id))).toEqual(["on disk"]);
  const page = await newPhone(world, "page");
  await expect(page.client.createArchive("a", key)).rejects.toMatchObject({
    code: "client/unsupported",
  });
  await world.close();
});

test("XHS-08: however long the history, a page of it is in memory at a time, and goes into the store in small batches", async () => {
  const world = createWorld();
  const watched = (): {
    readonly store: Store;
    readonly most: { read: number; written: number };
  } => {
    const store = createMemoryStore();
    const most = { read: 0, written: 0 };
    const seen: Store = {
      get: (at) => store.get(at),
      async getMany(ids) {
        most.read = Math.max(most.read, ids.length);
        return store.getMany(ids);
      },
      async list(range) {
        const found = await store.list(range);
        most.read = Math.max(most.read, found.length);
        return found;
      },
      async write(changes) {
        most.written = Math.max(most.written, changes.length);
        await store.write(changes);
      },
      close: () => store.close(),
    };
    return { store: seen, most };
  };
  const source = watched();
  const ada = await world.join("ada", { store: source.store });
  const group = await ada.client.conversations.createGroup([]);
  for (let n = 0; n < 600; n++) await group.sendText(`${n}`, { optimistic: true });
  await group.publishMessages();
  source.most.read = 0;
  const bytes = await exported(ada);
  expect(source.most.read).toBeLessThanOrEqual(256);
  const target = watched();
  const phone = await world.join("phone", {
    wallet: "ada",
    store: target.store,
    disableDeviceSync: true,
  });
  target.most.written = 0;
  target.most.read = 0;
  const { messages } = await phone.client.importArchive(bytes, key);
  expect(messages).toBe(600);
  // Some rows of indices for each of 200 messages.
  expect(target.most.written).toBeLessThanOrEqual(200 * 4);
  expect(target.most.read).toBeLessThanOrEqual(256);
  await world.close();
});
