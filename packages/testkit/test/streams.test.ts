import { expect, test } from "vitest";
import type { AsyncStreamProxy, DecodedMessage } from "@coterie/client";
import { createWorld, crew, groupOf, settle, textsOf } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

/** Collects texts of a stream until it ends. */
function collect(stream: AsyncStreamProxy<DecodedMessage>): string[] {
  const texts: string[] = [];
  void (async () => {
    for await (const { content } of stream) if (typeof content === "string") texts.push(content);
  })().catch(() => undefined);
  return texts;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    if (await condition()) return;
    await settle(5);
  }
  throw new Error("it did not come to pass");
}

test("XST-02, XST-05: a stream brings each message once, in order, through breaks of the connection", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const his = await groupOf(bo, group.id);
  const stream = await his.stream();
  const texts = collect(stream);
  await settle();
  const sent: string[] = [];
  for (let i = 0; i < 30; i++) {
    sent.push(`message ${i}`);
    await group.sendText(`message ${i}`);
    if (i % 7 === 3) bo.transport.disconnect();
    if (i % 10 === 5) await group.updateName(`name ${i}`);
  }
  await until(() => texts.length >= sent.length);
  expect(texts).toEqual(sent);
  expect(his.name).toBe("name 25");
  await stream.end();
  expect(stream.isDone).toBe(true);
  expect(await textsOf(his)).toEqual(sent);
  await world.close();
});

test("XST-03: what a stream processed ahead of the cursor a sync does not process again", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const his = await groupOf(bo, group.id);
  const stream = await his.stream();
  const texts = collect(stream);
  await settle();
  const before = (await his.debugInfo()).cursor;
  for (let i = 0; i < 100; i++) await group.sendText(`${i}`);
  await until(() => texts.length === 100);
  expect((await his.debugInfo()).cursor).not.toEqual(before);
  await his.sync();
  expect(bo.events.filter(({ kind }) => kind === "refused")).toEqual([]);
  expect((await textsOf(his)).length).toBe(100);
  await stream.end();
  await world.close();
});

test("XST-04: a stream of everything brings new conversations and their messages; own ones once", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const stream = await bo.client.conversations.streamAllMessages();
  const texts = collect(stream);
  await settle();
  await group.sendText("old group");
  const another = await ada.client.conversations.createGroup([bo.client.inboxId]);
  await another.sendText("new group");
  const dm = await ada.client.conversations.createDm(bo.client.inboxId);
  await dm.sendText("dm");
  const own = await bo.client.conversations.createGroup([ada.client.inboxId]);
  await own.sendText("own");
  await until(() => texts.length >= 4);
  await settle(50);
  expect(texts.toSorted()).toEqual(["dm", "new group", "old group", "own"]);
  await stream.end();
  await world.close();
});

test("XST-01: a stream of conversations brings welcomed and own ones, each once", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const stream = await bo.client.conversations.stream();
  const ids: string[] = [];
  void (async () => {
    for await (const conversation of stream) ids.push(conversation.id);
  })();
  await settle();
  const one = await ada.client.conversations.createGroup([bo.client.inboxId]);
  const two = await bo.client.conversations.createGroup([ada.client.inboxId]);
  await until(() => ids.length >= 2);
  await bo.client.conversations.sync();
  await settle(50);
  expect(ids.toSorted()).toEqual([one.id, two.id].toSorted());
  await stream.end();
  await world.close();
});

test("XST-06: a node that stays away ends the stream with client/stream-failed", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const his = await groupOf(bo, group.id);
  const retries: number[] = [];
  const stream = await his.stream({
    retryAttempts: 3,
    onRetry: (attempt) => retries.push(attempt),
  });
  await settle();
  bo.fault = () => ({ kind: "drop" });
  bo.transport.disconnect();
  await expect(stream.next()).rejects.toMatchObject({ code: "client/stream-failed" });
  expect(retries).toEqual([1, 2, 3]);
  await world.close();
});

test("XDM-05: the stream of a DM brings what is said in its duplicates", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const [, his] = await Promise.all([
    ada.client.conversations.createDm(bo.client.inboxId),
    bo.client.conversations.createDm(ada.client.inboxId),
  ]);
  await ada.client.conversations.syncAll();
  const [dm] = await ada.client.conversations.listDms();
  const heard: unknown[] = [];
  const stream = await dm?.stream({
    onValue: ({ content }) => {
      if (typeof content === "string") heard.push(content);
    },
  });
  await his.sendText("in his");
  await dm?.sendText("in hers");
  await settle();
  expect(heard.toSorted()).toEqual(["in hers", "in his"]);
  await stream?.end();
  await world.close();
});

test("XST-01: of several DMs with one person a stream tells of the first", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const seen: string[] = [];
  const stream = await ada.client.conversations.streamDms({ onValue: ({ id }) => seen.push(id) });
  const mine = await ada.client.conversations.createDm(bo.client.inboxId);
  await bo.client.conversations.createDm(ada.client.inboxId);
  const group = await bo.client.conversations.createGroup([ada.client.inboxId]);
  await settle();
  await ada.client.conversations.sync();
  await settle();
  expect((await ada.client.conversations.listDms({ includeDuplicateDms: true })).length).toBe(2);
  expect((await ada.client.conversations.listGroups()).map(({ id }) => id)).toEqual([group.id]);
  expect(seen).toEqual([mine.id]);
  await stream.end();
  await world.close();
});
