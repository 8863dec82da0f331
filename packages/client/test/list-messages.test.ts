import type { GroupId, InboxId, MessageId } from "@coterie/base";
import { createMemoryStore, decodeKey } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { expect, test } from "vitest";
import { ContentType } from "../src/content-filter.ts";
import { encodeReaction, encodeReadReceipt, encodeText } from "../src/content/encode.ts";
import { encodeContent } from "../src/content/encoded-content.ts";
import type { EncodedContent } from "../src/content/encoded-content.ts";
import { deleteMessage, readMessage, writeMessages } from "../src/db.ts";
import type { MessageRow } from "../src/engine/state.ts";
import { DeliveryStatus, GroupMessageKind, MessageSortBy, SortDirection } from "../src/enums.ts";
import { countMessages, listMessages } from "../src/list-messages.ts";
import type { ListMessagesOptions } from "../src/list-messages.ts";
import { readLastReads } from "../src/message-index.ts";
import type { Ports } from "../src/run.ts";
import type { Groups } from "../src/groups.ts";
import { viewMessages } from "../src/view-messages.ts";

const group = "0a".repeat(16) as GroupId;
const idOf = (n: number): MessageId => n.toString(16).padStart(64, "0") as MessageId;
const ada = "a".repeat(64) as InboxId;
const bo = "b".repeat(64) as InboxId;

function row(n: number, more: Partial<MessageRow> = {}, said?: EncodedContent): MessageRow {
  const content = said ?? encodeText(`message ${n}`);
  return {
    id: idOf(n),
    groupId: group,
    senderInboxId: n % 2 === 0 ? ada : bo,
    senderInstallationId: "",
    kind: GroupMessageKind.Application,
    content: encodeContent(content),
    contentType: content.type,
    sentAtNs: BigInt(n) * 10n,
    insertedAtNs: 1_000_000n - BigInt(n),
    deliveryStatus: DeliveryStatus.Published,
    sequenceId: BigInt(n),
    ...more,
  };
}

/** A store that counts what is read from it. */
function counted(store: Store): Store & { bytes: number; calls: number } {
  const add = (values: readonly (Uint8Array | undefined)[]): void => {
    out.calls += 1;
    for (const value of values) out.bytes += value?.length ?? 0;
  };
  const out = {
    bytes: 0,
    calls: 0,
    async get(key: Uint8Array) {
      const value = await store.get(key);
      add([value]);
      return value;
    },
    async getMany(keys: readonly Uint8Array[]) {
      const values = await store.getMany(keys);
      add(values);
      return values;
    },
    async list(range: Parameters<Store["list"]>[0]) {
      const entries = await store.list(range);
      add(entries.map(({ value }) => value));
      return entries;
    },
    write: store.write.bind(store),
    close: store.close.bind(store),
  };
  return out;
}

async function filled(rows: readonly MessageRow[]): Promise<Store> {
  const store = createMemoryStore();
  for (let at = 0; at < rows.length; at += 500) {
    const chunk = rows.slice(at, at + 500);
    const { changes } = await writeMessages(
      store,
      chunk.map((one) => ({ kind: "insert" as const, row: one })),
    );
    await store.write(changes);
  }
  return store;
}

const portsOf = (store: Store, nowNs = 1n): Ports =>
  ({ store, clock: { nowNs: () => nowNs } }) as unknown as Ports;
const numbers = async (store: Store, options: ListMessagesOptions, of = [group as string]) =>
  (await listMessages(portsOf(store), of, options)).map(({ id }) => Number.parseInt(id, 16));

test("XMS-10: of 10,000 messages a page of 20 reads no more than a small page", async () => {
  const plain = await filled(Array.from({ length: 10_000 }, (_item, n) => row(n + 1)));
  const pages: readonly (readonly [ListMessagesOptions, number])[] = [
    [{ limit: 20 }, 1],
    [{ limit: 20, direction: SortDirection.Descending }, 10_000],
    [{ limit: 20, direction: SortDirection.Descending, sentBeforeNs: 50_000n }, 4_999],
    [{ limit: 20, sentAfterNs: 50_000n }, 5_001],
    [{ limit: 20, sortBy: MessageSortBy.InsertedAt }, 10_000],
    [{ limit: 20, sortBy: MessageSortBy.InsertedAt, insertedAfterNs: 995_000n }, 4_999],
    [{ limit: 20, sortBy: MessageSortBy.InsertedAt, direction: SortDirection.Descending }, 1],
  ];
  for (const [options, first] of pages) {
    const store = counted(plain);
    const found = await numbers(store, options);
    expect(found.length).toBe(20);
    expect(found[0]).toBe(first);
    expect(store.calls).toBeLessThanOrEqual(2);
    expect(store.bytes).toBeLessThan(20 * 1_024);
  }
  expect((await numbers(plain, {})).length).toBe(10_000);
  expect(await countMessages(portsOf(plain), [group], {})).toBe(10_000);
});

