import { expect, test } from "vitest";
import {
  createWorld,
  crew,
  follow,
  groupOf,
  seededRandom,
  standings,
  textsOf,
} from "@coterie/testkit";

test("F1, XIN-10, XCV-32: two commits on one epoch, both wishes come true, nobody forks", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [, bo] = actors;
  if (!bo) return;
  const his = await groupOf(bo, group.id);
  await Promise.all([group.updateName("by ada"), his.updateDescription("by bo")]);
  expect((await standings(actors, group.id)).size).toBe(1);
  for (const one of [group, his]) {
    expect(one.name).toBe("by ada");
    expect(one.description).toBe("by bo");
  }
  await world.close();
});

test.each([1, 2, 3, 4])("F1: five members commit and talk at once, seed %i", async (seed) => {
  const world = createWorld({ seed });
  const random = seededRandom(seed);
  const { actors, group } = await crew(world, ["ada", "bo", "cy", "di", "ed"]);
  const sent: string[] = [];
  for (let turn = 0; turn < 4; turn++) {
    await Promise.allSettled(
      random.shuffle(actors).map(async (actor, i) => {
        const own = await groupOf(actor, group.id);
        if (random.next() < 0.5) {
          await own.updateName(`${actor.name} ${turn}`);
        } else {
          const text = `${actor.name} ${turn} ${i}`;
          sent.push(text);
          await own.sendText(text);
        }
      }),
    );
  }
  // What lost three races in a row stays queued and goes out with later rounds (XIN-15).
  for (let round = 0; round < 6; round++) {
    for (const actor of actors) await follow(actor, group.id);
  }
  expect((await standings(actors, group.id)).size).toBe(1);
  const names = new Set<string>();
  for (const actor of actors) {
    const own = await groupOf(actor, group.id);
    names.add(own.name);
    expect((await textsOf(own)).toSorted()).toEqual(sent.toSorted());
  }
  expect(names.size).toBe(1);
  await world.close();
});

test("F49: whoever is demoted first loses the race; all judge by the epoch the commit applies to", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [, bo, cy] = actors;
  if (!bo || !cy) return;
  await group.addAdmin(bo.client.inboxId);
  const his = await follow(bo, group.id);
  await Promise.allSettled([
    group.removeAdmin(bo.client.inboxId),
    his.removeMembers([cy.client.inboxId]),
  ]);
  expect((await standings([actors[0] as typeof bo, bo], group.id)).size).toBe(1);
  await group.sync();
  expect(group.listAdmins()).toEqual([]);
  await world.close();
});
