import { expect, test } from "vitest";
import { createMemoryTransport } from "@coterie/transport";
import { createPushServer, createWorld, crew, groupOf, settle, textsOf } from "@coterie/testkit";
import type { Actor, PushServer, World } from "@coterie/testkit";

function pushServer(world: World): PushServer {
  const transport = createMemoryTransport(world.node.routes, { peer: "push" });
  return createPushServer(transport, world.crypto);
}

async function register(server: PushServer, { name, client }: Actor): Promise<void> {
  const groups = (await client.conversations.list()).map(({ topic }) => topic);
  server.register({
    device: name,
    topics: [client.conversations.topic, ...groups],
    hmacKeys: await client.conversations.hmacKeys(),
  });
  await settle();
}

test("XPU-01, XPU-02, XPU-05: three keys per conversation, of the last, this and the next thirty days, the same until the root changes", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const keys = (await group.hmacKeys())[group.id] ?? [];
  const now = world.clock.nowNs() / 1_000_000_000n / 2_592_000n;
  expect(keys.map(({ epoch }) => epoch)).toEqual([now - 1n, now, now + 1n]);
  expect(keys.map(({ key }) => key.length)).toEqual([42, 42, 42]);
  expect(await ada.client.conversations.hmacKeys()).toEqual({ [group.id]: keys });
  await ada.restart();
  expect(await ada.client.conversations.hmacKeys()).toEqual({ [group.id]: keys });
  world.clock.jump(30 * 86_400_000);
  const later = (await ada.client.conversations.hmacKeys())[group.id] ?? [];
  expect(later.slice(0, 2)).toEqual(keys.slice(1));
  // Of another person, who has a root of their own.
  expect((await (await groupOf(bo, group.id)).hmacKeys())[group.id]).not.toEqual(keys);
  await world.close();
});

test("XPU-05: the keys of a DM come with those of its duplicates", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const mine = await ada.client.conversations.createDm(bo.client.inboxId);
  const his = await bo.client.conversations.createDm(ada.client.inboxId);
  await ada.client.conversations.sync();
  expect(Object.keys(await mine.hmacKeys()).toSorted()).toEqual([mine.id, his.id].toSorted());
  await world.close();
});

test("XPU-04, XPU-06, XMS-07: a push server by topics: others' messages arrive, own ones and silent ones do not", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const server = pushServer(world);
  await register(server, ada);
  await register(server, bo);
  server.sent.length = 0;
  await group.sendText("from ada");
  await settle();
  expect(server.sent.map(({ device }) => device)).toEqual(["bo"]);
  const his = await groupOf(bo, group.id);
  await his.sync();
  await his.sendText("from bo");
  await settle();
  expect(server.sent.map(({ device, topic }) => [device, topic])).toEqual([
    ["bo", group.topic],
    ["ada", group.topic],
  ]);
  await his.sendText("without a push", { shouldPush: false });
  await group.updateName("commits are silent");
  await settle();
  expect(server.sent.length).toBe(2);
  // A server that was never given keys tells everybody.
  server.register({ device: "ada", topics: [group.topic], hmacKeys: {} });
  await group.sendText("heard by its sender");
  await settle();
  expect(server.sent.slice(2).map(({ device }) => device)).toEqual(["ada", "bo"]);
  server.close();
  await world.close();
});

test("XPU-08: a pushed message is read without moving the cursor; a sync does not read it again", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const server = pushServer(world);
  await register(server, bo);
  server.sent.length = 0;
  const his = await groupOf(bo, group.id);
  const before = (await his.debugInfo()).cursor;
  await group.sendText("one");
  await group.sendText("two");
  await settle();
  const [first, second] = server.sent.map(({ payload }) => payload);
  const news = await his.processStreamedMessage(second as Uint8Array);
  expect(news.map(({ content }) => content)).toEqual(["two"]);
  expect((await his.debugInfo()).cursor).toEqual(before);
  // Again, and the older one after it.
  expect((await his.processStreamedMessage(second as Uint8Array)).length).toBe(1);
  expect((await his.processStreamedMessage(first as Uint8Array))[0]?.content).toBe("one");
  await his.sync();
  expect(await textsOf(his)).toEqual(["one", "two"]);
  expect(bo.events.filter(({ kind }) => kind === "refused")).toEqual([]);
  await expect(his.processStreamedMessage(Uint8Array.of(255))).rejects.toMatchObject({
    code: "wire/malformed",
  });
  server.close();
  await world.close();
});

test("XPU-08: a push under a number of its own does not make the message that has this number unread", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const { GroupMessage } = await import("@coterie/wire");
  const server = pushServer(world);
  await register(server, bo);
  server.sent.length = 0;
  await group.sendText("one");
  await group.sendText("two");
  await settle();
  const [first, second] = server.sent.map(({ payload }) => GroupMessage.decode(payload));
  if (first?.kind !== "v1" || second?.kind !== "v1") throw new Error("no push");
  const forged = GroupMessage.encode({
    kind: "v1",
    value: { ...first.value, id: second.value.id },
  });
  const his = await groupOf(bo, group.id);
  await his.processStreamedMessage(forged);
  await his.sync();
  expect((await textsOf(his)).toSorted()).toEqual(["one", "two"]);
  await world.close();
});

test("XPU-08, XWL-12: a pushed welcome leads into its group; the cursor stays, and a sync passes over it", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const server = pushServer(world);
  await register(server, bo);
  const one = await ada.client.conversations.createGroup([bo.client.inboxId]);
  const two = await ada.client.conversations.createGroup([bo.client.inboxId]);
  await settle();
  const payloads = server.sent.map(({ payload }) => payload);
  expect(payloads.length).toBe(2);
  const { conversations } = bo.client;
  // The newer one alone: a cursor that moved would hide the older one.
  const [second] = await conversations.processStreamedWelcomeMessage(payloads[1] as Uint8Array);
  expect(second?.id).toBe(two.id);
  const again = await conversations.processStreamedWelcomeMessage(payloads[1] as Uint8Array);
  expect(again.map(({ id }) => id)).toEqual([two.id]);
  await two.sendText("read by push");
  await second?.sync();
  expect(await textsOf(await groupOf(bo, two.id))).toEqual(["read by push"]);
  await conversations.sync();
  expect((await conversations.list()).map(({ id }) => id).toSorted()).toEqual(
    [one.id, two.id].toSorted(),
  );
  // After the sync it is known by its number.
  const known = await conversations.processStreamedWelcomeMessage(payloads[0] as Uint8Array);
  expect(known.map(({ id }) => id)).toEqual([one.id]);
  // Somebody else's.
  expect(
    await ada.client.conversations.processStreamedWelcomeMessage(payloads[0] as Uint8Array),
  ).toEqual([]);
  expect(bo.events.filter(({ kind }) => kind === "refused")).toEqual([]);
  server.close();
  await world.close();
});
