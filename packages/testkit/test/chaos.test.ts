import { expect, test } from "vitest";
import { createWorld, crew, groupOf, seededRandom, standings, textsOf } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";
import { paths } from "@coterie/wire";

/**
 * Members that talk, rename, add, remove, lose answers, lose their store in the middle of a write and come back. Afterwards everybody
 * who is a member stands in the same epoch with the same keys, and what one published the others have.
 */
test.each([11, 12, 13, 14, 15, 16])(
  "O1 to O3: chaos with seed %i ends in one group",
  async (seed) => {
    const world = createWorld({ seed });
    const random = seededRandom(seed);
    const { actors, group } = await crew(world, ["ada", "bo", "cy", "di"], {
      // Everybody may do everything that the wire allows.
      permissions: 2,
      customPermissionPolicySet: {
        addMemberPolicy: 0,
        removeMemberPolicy: 0,
        addAdminPolicy: 3,
        removeAdminPolicy: 3,
        updateGroupNamePolicy: 0,
        updateGroupDescriptionPolicy: 0,
        updateGroupImageUrlSquarePolicy: 0,
        updateMessageDisappearingPolicy: 2,
        updateAppDataPolicy: 0,
      },
    });
    const guests: Actor[] = [await world.join("guest 1"), await world.join("guest 2")];
    const everybody = [...actors, ...guests];
    const sending: ReadonlySet<string> = new Set([
      paths.mls.sendGroupMessages,
      paths.mls.sendWelcomeMessages,
    ]);
    for (const actor of everybody) {
      actor.fault = (path) => {
        const draw = random.next();
        if (draw < 0.03) return { kind: "drop" };
        if (draw < 0.1 && sending.has(path)) return { kind: "lose-answer" };
        return draw < 0.14 ? { kind: "duplicate" } : undefined;
      };
    }
    let counter = 0;
    const act = async (actor: Actor): Promise<void> => {
      await actor.client.conversations.sync();
      const found = await actor.client.conversations.getConversationById(group.id);
      if (!found?.isActive) return;
      const own = await groupOf(actor, group.id);
      const draw = random.next();
      if (draw < 0.5) await own.sendText(`${actor.name} ${counter++}`);
      else if (draw < 0.65) await own.updateName(`${actor.name} ${counter++}`);
      else if (draw < 0.75) await own.addMembers([random.pick(guests).client.inboxId]);
      else if (draw < 0.82) await own.removeMembers([random.pick(guests).client.inboxId]);
      else if (draw < 0.9) {
        let left = random.integer(6);
        actor.failWrites = () => left-- <= 0;
        await Promise.allSettled([own.sendText(`${actor.name} ${counter++}`)]);
        const { fault } = actor;
        await actor.restart();
        actor.fault = fault;
      } else await own.sync();
    };
    for (let turn = 0; turn < 12; turn++) {
      await Promise.allSettled(random.shuffle(everybody).slice(0, 3).map(act));
      await world.clock.advance(random.integer(8_000));
    }
    for (const actor of everybody) {
      actor.fault = undefined;
      actor.failWrites = undefined;
    }
    for (let round = 0; round < 8; round++) {
      for (const actor of everybody) {
        await actor.client.conversations.syncAll();
        const found = await actor.client.conversations.getConversationById(group.id);
        if (found?.isActive) await Promise.allSettled([found.sync(), found.publishMessages()]);
      }
    }
    const members: Actor[] = [];
    for (const actor of everybody) {
      const found = await actor.client.conversations.getConversationById(group.id);
      if (found?.isActive) members.push(actor);
    }
    expect(members.length).toBeGreaterThanOrEqual(4);
    expect((await standings(members, group.id)).size).toBe(1);
    const listed = new Set(
      (await (await groupOf(members[0] as Actor, group.id)).members()).map(
        ({ inboxId }) => inboxId,
      ),
    );
    expect(members.map(({ client }) => client.inboxId).every((id) => listed.has(id))).toBe(true);
    expect(listed.size).toBe(members.length);

    // Those who were members all the time have the same texts, and what is Published at one is at all of them.
    const lists = await Promise.all(
      actors.map(async (actor) => {
        const own = await groupOf(actor, group.id);
        const messages = await own.messages({ deliveryStatus: 1, kind: 0 });
        return messages.map(({ content }) => content as string).toSorted();
      }),
    );
    for (const list of lists) expect(list).toEqual(lists[0]);
    expect(new Set(lists[0]).size).toBe(lists[0]?.length);
    // A probe goes round.
    for (const actor of members)
      await (await groupOf(actor, group.id)).sendText(`probe ${actor.name}`);
    for (const actor of members) {
      const own = await groupOf(actor, group.id);
      await own.sync();
      const texts = await textsOf(own);
      for (const { name } of members) expect(texts).toContain(`probe ${name}`);
    }
    await world.close();
  },
);
