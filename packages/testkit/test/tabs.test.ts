import { afterEach, expect, test } from "vitest";
import { Client } from "@coterie/client";
import type { DecodedMessage } from "@coterie/client";
import { shareClient } from "@coterie/client/browser";
import type { ServedGroup, SharedClient } from "@coterie/client/browser";
import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { createMemoryTransport } from "@coterie/transport";
import type { CallFault } from "@coterie/transport";
import { createOrigin, createWorld, testWallet } from "@coterie/testkit";
import type { Actor, Origin, Tab, World } from "@coterie/testkit";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface OpenTab {
  readonly shared: SharedClient;
  readonly tab: Tab;
  /** Ends the tab as a crash would, with whatever it had under way. */
  crash(): void;
  /** Chooses faults of the calls that this tab makes to the node. */
  fault: ((path: string) => CallFault | undefined) | undefined;
}

interface Browser {
  readonly world: World;
  readonly ben: Actor;
  openTab(): Promise<OpenTab>;
}

/** One person's tabs over one store, and Ben, who is elsewhere. */
async function createBrowser(): Promise<Browser> {
  const world = createWorld();
  cleanups.push(() => world.close());
  const ben = await world.join("ben");
  const origin: Origin = createOrigin();
  const kept = createMemoryStore();
  const signer = testWallet(world.crypto, "ada", 1);
  return {
    world,
    ben,
    async openTab() {
      const tab = origin.openTab();
      let crashed = false;
      const store: Store = {
        get: (key) => kept.get(key),
        getMany: (keys) => kept.getMany(keys),
        list: (range) => kept.list(range),
        // A dead page writes nothing.
        write: (changes) => (crashed ? new Promise(() => {}) : kept.write(changes)),
        close: async () => {},
      };
      const opened: OpenTab = {
        shared: undefined as unknown as SharedClient,
        tab,
        fault: undefined,
        crash() {
          crashed = true;
          tab.kill();
        },
      };
      const shared = await shareClient({
        name: "ada",
        clock: world.clock,
        platform: tab.platform,
        open: () =>
          Client.create(signer, {
            crypto: world.crypto,
            clock: world.clock,
            random: world.crypto,
            timers: world.clock,
            workers: false,
            store,
            transport: createMemoryTransport(world.node.routes, {
              faults: ({ path }) =>
                (crashed ? { kind: "drop" } : opened.fault?.(path)) as CallFault,
            }),
          }),
      });
      cleanups.push(() => (crashed ? undefined : shared.close()));
      return Object.assign(opened, { shared });
    },
  };
}

const textsOf = (messages: readonly DecodedMessage[]): unknown[] =>
  messages.flatMap(({ content }) => (typeof content === "string" ? [content] : []));

test("a second tab is served by the first: it makes groups, sends, reads and streams", async () => {
  const { ben, openTab } = await createBrowser();
  const one = await openTab();
  const two = await openTab();
  expect([one.shared.isLeader, two.shared.isLeader]).toEqual([true, false]);
  expect(two.shared.installationId).toBe(one.shared.installationId);

  const stream = await two.shared.conversations.streamAllMessages();
  const group = await two.shared.conversations.createGroup([ben.client.inboxId], {
    groupName: "Stairs",
  });
  expect(group.type).toBe("group");
  expect(group.name).toBe("Stairs");
  expect(group.createdAt).toBeInstanceOf(Date);
  await group.sendText("from two");
  const [seen] = await one.shared.conversations.listGroups();
  expect(seen?.id).toBe(group.id);
  await seen?.sendText("from one");
  await ben.client.conversations.syncAll();
  const [bens] = await ben.client.conversations.listGroups();
  await bens?.sendText("from ben");
  const heard: unknown[] = [];
  for await (const { content } of stream) {
    if (typeof content === "string") heard.push(content);
    if (heard.length === 3) break;
  }
  expect(heard).toEqual(["from two", "from one", "from ben"]);
  expect(textsOf(await group.messages())).toEqual(heard);
  expect(await group.members()).toHaveLength(2);
});

test("what a conversation tells is told anew with each answer and each message about it", async () => {
  const { ben, openTab } = await createBrowser();
  const [one, two] = [await openTab(), await openTab()];
  const group = await two.shared.conversations.createGroup([ben.client.inboxId]);
  const stream = await two.shared.conversations.streamAllMessages();
  const same = (await one.shared.conversations.getConversationById(group.id)) as ServedGroup;
  await same.updateName("Rooftop");
  expect(same.name).toBe("Rooftop");
  expect(group.name).toBe("");
  await stream.next();
  expect(group.name).toBe("Rooftop");
  await group.updateName("Cellar");
  expect(group.name).toBe("Cellar");
});

