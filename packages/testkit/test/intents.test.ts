import { expect, test } from "vitest";
import { fromHex } from "@coterie/base";
import { encodeText } from "@coterie/client";
import { Empty, SendGroupMessagesRequest, paths } from "@coterie/wire";
import { prefixRange } from "@coterie/storage";
import { createWorld, crew, follow, groupLog, groupOf, standings, textsOf } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

const { mls } = paths;
const minute = 60_000;

/** Takes what an actor sends and keeps it from the node. */
function keepSends(actor: Actor): Uint8Array[] {
  const kept: Uint8Array[] = [];
  actor.swallow = (path, request) => {
    if (path !== mls.sendGroupMessages) return undefined;
    for (const message of SendGroupMessagesRequest.decode(request).messages) {
      if (message.kind === "v1") kept.push(new Uint8Array(message.value.data));
    }
    return Empty.encode({});
  };
  return kept;
}

function countQueries(actor: Actor): () => number {
  let queries = 0;
  actor.tamper = (path) => {
    if (path === mls.queryGroupMessages) queries += 1;
    return undefined;
  };
  return () => queries;
}

test("XIN-01: what is asked of one group at once is done one after the other, and all of it", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const said = ["a", "b", "c", "d"];
  await Promise.all([
    ...said.map((text) => group.sendText(text)),
    group.updateName("named"),
    group.updateDescription("described"),
    group.sync(),
  ]);
  expect((await group.debugInfo()).openIntents).toEqual([]);
  const his = await follow(actors[1] as Actor, group.id);
  expect([await textsOf(his), his.name, his.description]).toEqual([said, "named", "described"]);
  expect((await standings(actors, group.id)).size).toBe(1);
  await world.close();
});

test("XIN-02: what cannot be published keeps nobody from reading, and is told", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const his = await groupOf(bo, group.id);
  await his.sendText("warm up");
  await group.sendText("read this");
  await his.sendText("mine", { optimistic: true });
  bo.fault = (path) => (path === mls.sendGroupMessages ? { kind: "drop" } : undefined);
  await expect(his.sync()).rejects.toMatchObject({ code: "transport/unavailable" });
  expect(await textsOf(his)).toEqual(["warm up", "read this", "mine"]);
  await world.close();
});

test("XIN-03: bytes, hash and staged commit are stored before anything is sent", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const ada = actors[0] as Actor;
  const stored: Promise<boolean>[] = [];
  ada.swallow = (path, request) => {
    if (path !== mls.sendGroupMessages) return undefined;
    const [message] = SendGroupMessagesRequest.decode(request).messages;
    if (message?.kind !== "v1") throw new Error();
    const sent = Buffer.from(message.value.data);
    const rows = ada.store.list(prefixRange("i", group.id));
    stored.push(rows.then((list) => list.some(({ value }) => Buffer.from(value).includes(sent))));
    return undefined;
  };
  await group.sendText("said");
  await group.updateName("named");
  expect(await Promise.all(stored)).toEqual([true, true]);
  await world.close();
});

test("XIN-04, XGC-54: a wish that changes nothing is done without a word to the node", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const before = (await groupLog(world, group.id)).length;
  await group.addMembers([bo.client.inboxId]);
  expect((await groupLog(world, group.id)).length).toBe(before);
  expect((await group.debugInfo()).openIntents).toEqual([]);
  expect(ada.events.filter(({ kind }) => kind === "intent")).toContainEqual(
    expect.objectContaining({ outcome: "done" }),
  );
  await world.close();
});

test("XIN-05: what is queued behind a commit waits for its epoch; messages go together", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const his = await groupOf(actors[1] as Actor, group.id);
  // The first message of a joiner brings a key update (XIN-14).
  for (const text of ["a", "b"]) await his.sendText(text, { optimistic: true });
  await his.publishMessages();
  const log = (await groupLog(world, group.id)).slice(-3);
  expect(log.map(({ header }) => [header.contentType, header.epoch])).toEqual([
    ["commit", 1n],
    ["application", 2n],
    ["application", 2n],
  ]);
  await world.close();
});

test("XIN-03, XND-03: messages that go together are bounded by their bytes; one alone goes whatever its size", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const megabytes = [6, 6, 6, 18, 1];
  for (const size of megabytes) {
    await group.sendText("x".repeat(size * 1024 * 1024), { optimistic: true });
  }
  const sends: number[] = [];
  ada.swallow = (path, request) => {
    if (path === mls.sendGroupMessages) {
      sends.push(SendGroupMessagesRequest.decode(request).messages.length);
    }
    return undefined;
  };
  await group.publishMessages();
  expect(sends).toEqual([2, 1, 1, 1]);
  const read = await textsOf(await follow(bo, group.id));
  expect(read.map(({ length }) => length / 1024 / 1024)).toEqual(megabytes);
  await world.close();
});

