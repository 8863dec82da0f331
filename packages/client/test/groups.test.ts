import { silentLog } from "@coterie/base";
import type { GroupId, InboxId } from "@coterie/base";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { createInstallation } from "@coterie/identity";
import { defaultPolicy } from "@coterie/policy";
import { createMemoryStore } from "@coterie/storage";
import { expect, test } from "vitest";
import { createBus } from "../src/bus.ts";
import type { Context } from "../src/context.ts";
import { createConversation } from "../src/create-group.ts";
import { readGroup } from "../src/db.ts";
import { queueWish } from "../src/engine/intents.ts";
import { stepTo } from "../src/engine/step.ts";
import { createGroups } from "../src/groups.ts";
import type { Cell, Groups } from "../src/groups.ts";

async function bench(): Promise<{
  readonly groups: Groups;
  readonly cell: Cell;
  readonly stored: () => ReturnType<typeof readGroup>;
}> {
  const store = createMemoryStore();
  let now = 1_700_000_000_000_000_000n;
  const ports = { crypto, store, clock: { nowNs: () => now++ }, random: crypto, log: silentLog };
  const context = {
    ports,
    bus: createBus(silentLog),
    inboxId: "ab".repeat(32) as InboxId,
    signer: createInstallation(crypto),
  } as unknown as Context;
  const groups = createGroups(context);
  const cell = await createConversation(context, groups, {
    conversationType: "group",
    policy: defaultPolicy,
    attributes: new Map(),
  });
  return { groups, cell, stored: () => readGroup(store, cell.id as GroupId) };
}

test("XIN-01: who waited for a conversation that is forgotten meanwhile finds it gone, and does not bring it back", async () => {
  const { groups, cell, stored } = await bench();
  await groups.lastActivityNs(cell);
  const forgotten = groups.forget(cell);
  const late = groups.exclusive(cell, (loaded) => loaded.apply(stepTo({ ...loaded.state })));
  await expect(late).rejects.toMatchObject({ code: "client/not-found" });
  await forgotten;
  expect(await groups.all()).toEqual([]);
  expect(await groups.find(cell.id)).toBeUndefined();
  expect(await stored()).toBeUndefined();
  await expect(groups.lastActivityNs(cell)).rejects.toMatchObject({ code: "client/not-found" });
});

test("XWL-14: a state that takes the place of another leaves nothing of what that one had queued", async () => {
  const { groups, cell, stored } = await bench();
  await groups.exclusive(cell, async (loaded) => {
    await loaded.apply(queueWish(loaded.state, { kind: "key-update" }, 1n).step);
  });
  expect((await stored())?.intents.length).toBe(1);
  await groups.exclusive(cell, async ({ state }) => {
    await groups.put(stepTo({ ...state, intents: [] }));
  });
  expect((await stored())?.intents).toEqual([]);
  const wished = queueWish(cell.state as never, { kind: "key-update" }, 2n).step;
  await groups.exclusive(cell, () => groups.put(wished));
  expect((await stored())?.intents.map(({ id }) => id)).toEqual([2]);
});