test("a failure keeps its code on the way to another tab", async () => {
  const { openTab } = await createBrowser();
  await openTab();
  const two = await openTab();
  const group = await two.shared.conversations.createGroup([]);
  await expect(group.addMembers(["00".repeat(32)])).rejects.toMatchObject({
    code: expect.stringMatching(/^[a-z]+\//) as string,
    disposition: expect.any(String) as string,
  });
  await expect(
    two.shared.conversations.createDmWithIdentifier({
      identifier: `0x${"11".repeat(20)}`,
      identifierKind: 0,
    }),
  ).rejects.toMatchObject({ code: "client/address-not-found" });
});

test("what cannot be told to another tab is refused there with a code", async () => {
  const { openTab } = await createBrowser();
  await openTab();
  const two = await openTab();
  const account = two.shared.account as unknown as Record<
    string,
    (...args: unknown[]) => Promise<unknown>
  >;
  for (const [method, args] of [
    ["unsafe_addAccount", [{ signMessage() {} }]],
    ["close", []],
    ["deleteLocalDatabase", []],
    ["noSuchMethod", []],
  ] as const) {
    await expect(account[method]?.(...args)).rejects.toMatchObject({ code: "client/unsupported" });
  }
});

test("the next tab takes over from one that crashed: streams go on, nothing is lost, nothing comes twice", async () => {
  const { ben, openTab } = await createBrowser();
  const tabs = [await openTab(), await openTab(), await openTab()] as const;
  const [one, two, three] = tabs;
  const group = await two.shared.conversations.createGroup([ben.client.inboxId]);
  await ben.client.conversations.syncAll();
  const [bens] = await ben.client.conversations.listGroups();
  const streams = await Promise.all(
    [two, three].map(({ shared }) => shared.conversations.streamAllMessages()),
  );
  const heard: unknown[][] = [[], []];
  const reading = streams.map(async (stream, i) => {
    for await (const { content } of stream) {
      if (typeof content === "string") heard[i]?.push(content);
      if (content === "last") break;
    }
  });
  await bens?.sendText("before");
  await group.sendText("mine");
  one.crash();
  await bens?.sendText("meanwhile");
  // Asked of nobody yet: whoever takes over answers.
  await group.sendText("mine again");
  await bens?.sync();
  await bens?.sendText("last");
  await Promise.all(reading);
  for (const texts of heard) {
    expect(texts.toSorted()).toEqual(["before", "last", "meanwhile", "mine", "mine again"]);
  }
  expect([two, three].filter(({ shared }) => shared.isLeader)).toHaveLength(1);
  expect(textsOf((await bens?.messages()) ?? []).toSorted()).toEqual(heard[0]?.toSorted());
});

test.each([
  ["was", "lose-answer"],
  ["was not", "drop"],
] as const)("XMS-03: a message that %s sent when its leader went is sent once", async (_, kind) => {
  const { ben, openTab } = await createBrowser();
  const [one, two] = [await openTab(), await openTab()];
  const group = await two.shared.conversations.createGroup([ben.client.inboxId]);
  const reached = new Promise<void>((resolve) => {
    one.fault = (path) => {
      if (!path.endsWith("/SendGroupMessages")) return undefined;
      // What the node hears it keeps, also from a page that is gone when it answers.
      setImmediate(() => {
        one.crash();
        resolve();
      });
      return { kind };
    };
  });
  const sending = group.sendText("said once");
  await reached;
  await sending;
  expect(two.shared.isLeader).toBe(true);
  await ben.client.conversations.syncAll();
  const [bens] = await ben.client.conversations.listGroups();
  expect(textsOf((await bens?.messages()) ?? [])).toEqual(["said once"]);
  expect(textsOf(await group.messages())).toEqual(["said once"]);
});

test("client/interrupted: what may have happened is not done twice without a look", async () => {
  const { ben, openTab } = await createBrowser();
  const [one, two] = [await openTab(), await openTab()];
  const reached = new Promise<void>((resolve) => {
    one.fault = (path) => {
      if (!path.endsWith("/FetchKeyPackages")) return undefined;
      setImmediate(resolve);
      return { kind: "delay", ms: 10_000 };
    };
  });
  const creating = two.shared.conversations.createGroup([ben.client.inboxId]);
  const refusal = creating.catch((error: unknown) => error);
  await reached;
  one.crash();
  expect(await refusal).toMatchObject({ code: "client/interrupted" });
  // The next call is the new leader's.
  await two.shared.conversations.createGroup([ben.client.inboxId]);
  expect(two.shared.isLeader).toBe(true);
});

test("a leader that closes hands over; the last tab ends the client", async () => {
  const { ben, openTab } = await createBrowser();
  const [one, two] = [await openTab(), await openTab()];
  const group = await one.shared.conversations.createGroup([ben.client.inboxId]);
  const stream = await two.shared.conversations.stream();
  await one.shared.close();
  await expect(group.sendText("too late")).rejects.toMatchObject({ code: "client/closed" });
  expect(await two.shared.conversations.list()).toHaveLength(1);
  expect(two.shared.isLeader).toBe(true);
  // What was there before is not new.
  const next = stream.next();
  const made = await ben.client.conversations.createGroup([two.shared.inboxId]);
  expect((await next).value?.id).toBe(made.id);
  await two.shared.close();
  await expect(two.shared.conversations.list()).rejects.toMatchObject({ code: "client/closed" });
});

test("streams of a tab that is gone end where they are fed", async () => {
  const { openTab } = await createBrowser();
  const [one, two] = [await openTab(), await openTab()];
  const stream = await two.shared.conversations.streamAllMessages();
  expect(stream.isDone).toBe(false);
  await one.shared.conversations.list();
  two.crash();
  // The leader is told by the lock of that tab; it goes on as if nothing was.
  await one.shared.conversations.createGroup([]);
  expect(await one.shared.conversations.list()).toHaveLength(1);
});

test("a tab that cannot open the client says why, and stands in nobody's way", async () => {
  const { openTab } = await createBrowser();
  const origin = createOrigin();
  const failing = shareClient({
    name: "x",
    platform: origin.openTab().platform,
    open: () => Promise.reject(Object.assign(new Error("no"), { code: "storage/wrong-key" })),
  });
  await expect(failing).rejects.toMatchObject({ code: "storage/wrong-key" });
  const good = await openTab();
  expect(good.shared.isLeader).toBe(true);
});
