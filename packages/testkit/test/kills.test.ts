import { expect, test } from "vitest";
import { createWorld, crew, follow, groupOf, standings, textsOf } from "@coterie/testkit";
import type { Actor, World } from "@coterie/testkit";

interface Scene {
  readonly world: World;
  readonly ada: Actor;
  readonly bo: Actor;
  readonly guests: readonly Actor[];
  /** A group of Ada's with Bo in it. */
  readonly id: string;
}

/** What one of them is doing when the store breaks under it, and who. */
const scenes: [what: string, who: "ada" | "bo", act: (scene: Scene) => Promise<unknown>][] = [
  [
    "makes a group of five",
    "ada",
    ({ ada, bo, guests }) =>
      ada.client.conversations.createGroup([bo, ...guests].map(({ client }) => client.inboxId)),
  ],
  ["makes a DM", "ada", ({ ada, bo }) => ada.client.conversations.createDm(bo.client.inboxId)],
  [
    "adds three people by pointers",
    "ada",
    async ({ ada, guests, id }) =>
      (await groupOf(ada, id)).addMembers(guests.map(({ client }) => client.inboxId)),
  ],
  [
    "changes the name, then speaks",
    "ada",
    async ({ ada, id }) => {
      const group = await groupOf(ada, id);
      await Promise.allSettled([group.updateName("named"), group.sendText("spoken")]);
    },
  ],
  [
    "speaks for the first time, with a key update before it",
    "bo",
    async ({ bo, id }) => (await groupOf(bo, id)).sendText("first words"),
  ],
  [
    "reads a page with commits and messages",
    "bo",
    async ({ ada, bo, id }) => {
      const group = await groupOf(ada, id);
      for (const text of ["a", "b"]) await group.sendText(text);
      await group.updateName("in between");
      await group.sendText("c");
      await (await groupOf(bo, id)).sync();
    },
  ],
  [
    "is removed",
    "bo",
    async ({ ada, bo, id }) => {
      await (await groupOf(ada, id)).removeMembers([bo.client.inboxId]);
      await (await groupOf(bo, id)).sync();
    },
  ],
  [
    "reads a welcome",
    "bo",
    async ({ ada, bo, guests }) => {
      const others = [bo, ...guests].map(({ client }) => client.inboxId);
      await ada.client.conversations.createGroup(others);
      await bo.client.conversations.sync();
    },
  ],
  ["changes its key package", "bo", ({ bo }) => bo.client.rotateKeyPackage()],
];

test.each(scenes)(
  "F3 to F6, F26: the store breaks at any write while a client %s; after a restart all goes on",
  async (_, who, act) => {
    for (let at = 0; at < 9; at++) {
      const world = createWorld({ seed: at });
      const { actors, group } = await crew(world, ["ada", "bo"]);
      const [ada, bo] = actors as [Actor, Actor];
      const guests: Actor[] = [];
      for (const name of ["cy", "di", "ed"]) guests.push(await world.join(name));
      const scene: Scene = { world, ada, bo, guests, id: group.id };
      const victim = scene[who];
      let writes = 0;
      let broken = false;
      // From the write that fails on nothing is stored, as in a crash.
      victim.failWrites = () => {
        broken ||= writes++ === at;
        return broken;
      };
      await Promise.allSettled([act(scene)]);
      await victim.restart();
      const everybody = [ada, bo, ...guests];
      for (let round = 0; round < 4; round++) {
        world.clock.jump(61_000);
        for (const actor of everybody) {
          await actor.client.conversations.syncAll();
          for (const conversation of await actor.client.conversations.list()) {
            if (conversation.isActive) await conversation.sync();
          }
        }
      }
      // In every group all members stand in one epoch, nothing waits, and a word goes round.
      const ids = new Set<string>();
      for (const actor of everybody) {
        for (const { id } of await actor.client.conversations.list()) ids.add(id);
      }
      for (const id of ids) {
        const inside: Actor[] = [];
        for (const actor of everybody) {
          const own = await actor.client.conversations.getConversationById(id);
          if (!own?.isActive) continue;
          inside.push(actor);
          expect((await own.debugInfo()).openIntents).toEqual([]);
        }
        expect((await standings(inside, id)).size).toBe(1);
        const [speaker] = inside as [Actor];
        await (await groupOf(speaker, id)).sendText(`probe ${at}`);
        for (const actor of inside) {
          expect((await textsOf(await follow(actor, id))).at(-1)).toBe(`probe ${at}`);
        }
        const lists = await Promise.all(
          inside.map(async (actor) => new Set(await textsOf(await groupOf(actor, id)))),
        );
        for (const list of lists) expect(list.size).toBeGreaterThan(0);
      }
      // Nothing was sealed twice under one key: nobody was refused a message.
      for (const { events } of everybody) {
        expect(events.filter(({ kind }) => kind === "refused" || kind === "gap")).toEqual([]);
      }
      await world.close();
    }
  },
  60_000,
);
