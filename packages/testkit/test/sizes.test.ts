import { expect, test } from "vitest";
import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { createWorld, follow, groupOf, textsOf } from "@coterie/testkit";
import type { Actor, World } from "@coterie/testkit";

/** A store that counts what is written to it. */
function counted(): { readonly store: Store; readonly taken: () => number } {
  const inner = createMemoryStore();
  let bytes = 0;
  const store: Store = {
    get: (key) => inner.get(key),
    getMany: (keys) => inner.getMany(keys),
    list: (range) => inner.list(range),
    close: () => inner.close(),
    async write(changes) {
      for (const change of changes) {
        if (change.kind === "put") bytes += change.key.length + change.value.length;
      }
      await inner.write(changes);
    },
  };
  const taken = (): number => {
    const now = bytes;
    bytes = 0;
    return now;
  };
  return { store, taken };
}

async function crowd(world: World, size: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < size; i++) ids.push((await world.join(`one of many ${i}`)).client.inboxId);
  return ids;
}

test("design 7: what a message costs in the store does not grow with the group", async () => {
  const world = createWorld();
  const [ours, theirs] = [counted(), counted()];
  const ada = await world.join("ada", { store: ours.store });
  const bo = await world.join("bo", { store: theirs.store });
  const others = await crowd(world, 60);
  const costs: [number, number][] = [];
  for (const size of [1, 60]) {
    const group = await ada.client.conversations.createGroup([
      bo.client.inboxId,
      ...others.slice(0, size),
    ]);
    const his = await follow(bo, group.id);
    // The first message of each side settles what comes once.
    await group.sendText("warm up");
    await his.sync();
    ours.taken();
    theirs.taken();
    for (let i = 0; i < 10; i++) await group.sendText("a message of some length");
    const sent = ours.taken() / 10;
    await his.sync();
    costs.push([sent, theirs.taken() / 10]);
  }
  const [[sentSmall, readSmall], [sentLarge, readLarge]] = costs as [
    [number, number],
    [number, number],
  ];
  expect(sentLarge).toBeLessThan(sentSmall * 1.25);
  expect(readLarge).toBeLessThan(readSmall * 1.25);
  expect(Math.max(sentLarge, readLarge)).toBeLessThan(8_192);
  await world.close();
});

test("XGC-13: an optimistic group stays here until something is published, survives a restart, and grows", async () => {
  const world = createWorld();
  const ada: Actor = await world.join("ada");
  const bo = await world.join("bo");
  const made = await ada.client.conversations.createGroupOptimistic({ groupName: "Stairs" });
  await made.sendText("to myself", { optimistic: true });
  await ada.restart();
  const group = await groupOf(ada, made.id);
  expect([group.name, (await group.debugInfo()).epoch]).toEqual(["Stairs", 0n]);
  await group.addMembers([bo.client.inboxId]);
  await group.sendText("to both");
  expect(await textsOf(group)).toEqual(["to myself", "to both"]);
  const his = await follow(bo, made.id);
  // What was said before he came is not for him (XHS-11).
  expect([his.name, await textsOf(his)]).toEqual(["Stairs", ["to both"]]);
  await world.close();
});

test("XDM-03, XDM-05: of two DMs that both sides made, both write in the one that was used last", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const hers = await ada.client.conversations.createDm(bo.client.inboxId);
  const his = await bo.client.conversations.createDm(ada.client.inboxId);
  for (const actor of [ada, bo]) await actor.client.conversations.sync();
  await his.sendText("from bo");
  await hers.sync();
  // One is shown, with the messages of both.
  const [shown, ...more] = await ada.client.conversations.listDms();
  expect([shown?.id, more.length]).toEqual([his.id, 0]);
  expect((await shown?.duplicateDms())?.map(({ id }) => id)).toEqual([hers.id]);
  expect((await ada.client.conversations.createDm(bo.client.inboxId)).id).toBe(his.id);
  await shown?.sendText("from ada");
  await his.sync();
  for (const dm of [hers, his]) {
    expect((await dm.messages({ kind: 0 })).map(({ content }) => content)).toEqual([
      "from bo",
      "from ada",
    ]);
  }
  const all = await bo.client.conversations.listDms({ includeDuplicateDms: true });
  expect(all.length).toBe(2);
  await world.close();
});