test("XMS-10: messages on which nothing hangs are shown after one look, and what hangs is read for its target alone", async () => {
  const reaction = encodeReaction({
    reference: idOf(3),
    referenceInboxId: "",
    action: 1,
    content: "x",
    schema: 1,
  });
  const rows = Array.from({ length: 40 }, (_item, n) => row(n + 1));
  const store = counted(await filled([...rows, row(50, {}, reaction)]));
  const groups = { find: async () => undefined } as unknown as Groups;
  const view = (some: readonly MessageRow[]) =>
    viewMessages({ ports: portsOf(store), groups, codecs: [] }, some);
  await view(rows.slice(20));
  expect(store.calls).toBe(1);
  const shown = await view(rows.slice(0, 20));
  expect(shown[2]?.reactions.map(({ content }) => content?.content)).toEqual(["x"]);
  expect(shown[3]?.reactions).toEqual([]);
  // One look, then for the third: deletions, reactions, replies, the reaction itself.
  expect(store.calls).toBe(1 + 5);
});

test("XMS-10: paging by the time of the last one seen gives every message once", async () => {
  // Three at a time share one moment.
  const rows = Array.from({ length: 700 }, (_item, n) =>
    row(n + 1, { sentAtNs: BigInt(Math.floor(n / 3)) * 10n }),
  );
  const store = await filled(rows);
  const all = await numbers(store, {});
  expect(all).toEqual(rows.map((_row, n) => n + 1));
  expect(await numbers(store, { direction: SortDirection.Descending })).toEqual(all.toReversed());
  const seen: number[] = [];
  let after = -1n;
  for (;;) {
    const page = await listMessages(portsOf(store), [group], { sentAfterNs: after, limit: 30 });
    const last = page.at(-1);
    if (!last) break;
    // A page may end within a moment: what it shares with the next is left to that one.
    const whole = page.length < 30 ? page : page.filter(({ sentAtNs }) => sentAtNs < last.sentAtNs);
    seen.push(...whole.map(({ id }) => Number.parseInt(id, 16)));
    after = whole.at(-1)?.sentAtNs ?? last.sentAtNs;
  }
  expect(seen).toEqual(all);
});

