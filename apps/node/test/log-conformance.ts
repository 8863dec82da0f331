import { expect, test } from "vitest";
import type { NewGroupMessage, NewWelcome, NodeLog } from "../src/log/log.ts";

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

export const message = (group: number, content: number, more: Partial<NewGroupMessage> = {}) => ({
  groupId: bytes(group),
  data: bytes(group, content),
  senderHmac: bytes(9),
  shouldPush: true,
  isCommit: false,
  ...more,
});

const welcome = (to: number, content: number, more: Partial<NewWelcome> = {}): NewWelcome => ({
  kind: "v1",
  installationKey: bytes(to),
  data: bytes(content),
  hpkePublicKey: bytes(1, 2),
  wrapperAlgorithm: 2,
  welcomeMetadata: bytes(3),
  ...more,
});

const ascending = { direction: "ascending", limit: 100 } as const;
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, one) => {
      if (typeof one === "bigint") return `${one}n`;
      return one instanceof Uint8Array ? [...one] : (one as unknown);
    }).replaceAll(/\{"type":"Buffer","data":(\[[\d,]*\])\}/g, "$1"),
  );

/** What every engine behind the `NodeLog` port holds to. `open` gives an empty log on a clock that stands still. */
export function logConformance(engine: string, open: () => Promise<NodeLog>): void {
  const run = (title: string, body: (log: NodeLog) => Promise<void>): void => {
    test(`${engine}: ${title}`, async () => {
      const log = await open();
      try {
        await body(log);
      } finally {
        await log.close();
      }
    });
  };

  run(
    "XND-33: ids rise over all groups, times rise within a group though the clock stands",
    async (log) => {
      await log.appendGroupMessages([message(1, 1), message(2, 1)]);
      await log.appendGroupMessages([message(1, 2), message(1, 3)]);
      const one = (await log.groupMessages({ topic: bytes(1), ...ascending })).entries;
      const two = (await log.groupMessages({ topic: bytes(2), ...ascending })).entries;
      const ids = [one[0]?.id, two[0]?.id, one[1]?.id, one[2]?.id] as bigint[];
      expect(ids.every((id, at) => at === 0 || id > (ids[at - 1] as bigint))).toBe(true);
      expect(ids[0]).toBeGreaterThan(0n);
      expect(one.map(({ data }) => data[1])).toEqual([1, 2, 3]);
      const times = one.map(({ createdNs }) => createdNs);
      expect(times.every((time, at) => at === 0 || time > (times[at - 1] as bigint))).toBe(true);
    },
  );

  run("XND-33: concurrent appends are each whole and in the order asked", async (log) => {
    await Promise.all(
      Array.from({ length: 40 }, (_, at) =>
        log.appendGroupMessages([message(1, at), message(2, at)]),
      ),
    );
    for (const group of [1, 2]) {
      const { entries } = await log.groupMessages({ topic: bytes(group), ...ascending });
      expect(entries.map(({ data }) => data[1])).toEqual(Array.from({ length: 40 }, (_, at) => at));
    }
  });

  run("XND-34: the same bytes in the same group are stored once", async (log) => {
    expect(await log.appendGroupMessages([message(1, 1), message(1, 1)])).toEqual({
      stored: 1,
      duplicates: 1,
    });
    expect(await log.appendGroupMessages([message(1, 1)])).toEqual({ stored: 0, duplicates: 1 });
    expect(await log.appendGroupMessages([message(1, 1, { groupId: bytes(7) })])).toEqual({
      stored: 1,
      duplicates: 0,
    });
    expect(await log.appendWelcomes([welcome(1, 1), welcome(1, 1)])).toEqual({
      stored: 1,
      duplicates: 1,
    });
  });

  run("XND-34: topic and data cannot run into each other", async (log) => {
    const first = message(0, 0, { groupId: bytes(1), data: bytes(2, 3) });
    const second = message(0, 0, { groupId: bytes(1, 2), data: bytes(3) });
    expect(await log.appendGroupMessages([first, second])).toEqual({ stored: 2, duplicates: 0 });
  });

  run("XND-37: pages from both ends, cursor excluded, full says there may be more", async (log) => {
    await log.appendGroupMessages(Array.from({ length: 5 }, (_, at) => message(1, at)));
    const topic = bytes(1);
    const first = await log.groupMessages({ topic, direction: "ascending", limit: 3 });
    expect(first.full).toBe(true);
    expect(first.entries.map(({ data }) => data[1])).toEqual([0, 1, 2]);
    const cursor = first.entries[2]?.id;
    const rest = await log.groupMessages({ topic, direction: "ascending", cursor, limit: 3 });
    expect(rest.full).toBe(false);
    expect(rest.entries.map(({ data }) => data[1])).toEqual([3, 4]);
    const newest = await log.groupMessages({ topic, direction: "descending", limit: 2 });
    expect(newest.entries.map(({ data }) => data[1])).toEqual([4, 3]);
    const before = await log.groupMessages({ topic, direction: "descending", cursor, limit: 9 });
    expect(before.entries.map(({ data }) => data[1])).toEqual([1, 0]);
    const beyond = { topic, cursor: (1n << 64n) - 1n, limit: 9 };
    expect((await log.groupMessages({ ...beyond, direction: "ascending" })).entries).toEqual([]);
    expect((await log.groupMessages({ ...beyond, direction: "descending" })).entries).toHaveLength(
      5,
    );
  });

  run("XND-03: a page ends before its bytes pass the limit, but never empty", async (log) => {
    const big = (at: number) => message(1, at, { data: new Uint8Array(1000).fill(at) });
    await log.appendGroupMessages([big(1), big(2), big(3)]);
    const query = { topic: bytes(1), ...ascending };
    const two = await log.groupMessages({ ...query, maxBytes: 2500 });
    expect([two.entries.length, two.full]).toEqual([2, true]);
    const one = await log.groupMessages({ ...query, maxBytes: 10 });
    expect([one.entries.length, one.full]).toEqual([1, true]);
  });

  run("entries come back as they went in", async (log) => {
    const pointer = welcome(3, 4, {
      kind: "pointer",
      welcomeMetadata: bytes(),
      wrapperAlgorithm: 77,
    });
    const commit = message(1, 1, { isCommit: true, shouldPush: false, senderHmac: bytes() });
    await log.appendGroupMessages([commit]);
    await log.appendWelcomes([welcome(3, 3), pointer]);
    const [stored] = (await log.groupMessages({ topic: bytes(1), ...ascending })).entries;
    expect(plain(stored)).toMatchObject(plain(commit) as object);
    const { entries } = await log.welcomes({ topic: bytes(3), ...ascending });
    expect(plain(entries)).toMatchObject([plain(welcome(3, 3)), plain(pointer)] as object[]);
  });

  run(
    "XND-40: the newest of each group, in the order asked, with or without content",
    async (log) => {
      await log.appendGroupMessages([
        message(1, 1),
        message(1, 2, { isCommit: true }),
        message(2, 1),
      ]);
      const asked = [bytes(2), bytes(8), bytes(1)];
      const full = await log.newestGroupMessages(asked, { content: true });
      expect(full.map((one) => one && [...one.data])).toEqual([[2, 1], undefined, [1, 2]]);
      const heads = await log.newestGroupMessages(asked, { content: false });
      expect(
        heads.map((one) => one && [one.data.length, one.senderHmac.length, one.isCommit]),
      ).toEqual([[0, 0, false], undefined, [0, 0, true]]);
      expect(heads[2]?.id).toBe(full[2]?.id);
      await log.appendGroupMessages([message(1, 3)]);
      const [next] = await log.newestGroupMessages([bytes(1)], { content: false });
      const [whole] = await log.newestGroupMessages([bytes(1)], { content: true });
      expect(next?.id).toBe(whole?.id);
    },
  );

  run(
    "XND-30, XND-31: the newest key package per installation, unknown ones absent",
    async (log) => {
      await log.putKeyPackage(bytes(1), bytes(1, 1));
      await log.putKeyPackage(bytes(1), bytes(1, 2));
      const found = await log.keyPackages([bytes(2), bytes(1), bytes(1)]);
      expect(plain(found)).toEqual([null, [1, 2], [1, 2]]);
    },
  );

  run(
    "XND-22: an update judged against an older log is a conflict and leaves nothing",
    async (log) => {
      const ada = { kind: "ethereum", text: "0xada" } as const;
      const base = { inboxId: "a", revoked: [] };
      const first = await log.appendIdentityUpdate({
        ...base,
        update: bytes(1),
        expectedLast: 0n,
        added: [ada],
      });
      expect(first.kind).toBe("appended");
      const late = await log.appendIdentityUpdate({
        ...base,
        update: bytes(2),
        expectedLast: 0n,
        added: [{ kind: "ethereum", text: "0xbob" }],
      });
      expect(late).toEqual({ kind: "conflict" });
      expect(await log.inboxIds([ada, { kind: "ethereum", text: "0xbob" }])).toEqual([
        "a",
        undefined,
      ]);
      expect(await log.identityUpdates("a", 0n)).toHaveLength(1);
    },
  );

  run(
    "XND-20, XND-22: an identifier resolves to its newest association that stands",
    async (log) => {
      const wallet = { kind: "ethereum", text: "0xada" } as const;
      const passkey = { kind: "passkey", text: "0xada" } as const;
      const append = async (
        inboxId: string,
        expectedLast: bigint,
        change: { added?: readonly (typeof wallet)[]; revoked?: readonly (typeof wallet)[] },
      ): Promise<bigint> => {
        const done = await log.appendIdentityUpdate({
          inboxId,
          update: bytes(inboxId.charCodeAt(0)),
          expectedLast,
          added: change.added ?? [],
          revoked: change.revoked ?? [],
        });
        if (done.kind !== "appended") throw new Error("conflict");
        return done.sequenceId;
      };
      const a1 = await append("a", 0n, { added: [wallet] });
      const b1 = await append("b", 0n, { added: [wallet] });
      expect(b1).toBeGreaterThan(a1);
      expect(await log.inboxIds([wallet, passkey])).toEqual(["b", undefined]);
      const b2 = await append("b", b1, { revoked: [wallet] });
      expect(await log.inboxIds([wallet])).toEqual(["a"]);
      await append("a", a1, { revoked: [wallet] });
      expect(await log.inboxIds([wallet])).toEqual([undefined]);
      await append("b", b2, { added: [wallet] });
      expect(await log.inboxIds([wallet])).toEqual(["b"]);
    },
  );

  run("XND-21: updates after a sequence id, ascending", async (log) => {
    let last = 0n;
    for (const content of [1, 2, 3]) {
      const done = await log.appendIdentityUpdate({
        inboxId: "a",
        update: bytes(content),
        expectedLast: last,
        added: [],
        revoked: [],
      });
      if (done.kind === "appended") last = done.sequenceId;
    }
    const all = await log.identityUpdates("a", 0n);
    expect(all.map(({ update }) => update[0])).toEqual([1, 2, 3]);
    const second = all[1]?.sequenceId as bigint;
    expect((await log.identityUpdates("a", second)).map(({ update }) => update[0])).toEqual([3]);
    expect(await log.identityUpdates("nobody", 0n)).toEqual([]);
  });

  run("XND-41: the commit log has its own ids and keeps repeated entries", async (log) => {
    await log.appendGroupMessages([message(1, 1), message(1, 2)]);
    const entry = { groupId: bytes(1), entry: bytes(5), signature: bytes(6), publicKey: bytes(7) };
    await log.appendCommitLog([entry, entry]);
    const { entries } = await log.commitLog({ topic: bytes(1), ...ascending });
    expect(entries.map(({ id }) => id)).toEqual([1n, 2n]);
    expect(plain(entries[0])).toMatchObject(plain(entry) as object);
  });

  run(
    "XND-38: watchers hear of each stored entry once, in id order, before the writer does",
    async (log) => {
      const heard: bigint[] = [];
      let welcomes = 0;
      const stop = log.watch({
        groupMessages: (messages) => heard.push(...messages.map(({ id }) => id)),
        welcomes: (some) => (welcomes += some.length),
      });
      await Promise.all(
        Array.from({ length: 10 }, (_, at) => log.appendGroupMessages([message(1, at % 5)])),
      );
      await log.appendWelcomes([welcome(1, 1)]);
      const { entries } = await log.groupMessages({ topic: bytes(1), ...ascending });
      expect(heard).toEqual(entries.map(({ id }) => id));
      expect([entries.length, welcomes]).toEqual([5, 1]);
      stop();
      await log.appendGroupMessages([message(1, 99)]);
      expect(heard).toHaveLength(5);
    },
  );

  run("XND-43: what is old goes, a chunk at a time, and commits stay", async (log) => {
    for (let at = 0; at < 6; at++) {
      await log.appendGroupMessages([message(at % 2, at, { isCommit: at === 2 })]);
    }
    await log.appendWelcomes([welcome(1, 1), welcome(1, 2)]);
    await log.putKeyPackage(bytes(1), bytes(1));
    const later = 1_800_000_000_000_000_000n;
    expect(await log.prune({ most: 2 })).toEqual({ entries: 0, done: true });
    expect(await log.prune({ messagesBeforeNs: 1n, welcomesBeforeNs: 1n, most: 2 })).toEqual({
      entries: 0,
      done: true,
    });
    let entries = 0;
    for (let done = false; !done;) {
      const pruned = await log.prune({ messagesBeforeNs: later, most: 2 });
      entries += pruned.entries;
      done = pruned.done;
    }
    expect(entries).toBe(5);
    const left = await Promise.all(
      [0, 1].map((group) => log.groupMessages({ topic: bytes(group), ...ascending })),
    );
    expect(left.map((page) => page.entries.map(({ data }) => data[1]))).toEqual([[2], []]);
    expect((await log.welcomes({ topic: bytes(1), ...ascending })).entries).toHaveLength(2);
    expect(await log.prune({ welcomesBeforeNs: later, most: 9 })).toMatchObject({ entries: 3 });
    expect((await log.welcomes({ topic: bytes(1), ...ascending })).entries).toEqual([]);
    expect(await log.keyPackages([bytes(1)])).toEqual([undefined]);
    await log.appendGroupMessages([message(1, 9)]);
    const { entries: more } = await log.groupMessages({ topic: bytes(1), ...ascending });
    expect(more[0]?.id).toBe(7n);
  });

  run("a closed log says so", async (log) => {
    await log.close();
    await expect(log.appendGroupMessages([message(1, 1)])).rejects.toMatchObject({
      code: "node/closed",
    });
    await expect(log.groupMessages({ topic: bytes(1), ...ascending })).rejects.toMatchObject({
      code: "node/closed",
    });
  });
}
