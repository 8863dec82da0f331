import { expect, test } from "vitest";
import { fromHex } from "@coterie/base";
import { QueryGroupMessagesResponse, paths } from "@coterie/wire";
import { createWorld, crew, follow, groupOf, standings, textsOf } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

const sending = paths.mls.sendGroupMessages;

/** Lets the first `count` sends go wrong in one way. */
function failSends(actor: Actor, kind: "drop" | "lose-answer" | "duplicate", count: number): void {
  let left = count;
  actor.fault = (path) => (path === sending && left-- > 0 ? { kind } : undefined);
}

async function logOf(world: ReturnType<typeof createWorld>, id: string): Promise<Uint8Array[]> {
  const page = await world.log.groupMessages({
    topic: fromHex(id),
    direction: "ascending",
    limit: 100,
  });
  return page.entries.map(({ data }) => data);
}

test("XIN-09, XIN-24: a message whose answer was lost is found in the log, not sent twice", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const before = (await logOf(world, group.id)).length;
  failSends(ada, "lose-answer", 1);
  await group.sendText("once");
  expect((await logOf(world, group.id)).length).toBe(before + 1);
  expect((await group.messages()).at(-1)).toMatchObject({ content: "once", deliveryStatus: 1 });
  expect(await textsOf(await follow(bo, group.id))).toEqual(["once"]);
  await world.close();
});

test("XIN-24: a commit whose answer was lost is adopted at its echo; its welcomes go out", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada] = actors as [Actor, Actor];
  const cy = await world.join("cy");
  failSends(ada, "lose-answer", 1);
  await group.addMembers([cy.client.inboxId]);
  expect((await standings([...actors, cy], group.id)).size).toBe(1);
  await world.close();
});

test("XIN-06: what never left is sent again; a third failure makes it Failed", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  failSends(ada, "drop", 2);
  await group.sendText("third time lucky");
  failSends(ada, "drop", 3);
  await expect(group.sendText("never")).rejects.toMatchObject({ code: "transport/unavailable" });
  expect((await group.messages()).at(-1)).toMatchObject({ content: "never", deliveryStatus: 2 });
  expect(await textsOf(await follow(bo, group.id))).toEqual(["third time lucky"]);
  expect((await standings(actors, group.id)).size).toBe(1);
  await world.close();
});

for (const epochs of [3, 4]) {
  const what = epochs === 3 ? "stands, as all can read it" : "is sent again";
  test(`XIN-11, XGC-05: an own message that comes back ${epochs} epochs late ${what}`, async () => {
    const world = createWorld();
    const { actors, group } = await crew(world, ["ada", "bo"]);
    const [, bo] = actors as [Actor, Actor];
    await group.sendText("before");
    const his = await follow(bo, group.id);
    for (let n = 0; n < epochs; n++) await his.updateName(`${n}`);
    const before = (await logOf(world, group.id)).length;
    await group.sendText("late");
    expect((await logOf(world, group.id)).length).toBe(before + epochs - 2);
    const [mine, theirs] = [await group.messages(), await (await follow(bo, group.id)).messages()];
    const late = ({ content }: { readonly content: unknown }): boolean => content === "late";
    expect(mine.find(late)?.sentAtNs).toBe(theirs.find(late)?.sentAtNs);
    expect((await standings(actors, group.id)).size).toBe(1);
    await world.close();
  });
}

test("F10, XND-34: requests that arrive twice change nothing", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  ada.fault = () => ({ kind: "duplicate" });
  await group.sendText("once");
  await group.updateName("twice sent");
  ada.fault = undefined;
  const his = await follow(bo, group.id);
  expect(await textsOf(his)).toEqual(["once"]);
  expect(his.name).toBe("twice sent");
  expect((await standings(actors, group.id)).size).toBe(1);
  await world.close();
});

