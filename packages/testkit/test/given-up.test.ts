import { expect, test } from "vitest";
import { fromHex } from "@coterie/base";
import { StorageError, createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { Status, TransportError } from "@coterie/transport";
import { Empty, SendGroupMessagesRequest, paths } from "@coterie/wire";
import { createWorld, crew, follow, groupOf, standings, textsOf } from "@coterie/testkit";
import type { Actor, World } from "@coterie/testkit";

/** A store that has no room while `full` says so. */
function fillable(): { readonly store: Store; full: boolean } {
  const inner = createMemoryStore();
  const disk = {
    full: false,
    store: {
      get: (key) => inner.get(key),
      getMany: (keys) => inner.getMany(keys),
      list: (range) => inner.list(range),
      close: () => inner.close(),
      async write(changes, options) {
        if (disk.full) throw new StorageError("storage/full");
        await inner.write(changes, options);
      },
    } satisfies Store,
  };
  return disk;
}

/** Sends vanish on the way; by default nobody can tell whether they arrived. */
function loseSends(
  actor: Actor,
  answer: () => Uint8Array = () => {
    throw new TransportError(Status.unavailable, { sent: "unknown" });
  },
): Uint8Array[] {
  const lost: Uint8Array[] = [];
  actor.swallow = (path, request) => {
    if (path !== paths.mls.sendGroupMessages) return undefined;
    for (const message of SendGroupMessagesRequest.decode(request).messages) {
      if (message.kind === "v1") lost.push(new Uint8Array(message.value.data));
    }
    return answer();
  };
  return lost;
}

async function arrive(world: World, groupId: string, data: Uint8Array): Promise<void> {
  const senderHmac = new Uint8Array(32);
  await world.log.appendGroupMessages([
    { groupId: fromHex(groupId), data, senderHmac, shouldPush: false, isCommit: true },
  ]);
}

test("XIN-15: what could not be stored is not done: whoever waits is told so, and may do it again", async () => {
  const world = createWorld();
  const disk = fillable();
  const ada = await world.join("ada", { store: disk.store });
  const bo = await world.join("bo");
  const cy = await world.join("cy");
  const group = await ada.client.conversations.createGroup([bo.client.inboxId]);
  const full = { code: "storage/full" };
  disk.full = true;
  await expect(group.sendText("lost")).rejects.toMatchObject(full);
  await expect(group.addMembers([cy.client.inboxId])).rejects.toMatchObject(full);
  await expect(ada.client.conversations.createGroup([])).rejects.toMatchObject(full);
  expect((await group.debugInfo()).openIntents).toEqual([]);
  disk.full = false;
  await group.sendText("kept");
  await group.addMembers([cy.client.inboxId]);
  expect(await textsOf(group)).toEqual(["kept"]);
  expect(await textsOf(await follow(bo, group.id))).toEqual(["kept"]);
  expect((await standings([ada, bo, cy], group.id)).size).toBe(1);
  await world.close();
});

test("XIN-05, XIN-06: a commit that was given up and never arrived holds up no later one", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const cy = await world.join("cy");
  loseSends(ada);
  await expect(group.addMembers([cy.client.inboxId])).rejects.toMatchObject({
    code: "transport/unavailable",
  });
  ada.swallow = undefined;
  await group.addMembers([cy.client.inboxId]);
  await group.sendText("all here");
  expect((await standings([ada, bo, cy], group.id)).size).toBe(1);
  for (const actor of [bo, cy]) {
    expect(await textsOf(await groupOf(actor, group.id))).toEqual(["all here"]);
  }
  await world.close();
});

test.each(["before", "after"] as const)(
  "XIN-10, XIN-24: a commit that was given up and arrives late, %s the next one, leaves all in one epoch",
  async (when) => {
    const world = createWorld();
    const { actors, group } = await crew(world, ["ada", "bo"]);
    const [ada, bo] = actors as [Actor, Actor];
    const cy = await world.join("cy");
    const lost = loseSends(ada);
    await expect(group.addMembers([cy.client.inboxId])).rejects.toMatchObject({
      code: "transport/unavailable",
    });
    ada.swallow = undefined;
    const late = lost[0] as Uint8Array;
    if (when === "before") {
      // Between what she reads and what she sends.
      ada.swallow = (path) => {
        if (path !== paths.mls.sendGroupMessages) return undefined;
        ada.swallow = undefined;
        void arrive(world, group.id, late);
        return undefined;
      };
    }
    await group.updateName("named");
    if (when === "after") await arrive(world, group.id, late);
    await group.sendText("after all");
    await group.sync();
    const inside = when === "before" ? [ada, bo, cy] : [ada, bo];
    expect((await standings(inside, group.id)).size).toBe(1);
    for (const actor of inside) {
      const own = await groupOf(actor, group.id);
      expect([own.name, (await own.members()).length]).toEqual(["named", inside.length]);
      expect(await textsOf(own)).toEqual(["after all"]);
    }
    expect(ada.events.filter(({ kind }) => kind === "refused")).toEqual([]);
    await world.close();
  },
);

test.each(["unknown", "answered"] as const)(
  "XIN-12, XIN-24: a commit that the node took is known by its echo, however often it could not be sent again (%s)",
  async (sent) => {
    const world = createWorld();
    const { actors, group } = await crew(world, ["ada", "bo"]);
    const [ada] = actors as [Actor, Actor];
    const lost = loseSends(ada, () => Empty.encode({}));
    await expect(group.updateName("named")).rejects.toMatchObject({
      code: "client/sync-failed-to-wait",
    });
    world.clock.jump(61_000);
    loseSends(ada, () => {
      throw new TransportError(Status.unavailable, { sent });
    });
    for (let i = 0; i < 3; i++) await expect(group.sync()).rejects.toThrow("transport/unavailable");
    expect((await group.debugInfo()).openIntents).toMatchObject([{ state: "error" }]);
    ada.swallow = undefined;
    await arrive(world, group.id, lost[0] as Uint8Array);
    await group.sync();
    expect(group.name).toBe("named");
    expect((await standings(actors, group.id)).size).toBe(1);
    await world.close();
  },
);