test("XIN-07: pages are read to the end, commits and messages by one query from the higher cursor", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  for (let i = 0; i < 230; i++) await group.sendText(`${i}`, { optimistic: true });
  await group.publishMessages();
  await group.updateName("at the end");
  const queries = countQueries(bo);
  const his = await follow(bo, group.id);
  expect((await textsOf(his)).length).toBe(230);
  expect(his.name).toBe("at the end");
  expect(queries()).toBeLessThanOrEqual(4);
  const log = await groupLog(world, group.id);
  const { cursor } = await his.debugInfo();
  expect(cursor.map(({ sequenceId }) => sequenceId)).toEqual([log.at(-1)?.id, log.at(-2)?.id]);
  await world.close();
});

test("XIN-11: an own message that comes back four epochs late is sealed anew, and read once", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const his = await groupOf(bo, group.id);
  const kept = keepSends(ada);
  await expect(group.sendText("late")).rejects.toMatchObject({
    code: "client/sync-failed-to-wait",
  });
  ada.swallow = undefined;
  for (const name of ["one", "two", "three", "four"]) await his.updateName(name);
  await world.log.appendGroupMessages([
    {
      groupId: fromHex(group.id),
      data: kept[0] as Uint8Array,
      senderHmac: new Uint8Array(32),
      shouldPush: false,
      isCommit: false,
    },
  ]);
  await group.sync();
  await group.publishMessages();
  const log = await groupLog(world, group.id);
  expect(log.filter(({ header }) => header.contentType === "application").length).toBe(2);
  expect((await group.messages()).at(-1)).toMatchObject({ content: "late", deliveryStatus: 1 });
  expect(await textsOf(await follow(bo, group.id))).toEqual(["late"]);
  await world.close();
});

test("XIN-14: thirty days after the last rotation a message brings a key update, not before", async () => {
  const world = createWorld();
  const { group } = await crew(world, ["ada", "bo"]);
  const kinds = async (): Promise<unknown[]> =>
    (await groupLog(world, group.id)).slice(1).map(({ header }) => header.contentType);
  world.clock.jump(29 * 24 * 60 * minute);
  await group.sendText("young");
  expect(await kinds()).toEqual(["application"]);
  world.clock.jump(2 * 24 * 60 * minute);
  await group.sendText("old");
  expect(await kinds()).toEqual(["application", "commit", "application"]);
  await group.sendText("young again");
  expect((await kinds()).length).toBe(4);
  // Any other change counts as a rotation.
  world.clock.jump(29 * 24 * 60 * minute);
  await group.updateName("named");
  world.clock.jump(2 * 24 * 60 * minute);
  await group.sendText("no update");
  expect((await kinds()).slice(-2)).toEqual(["commit", "application"]);
  await world.close();
});

test("XIN-15: whoever waits is told after three rounds where the wish stands; it stays queued", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const ada = actors[0] as Actor;
  const kept = keepSends(ada);
  const queries = countQueries(ada);
  await expect(group.sendText("where is it")).rejects.toMatchObject({
    code: "client/sync-failed-to-wait",
    disposition: "retry",
    details: { rule: "XIN-15", state: "published", attempts: 0 },
  });
  expect(queries()).toBe(3);
  expect(kept.length).toBe(1);
  expect((await group.debugInfo()).openIntents).toMatchObject([{ kind: "send-message" }]);
  await world.close();
});

test("XIN-16, XIN-22: what can heal is tried again up to five times, what cannot is told at once", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const his = await groupOf(bo, group.id);
  await group.sendText("through");
  let failures = 5;
  let tries = 0;
  bo.fault = (path) => {
    if (path !== mls.queryGroupMessages) return undefined;
    tries += 1;
    return failures-- > 0 ? { kind: "drop" } : undefined;
  };
  await his.sync();
  expect([await textsOf(his), tries]).toEqual([["through"], 6]);
  failures = 6;
  await expect(his.sync()).rejects.toMatchObject({ code: "transport/unavailable" });
  bo.fault = undefined;
  // An answer that cannot be read will not be better the next time.
  tries = 0;
  bo.tamper = (path) => {
    if (path !== mls.queryGroupMessages) return undefined;
    tries += 1;
    return new Uint8Array([255]);
  };
  await expect(his.sync()).rejects.toMatchObject({ disposition: "reject" });
  expect(tries).toBeLessThanOrEqual(2);
  await world.close();
});