test("F10, F11: a node that repeats and shuffles old envelopes brings nothing twice", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [, bo] = actors as [Actor, Actor];
  const his = await groupOf(bo, group.id);
  await group.sendText("a");
  await his.sync();
  const old: QueryGroupMessagesResponse["messages"][number][] = [];
  bo.tamper = (path, answer) => {
    if (path !== paths.mls.queryGroupMessages) return undefined;
    const response = QueryGroupMessagesResponse.decode(answer);
    old.push(...response.messages);
    return QueryGroupMessagesResponse.encode({
      ...response,
      messages: [...old.toReversed(), ...response.messages, ...response.messages],
    });
  };
  await group.sendText("b");
  await group.updateName("c");
  await group.sendText("d");
  await his.sync();
  await group.sendText("e");
  await his.sync();
  bo.tamper = undefined;
  expect(his.name).toBe("c");
  expect((await textsOf(his)).toSorted()).toEqual(["a", "b", "d", "e"]);
  expect((await standings(actors, group.id)).size).toBe(1);
  await world.close();
});

test("F22, XIN-13: a welcome that could not be sent goes out with the next sync", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada] = actors as [Actor, Actor];
  const cy = await world.join("cy");
  ada.fault = (path) => (path === paths.mls.sendWelcomeMessages ? { kind: "drop" } : undefined);
  await expect(group.addMembers([cy.client.inboxId])).rejects.toMatchObject({
    code: "client/sync-failed-to-wait",
  });
  await cy.client.conversations.sync();
  expect(await cy.client.conversations.list()).toEqual([]);
  ada.fault = undefined;
  await ada.restart();
  await (await groupOf(ada, group.id)).sync();
  expect((await standings([...actors, cy], group.id)).size).toBe(1);
  await world.close();
});

test("F3 to F5, XIN-03: the store fails at any write of a send or a commit; after a restart everything goes on", async () => {
  for (let at = 0; at < 12; at++) {
    const world = createWorld({ seed: at });
    const { actors, group } = await crew(world, ["ada", "bo"]);
    const [ada, bo] = actors as [Actor, Actor];
    const cy = await world.join("cy");
    let writes = 0;
    let broken = false;
    ada.failWrites = () => {
      broken ||= writes++ === at;
      return broken;
    };
    await Promise.allSettled([group.sendText("said")]);
    await Promise.allSettled([group.addMembers([cy.client.inboxId])]);
    await ada.restart();
    const again = await groupOf(ada, group.id);
    for (let round = 0; round < 3; round++) await again.sync();
    const members = (await again.members()).map(({ inboxId }) => inboxId);
    const joined = members.includes(cy.client.inboxId) ? [cy] : [];
    expect((await standings([ada, bo, ...joined], group.id)).size).toBe(1);
    const his = await groupOf(bo, group.id);
    expect((await textsOf(his)).filter((text) => text === "said").length).toBeLessThanOrEqual(1);
    await again.sendText("after");
    expect((await textsOf(await follow(bo, group.id))).at(-1)).toBe("after");
    // Published here means read there.
    const published = (await again.messages()).filter(
      ({ content, deliveryStatus }) => content === "said" && deliveryStatus === 1,
    );
    expect((await textsOf(his)).filter((text) => text === "said").length).toBe(published.length);
    await world.close();
  }
});

test("F6, XCV-20: the store fails at any write of receiving; nothing is lost or doubled after a restart", async () => {
  for (let at = 0; at < 8; at++) {
    const world = createWorld({ seed: at });
    const { actors, group } = await crew(world, ["ada", "bo"]);
    const [, bo] = actors as [Actor, Actor];
    await group.sendText("one");
    await group.updateName("two");
    await group.sendText("three");
    let writes = 0;
    let broken = false;
    bo.failWrites = () => {
      broken ||= writes++ === at;
      return broken;
    };
    await Promise.allSettled([(await groupOf(bo, group.id)).sync()]);
    await bo.restart();
    const his = await follow(bo, group.id);
    expect(await textsOf(his)).toEqual(["one", "three"]);
    expect(his.name).toBe("two");
    expect((await standings(actors, group.id)).size).toBe(1);
    await world.close();
  }
});
