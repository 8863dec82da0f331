import { expect, test } from "vitest";
import { encodeText } from "@coterie/client";
import { paths } from "@coterie/wire";
import { createWorld, crew, follow, groupOf, textsOf } from "@coterie/testkit";
import type { Actor, World } from "@coterie/testkit";

/** Bo writes by hand. */
async function manual(
  world: World,
): Promise<{ readonly ada: Actor; readonly bo: Actor; id: string }> {
  const ada = await world.join("ada");
  const bo = await world.join("bo", { publish: "manual" });
  const group = await ada.client.conversations.createGroup([bo.client.inboxId]);
  await follow(bo, group.id);
  return { ada, bo, id: group.id };
}

test("XMS-06: with publish by hand a message is Unpublished until a sync, and nobody has it", async () => {
  const world = createWorld();
  const { ada, bo, id } = await manual(world);
  const his = await groupOf(bo, id);
  await his.sendText("not yet");
  expect((await his.messages()).at(-1)).toMatchObject({ content: "not yet", deliveryStatus: 0 });
  expect(await textsOf(await follow(ada, id))).toEqual([]);
  await his.sync();
  expect((await his.messages()).at(-1)).toMatchObject({ content: "not yet", deliveryStatus: 1 });
  expect(await textsOf(await follow(ada, id))).toEqual(["not yet"]);
  await his.sendText("all at once");
  await bo.client.conversations.syncAll();
  expect(await textsOf(await follow(ada, id))).toEqual(["not yet", "all at once"]);
  await world.close();
});

test("XMS-06, XIN-06: three syncs that cannot publish make a message Failed; lists tell it by its status", async () => {
  const world = createWorld();
  const { ada, bo, id } = await manual(world);
  const his = await groupOf(bo, id);
  // The first message brings a key update with it (XIN-14).
  await his.sendText("first");
  await his.sync();
  await his.sendText("never");
  bo.fault = (path) => (path === paths.mls.sendGroupMessages ? { kind: "drop" } : undefined);
  for (const status of [0, 0, 2]) {
    await expect(his.sync()).rejects.toMatchObject({ code: "transport/unavailable" });
    expect((await his.messages()).at(-1)).toMatchObject({ deliveryStatus: status });
  }
  bo.fault = undefined;
  await his.sync();
  expect(await textsOf(await follow(ada, id))).toEqual(["first"]);
  const count = async (deliveryStatus: 0 | 1 | 2): Promise<number> =>
    (await his.messages({ deliveryStatus, kind: 0 })).length;
  expect([await count(0), await count(1), await count(2)]).toEqual([0, 1, 1]);
  await world.close();
});

test("XIN-19: a failed message is sent again on request, under the same id, and read once", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  // Answers get lost, and so does every look for an echo: it fails here although it has arrived.
  ada.fault = (path) =>
    path === paths.mls.sendGroupMessages
      ? { kind: "lose-answer" }
      : path === paths.mls.queryGroupMessages
        ? { kind: "drop" }
        : undefined;
  await expect(group.sendText("again")).rejects.toBeDefined();
  const before = (await group.messages()).at(-1);
  ada.fault = undefined;
  await group.publishStoredMessage(before?.id as string);
  expect((await group.messages()).filter(({ content }) => content === "again")).toMatchObject([
    { id: before?.id, deliveryStatus: 1 },
  ]);
  expect(await textsOf(await follow(bo, group.id))).toEqual(["again"]);
  await world.close();
});

test("XIN-19: a prepared message is stored and waits for its own call; one that is published stays as it is", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const id = await group.prepareMessage(encodeText("prepared"), { idempotencyKey: "mine" });
  expect((await group.messages()).at(-1)).toMatchObject({ id, deliveryStatus: 0 });
  await group.sync();
  await group.publishMessages();
  expect(await textsOf(await follow(bo, group.id))).toEqual([]);
  await ada.restart();
  const hers = await groupOf(ada, group.id);
  await hers.publishStoredMessage(id);
  await hers.publishStoredMessage(id);
  const his = await follow(bo, group.id);
  expect(await textsOf(his)).toEqual(["prepared"]);
  expect((await his.messages()).at(-1)?.id).toBe(id);
  await expect(his.publishStoredMessage(id)).rejects.toMatchObject({ code: "client/not-found" });
  await expect(hers.publishStoredMessage("00")).rejects.toMatchObject({ code: "client/not-found" });
  await world.close();
});

test("XIN-18, XIN-19: optimistic messages wait in order, go out together and allow the conversation", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const his = await groupOf(bo, group.id);
  expect([his.membershipState(), await his.consentState()]).toEqual([2, 0]);
  for (const text of ["a", "b", "c"]) await his.sendText(text, { optimistic: true });
  expect(await his.consentState()).toBe(1);
  expect((await his.debugInfo()).openIntents.map(({ kind, state }) => [kind, state])).toEqual([
    ["key-update", "to-publish"],
    ["send-message", "to-publish"],
    ["send-message", "to-publish"],
    ["send-message", "to-publish"],
  ]);
  await his.publishMessages();
  expect((await his.debugInfo()).openIntents).toEqual([]);
  expect(await textsOf(await follow(ada, group.id))).toEqual(["a", "b", "c"]);
  await world.close();
});