test("XIN-20: syncAll reads welcomes and those conversations that have news; what is denied is left out", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const groups = [];
  for (let i = 0; i < 5; i++) {
    groups.push(await ada.client.conversations.createGroup([bo.client.inboxId]));
  }
  expect(await bo.client.conversations.syncAll()).toMatchObject({ numEligible: 5 });
  for (const group of groups.slice(0, 3)) await group.sendText("news");
  await (await groupOf(bo, (groups[0] as { id: string }).id)).updateConsentState(2);
  expect(await bo.client.conversations.syncAll()).toEqual({ numEligible: 4, numSynced: 2 });
  expect(await bo.client.conversations.syncAll()).toEqual({ numEligible: 4, numSynced: 0 });
  expect(await bo.client.conversations.syncAll([2])).toEqual({ numEligible: 1, numSynced: 1 });
  await world.close();
});

test("XIN-21: the sync of a DM reads its duplicates first", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  // Neither knows of the other's.
  const hers = await ada.client.conversations.createDm(bo.client.inboxId);
  const his = await bo.client.conversations.createDm(ada.client.inboxId);
  expect(his.id).not.toBe(hers.id);
  await bo.client.conversations.sync();
  await ada.client.conversations.sync();
  await hers.sendText("on hers");
  await his.sync();
  expect(await textsOf(his as never)).toEqual(["on hers"]);
  await world.close();
});

test("XMS-02, XMS-05: a message is timed by the local clock until the node has it, then by the node; its key is that time", async () => {
  const world = createWorld();
  const { group } = await crew(world, ["ada", "bo"]);
  const before = world.clock.nowNs();
  const first = await group.send(encodeText("same"), { optimistic: true });
  const second = await group.send(encodeText("same"), { optimistic: true });
  expect(first).not.toBe(second);
  const [unpublished] = await group.messages({ deliveryStatus: 0 });
  expect((unpublished?.sentAtNs ?? 0n) > before).toBe(true);
  world.clock.jump(3_600_000);
  await group.publishMessages();
  const log = await groupLog(world, group.id);
  const published = await group.messages({ kind: 0 });
  expect(published.map(({ sentAtNs }) => sentAtNs)).toEqual(
    log.slice(-2).map(({ createdNs }) => createdNs),
  );
  const chosen = await group.send(encodeText("mine"), { idempotencyKey: "k" });
  const again = await group.send(encodeText("mine"), { idempotencyKey: "k" });
  expect(again).toBe(chosen);
  expect((await group.messages({ kind: 0 })).length).toBe(3);
  await world.close();
});

test("XDS-02: only whom the policies of the keys allow turns disappearing on; both may in a DM", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const his = await groupOf(bo, group.id);
  await expect(his.updateMessageDisappearingSettings(1n, 2n)).rejects.toMatchObject({
    code: "client/insufficient-permissions",
    details: { rule: "XPM-02" },
  });
  const dm = await ada.client.conversations.createDm(bo.client.inboxId);
  await bo.client.conversations.sync();
  const theirs = await bo.client.conversations.getDmByInboxId(ada.client.inboxId);
  await theirs?.updateMessageDisappearingSettings(1n, 9n);
  await dm.sync();
  expect(dm.messageDisappearingSettings()).toEqual({ fromNs: 1n, inNs: 9n });
  await world.close();
});

test("XDS-03: a message expires so long after it was taken in, whenever it was sent; unpublished ones never", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const inNs = 60_000_000_000n;
  await group.updateMessageDisappearingSettings(1n, inNs);
  await group.sendText("published");
  await group.sendText("unpublished", { optimistic: true });
  const [published, unpublished] = await group.messages({ kind: 0 });
  expect(unpublished?.expiresAtNs).toBeUndefined();
  expect((published?.expiresAtNs ?? 0n) - (published?.sentAtNs ?? 0n) >= inNs).toBe(true);
  world.clock.jump(10 * minute);
  const now = world.clock.nowNs();
  const his = await follow(bo, group.id);
  const [late] = await his.messages({ kind: 0 });
  expect((late?.expiresAtNs ?? 0n) > now + inNs).toBe(true);
  const transcripts = await his.messages({ kind: 1 });
  expect(transcripts.every(({ expiresAtNs }) => expiresAtNs === undefined)).toBe(true);
  await world.close();
});
