import { expect, test } from "vitest";
import { CoterieError } from "@coterie/base";
import { WorkerKind } from "@coterie/client";
import type { Group } from "@coterie/client";
import { Status, TransportError } from "@coterie/transport";
import { GetIdentityUpdatesRequest, paths } from "@coterie/wire";
import {
  agreeingContracts,
  createWorld,
  crew,
  follow,
  groupOf,
  openSafe,
  standings,
  textsOf,
} from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

const { getIdentityUpdates } = paths.identity;

function inboxesOf(request: Uint8Array): string[] {
  return GetIdentityUpdatesRequest.decode(request).requests.map(({ inboxId }) => inboxId);
}

/** As a verifier tells of a chain that it has no endpoint for. */
const noChain = (): CoterieError =>
  new CoterieError("identity/chain-not-configured", { disposition: "wait" });
const tooMuch = (): TransportError =>
  new TransportError(Status.resourceExhausted, { sent: "answered" });

test.each([
  ["a chain that is not configured", noChain],
  ["a verifier that fails", () => new Error("silent")],
  ["an answer that is too large", undefined],
] as const)(
  "XWL-12, XCV-11: a welcome that waits for %s holds up nothing, and is used when it can be judged",
  async (_, failure) => {
    const world = createWorld({ workers: true, selfMovingMs: 4_500, contracts: agreeingContracts });
    let up = false;
    const ada = await world.join("ada");
    const bo = await world.join("bo", {
      contracts: {
        async verify(checks) {
          if (!up && failure) throw failure();
          return agreeingContracts.verify(checks);
        },
      },
    });
    const safe = await openSafe(world);
    bo.swallow = (path, request) => {
      if (up || failure || path !== getIdentityUpdates) return undefined;
      if (inboxesOf(request).includes(safe.inboxId)) throw tooMuch();
      return undefined;
    };
    const make = (...inboxIds: string[]): Promise<Group> =>
      ada.client.conversations.createGroup(inboxIds);
    const held = await make(bo.client.inboxId, safe.inboxId);
    const other = await make(bo.client.inboxId);
    await other.sendText("never mind");
    const { conversations } = bo.client;
    expect(await conversations.syncAll()).toMatchObject({ numEligible: 1 });
    expect((await conversations.list()).map(({ id }) => id)).toEqual([other.id]);
    expect(await textsOf(await groupOf(bo, other.id))).toEqual(["never mind"]);
    expect(bo.events).toContainEqual(
      expect.objectContaining({ kind: "waiting", what: "welcome", rule: "XCV-11" }),
    );
    const stream = await conversations.stream();
    const next = await make(bo.client.inboxId);
    await expect(stream.next()).resolves.toMatchObject({ value: { id: next.id } });
    await stream.end();
    await world.clock.advance(30_000);
    expect(await conversations.getConversationById(held.id)).toBeUndefined();
    up = true;
    await world.clock.advance(90_000);
    expect((await follow(bo, held.id)).isActive).toBe(true);
    expect((await standings([ada, bo], held.id)).size).toBe(1);
    await safe.close();
    await world.close();
  },
);

test("XWL-11: a welcome that can never be judged is given up after three days", async () => {
  const world = createWorld({ workers: true, selfMovingMs: 4_500, contracts: agreeingContracts });
  const ada = await world.join("ada");
  const bo = await world.join("bo", {
    contracts: { verify: () => Promise.reject(noChain()) },
    // Keeps its key packages, so that time alone can end it.
    workerConfig: { disabledWorkers: [WorkerKind.KeyPackageCleaner] },
  });
  const safe = await openSafe(world);
  await ada.client.conversations.createGroup([bo.client.inboxId, safe.inboxId]);
  await bo.client.conversations.sync();
  world.clock.jump(73 * 3_600_000);
  await world.clock.advance(6_000);
  expect(bo.events.at(-1)).toMatchObject({ kind: "refused", what: "welcome", rule: "XWL-11" });
  await safe.close();
  await world.close();
});

test("XWL-22, XIN-20: a node that cannot be asked makes the sync fail, after what is here was read", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  const cy = await world.join("cy");
  await group.sendText("news");
  const { id } = await ada.client.conversations.createGroup([bo.client.inboxId, cy.client.inboxId]);
  bo.fault = (path) => (path === getIdentityUpdates ? { kind: "drop" } : undefined);
  const { conversations } = bo.client;
  await expect(conversations.syncAll()).rejects.toMatchObject({ code: "transport/unavailable" });
  expect(await textsOf(await groupOf(bo, group.id))).toEqual(["news"]);
  bo.fault = undefined;
  await conversations.syncAll();
  expect((await groupOf(bo, id)).isActive).toBe(true);
  await world.close();
});

test("XID-45: logs that are too much for one answer are asked for in smaller parts", async () => {
  const world = createWorld();
  const names = ["ada", "bo", "cy", "di", "ed", "flo", "gus"];
  const actors: Actor[] = [];
  for (const name of names) actors.push(await world.join(name));
  const [ada, bo, ...others] = actors as [Actor, Actor];
  const group = await ada.client.conversations.createGroup(
    [bo, ...others].map(({ client }) => client.inboxId),
  );
  const asked: number[] = [];
  bo.swallow = (path, request) => {
    if (path !== getIdentityUpdates) return undefined;
    const { length } = inboxesOf(request);
    asked.push(length);
    if (length > 2) throw tooMuch();
    return undefined;
  };
  await bo.client.conversations.sync();
  expect(asked.toSorted()).toEqual([1, 1, 2, 2, 3, 3, 6]);
  expect((await standings([ada, bo], group.id)).size).toBe(1);
  await world.close();
});