test("XMS-10: filters by status, kind, sender, type and time say who is shown", async () => {
  const reaction = encodeReaction({
    reference: idOf(1),
    referenceInboxId: bo,
    action: 1,
    content: "x",
    schema: 1,
  });
  const odd = {
    ...encodeText("odd"),
    type: { authorityId: "my.org", typeId: "odd", versionMajor: 1, versionMinor: 0 },
  };
  const store = await filled([
    row(1),
    row(2, { deliveryStatus: DeliveryStatus.Failed, sequenceId: undefined }),
    row(3, { kind: GroupMessageKind.MembershipChange }),
    row(4, {}, reaction),
    row(5, {}, encodeReadReceipt()),
    row(6, {}, odd),
    row(7, { contentType: undefined, content: Uint8Array.of(255) }),
    row(8, { deliveryStatus: DeliveryStatus.Unpublished, sequenceId: undefined }),
  ]);
  const shown = (options: ListMessagesOptions) => numbers(store, options);
  expect(await shown({})).toEqual([1, 2, 3, 6, 7, 8]);
  expect(await shown({ deliveryStatus: DeliveryStatus.Failed })).toEqual([2]);
  expect(await shown({ deliveryStatus: DeliveryStatus.Unpublished })).toEqual([8]);
  expect(await shown({ kind: GroupMessageKind.MembershipChange })).toEqual([3]);
  expect(await shown({ excludeSenderInboxIds: [ada] })).toEqual([1, 3, 7]);
  expect(await shown({ contentTypes: [ContentType.Text] })).toEqual([1, 2, 3, 8]);
  expect(await shown({ contentTypes: ["text", "odd"] })).toEqual([1, 2, 3, 6, 8]);
  expect(await shown({ contentTypes: [ContentType.Custom] })).toEqual([6, 7]);
  expect(await shown({ contentTypes: ["unknown"] })).toEqual([7]);
  // What hangs on others is never in a list of its own, but counted.
  expect(await shown({ contentTypes: [ContentType.Reaction, ContentType.ReadReceipt] })).toEqual(
    [],
  );
  const count = (options: ListMessagesOptions) => countMessages(portsOf(store), [group], options);
  expect(await count({})).toBe(8);
  expect(await count({ contentTypes: [ContentType.Reaction] })).toBe(1);
  expect(await shown({ excludeContentTypes: [ContentType.Text] })).toEqual([6, 7]);
  expect(await shown({ sentAfterNs: 10n, sentBeforeNs: 70n })).toEqual([2, 3, 6]);
  expect(await shown({ insertedAfterNs: 999_993n })).toEqual([1, 2, 3, 6]);
  expect(await shown({ insertedBeforeNs: 999_994n })).toEqual([7, 8]);
  expect(await shown({ sentAfterNs: -5n, sentBeforeNs: 1n << 70n })).toEqual([1, 2, 3, 6, 7, 8]);
  expect(await shown({ sentAfterNs: 1n << 70n })).toEqual([]);
  expect(await shown({ sentBeforeNs: -1n })).toEqual([]);
  expect(await shown({ limit: 0 })).toEqual([]);
  for (const limit of [-1, 0.5, Number.NaN]) {
    await expect(shown({ limit })).rejects.toMatchObject({ code: "client/bad-argument" });
  }
});

test("XDM-05: several conversations are one list, in both directions", async () => {
  const other = "0b".repeat(16) as GroupId;
  const store = await filled(
    Array.from({ length: 400 }, (_item, n) => row(n + 1, n % 3 === 0 ? { groupId: other } : {})),
  );
  const all = Array.from({ length: 400 }, (_item, n) => n + 1);
  const both = [group, other];
  expect(await numbers(store, {}, both)).toEqual(all);
  expect(await numbers(store, { limit: 7, direction: SortDirection.Descending }, both)).toEqual(
    all.toReversed().slice(0, 7),
  );
  expect(await countMessages(portsOf(store), both, {})).toBe(400);
});

test("XDS-04: what has expired is not shown, whether or not the worker came by", async () => {
  const store = await filled([
    row(1, { expireAtNs: 50n }),
    row(2, { expireAtNs: 51n }),
    row(3, { expireAtNs: 1n, deliveryStatus: DeliveryStatus.Unpublished }),
  ]);
  const rows = await listMessages(portsOf(store, 50n), [group], {});
  expect(rows.map(({ id }) => Number.parseInt(id, 16))).toEqual([2, 3]);
});

test("a deleted message leaves nothing behind; the newest receipt of each sender is known", async () => {
  const rows = [
    row(1),
    row(2, { expireAtNs: 9n }),
    row(
      3,
      {},
      encodeReaction({
        reference: idOf(1),
        referenceInboxId: "",
        action: 1,
        content: "",
        schema: 0,
      }),
    ),
  ];
  const store = await filled(rows);
  await store.write(rows.flatMap(deleteMessage));
  expect(await readMessage(store, idOf(1))).toBeUndefined();
  const left = await store.list({ from: Uint8Array.of(0), to: Uint8Array.of(255) });
  // But that something once hung on the first one.
  expect(left.map(({ key }) => decodeKey(key))).toEqual([["mh", idOf(1)]]);

  const receipts = await filled([
    row(2, {}, encodeReadReceipt()),
    row(4, {}, encodeReadReceipt()),
    row(3, {}, encodeReadReceipt()),
    row(6, { deliveryStatus: DeliveryStatus.Unpublished }, encodeReadReceipt()),
  ]);
  const { changes } = await writeMessages(receipts, [
    { kind: "insert", row: row(1, {}, encodeReadReceipt()) },
  ]);
  await receipts.write(changes);
  expect(await readLastReads(receipts, [group])).toEqual({ [ada]: 40n, [bo]: 30n });
});
