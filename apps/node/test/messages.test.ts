import { expect, test } from "vitest";
import { Status } from "@coterie/transport";
import {
  BatchPublishCommitLogRequest,
  BatchQueryCommitLogRequest,
  BatchQueryCommitLogResponse,
  GetNewestGroupMessageRequest,
  GetNewestGroupMessageResponse,
  GroupMessage,
  paths,
  SendGroupMessagesRequest,
  SortDirection,
  SubscribeGroupMessagesRequest,
} from "@coterie/wire";
import type { GroupMessageInput, PublishCommitLogRequest } from "@coterie/wire";
import { openMemoryLog } from "../src/index.ts";
import type { NodeLog } from "../src/index.ts";
import {
  bytes,
  clock,
  contentOf,
  none,
  privateMessage,
  query,
  send,
  sendRequest,
  world,
} from "./world.ts";

const refused = { status: Status.invalidArgument, sent: "answered" };
const { mls } = paths;

const input = (data: Uint8Array): GroupMessageInput => ({
  kind: "v1",
  value: { data, senderHmac: none, shouldPush: false },
});

test("XND-32: messages are stored in the order of the request, whole", async () => {
  const { client } = world();
  await send(client, { group: 1, content: 1 }, { group: 1, content: 2 }, { group: 1, content: 3 });
  const { messages } = await query(client, 1, { direction: SortDirection.ascending });
  expect(messages.map(contentOf)).toEqual([1, 2, 3]);
  expect(messages[0]).toMatchObject({
    groupId: bytes(1),
    data: privateMessage(bytes(1), bytes(0, 1)),
    senderHmac: bytes(7),
    shouldPush: true,
    isCommit: false,
  });
});

const badSends: [string, readonly GroupMessageInput[]][] = [
  ["no messages", []],
  ["a message without v1", [{ kind: "unset" }]],
  ["no data", [input(none)]],
  ["bytes that are no MLS message", [input(bytes(0, 1, 2, 3))]],
  ["a welcome", [input(bytes(0, 1, 0, 3, 0, 3, 0, 0))]],
  [
    "a public message",
    [input(bytes(0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0))],
  ],
  ["an empty group id", [input(privateMessage(none, bytes(1)))]],
  ["bytes after the message", [input(Uint8Array.from([...privateMessage(bytes(1), bytes(1)), 0]))]],
];
for (const [what, messages] of badSends) {
  test(`XND-32: ${what} is refused, and nothing of the request is stored`, async () => {
    const { client } = world();
    const good = messages.length === 0 ? [] : [input(privateMessage(bytes(1), bytes(1)))];
    const request = SendGroupMessagesRequest.encode({ messages: [...good, ...messages] });
    await expect(client.unary(mls.sendGroupMessages, request)).rejects.toMatchObject(refused);
    expect((await query(client, 1)).messages).toEqual([]);
  });
}

test("XND-05: every method refuses bytes that are no request", async () => {
  const { client } = world();
  const garbage = bytes(0x0a, 0xff, 0xff, 0xff);
  for (const path of [...Object.values(mls), ...Object.values(paths.identity)]) {
    const call = path.includes("/Subscribe")
      ? client.serverStream(path, garbage)[Symbol.asyncIterator]().next()
      : client.unary(path, garbage);
    await expect(call).rejects.toMatchObject(refused);
  }
});

test("XND-33: ids rise over all groups; times rise within a group though the clock stands", async () => {
  const { client } = world();
  await Promise.all(
    Array.from({ length: 30 }, (_, content) => send(client, { group: 1 + (content % 2), content })),
  );
  for (const group of [1, 2]) {
    const { messages } = await query(client, group, { direction: SortDirection.ascending });
    expect(messages).toHaveLength(15);
    messages.slice(1).forEach((message, at) => {
      expect(message.id > (messages[at]?.id as bigint)).toBe(true);
      expect(message.createdNs > (messages[at]?.createdNs as bigint)).toBe(true);
    });
  }
});

test("XND-34: the same message again is acknowledged and not stored", async () => {
  const { client, node } = world();
  for (let again = 0; again < 3; again++) await send(client, { group: 1, content: 1 });
  expect((await query(client, 1)).messages).toHaveLength(1);
  expect(node.metrics.render()).toContain('coterie_group_messages_total{outcome="duplicate"} 2');
});

test("XND-35: is_commit is true of commits and proposals", async () => {
  const { client } = world();
  await send(
    client,
    { group: 1, content: 1 },
    { group: 1, content: 2, type: "proposal" },
    { group: 1, content: 3, type: "commit" },
  );
  const { messages } = await query(client, 1, { direction: SortDirection.ascending });
  expect(messages.map(({ isCommit }) => isCommit)).toEqual([false, true, true]);
});

test("XND-37: direction, limit and cursor", async () => {
  const { client } = world();
  for (let from = 0; from < 250; from += 50) {
    await send(
      client,
      ...Array.from({ length: 50 }, (_, at) => ({ group: 1, content: from + at })),
    );
  }
  const numbers = async (paging?: Parameters<typeof query>[2]) => {
    const answer = await query(client, 1, paging);
    return { contents: answer.messages.map(contentOf), paging: answer.paging };
  };
  const up = { direction: SortDirection.ascending };

  const newestFirst = await numbers();
  expect(newestFirst.contents).toEqual(Array.from({ length: 100 }, (_, at) => 249 - at));
  expect(newestFirst.paging).toMatchObject({ direction: SortDirection.descending, limit: 100 });
  const second = await numbers({ idCursor: newestFirst.paging.idCursor });
  expect(second.contents[0]).toBe(149);

  let cursor = 0n;
  const all: number[] = [];
  for (const size of [100, 100, 50]) {
    const page = await numbers({ ...up, idCursor: cursor });
    expect(page.contents).toHaveLength(size);
    all.push(...page.contents);
    cursor = page.paging.idCursor;
  }
  expect(cursor).toBe(0n);
  expect(all).toEqual(Array.from({ length: 250 }, (_, at) => at));

  expect((await numbers({ ...up, limit: 3 })).contents).toEqual([0, 1, 2]);
  for (const limit of [0, 101, 4_000_000_000]) {
    expect((await numbers({ ...up, limit })).paging.limit).toBe(100);
  }
  expect((await numbers({ ...up, idCursor: (1n << 64n) - 1n })).contents).toEqual([]);
});

test("XND-37: an empty group id is refused", async () => {
  const { client } = world();
  await expect(client.unary(mls.queryGroupMessages, none)).rejects.toMatchObject(refused);
  await expect(client.unary(mls.queryWelcomeMessages, none)).rejects.toMatchObject(refused);
});

test("XND-03, XND-37: a page too large for clients ends early and says where it goes on", async () => {
  const { client } = world({ pageBytes: 250 });
  await send(client, ...Array.from({ length: 10 }, (_, content) => ({ group: 1, content })));
  const page = await query(client, 1, { direction: SortDirection.ascending });
  expect(page.messages.length).toBeLessThan(10);
  expect(page.paging.idCursor).toBe(page.messages.at(-1)?.id);
});

test("XND-40: the newest message of each group, in order, empty where there is none", async () => {
  const { client } = world();
  await send(client, { group: 1, content: 1 }, { group: 2, content: 2 });
  await send(client, { group: 1, content: 3, type: "commit" });
  const ask = async (includeContent: boolean) => {
    const groupIds = [bytes(2), bytes(9), bytes(1)];
    const request = GetNewestGroupMessageRequest.encode({ groupIds, includeContent });
    const answer = await client.unary(mls.getNewestGroupMessage, request);
    return GetNewestGroupMessageResponse.decode(answer).responses.map(({ groupMessage }) =>
      groupMessage?.kind === "v1" ? groupMessage.value : undefined,
    );
  };
  const full = await ask(true);
  expect(full.map((one) => one && contentOf(one))).toEqual([2, undefined, 3]);
  const heads = await ask(false);
  expect(heads[2]).toEqual({
    ...full[2],
    data: none,
    senderHmac: none,
    shouldPush: false,
  });
  expect(heads[2]?.isCommit).toBe(true);
  await expect(client.unary(mls.getNewestGroupMessage, none)).rejects.toMatchObject(refused);
});

const entry = (content: number): PublishCommitLogRequest => ({
  groupId: bytes(1),
  serializedCommitLogEntry: bytes(content),
  signature: { bytes: bytes(1, 1), publicKey: bytes(2, 2) },
});

test("XND-41: commit log entries come back ascending, page by page", async () => {
  const { client } = world();
  for (const from of [0, 10]) {
    const requests = Array.from({ length: 10 }, (_, at) => entry(from + at));
    await client.unary(
      mls.batchPublishCommitLog,
      BatchPublishCommitLogRequest.encode({ requests }),
    );
  }
  const paging = { direction: SortDirection.descending, limit: 15, idCursor: 0n };
  const request = BatchQueryCommitLogRequest.encode({
    requests: [{ groupId: bytes(1), pagingInfo: paging }, { groupId: bytes(2) }],
  });
  const { responses } = BatchQueryCommitLogResponse.decode(
    await client.unary(mls.batchQueryCommitLog, request),
  );
  expect(responses.map(({ groupId }) => groupId[0])).toEqual([1, 2]);
  const [full, nothing] = responses;
  expect(full?.commitLogEntries.map((one) => one.serializedCommitLogEntry[0])).toEqual(
    Array.from({ length: 15 }, (_, at) => at),
  );
  expect(full?.pagingInfo?.idCursor).toBe(full?.commitLogEntries.at(-1)?.sequenceId);
  expect(full?.commitLogEntries[0]?.signature).toEqual({
    bytes: bytes(1, 1),
    publicKey: bytes(2, 2),
  });
  expect([nothing?.commitLogEntries, nothing?.pagingInfo?.idCursor]).toEqual([[], 0n]);
});

const badEntries: [string, PublishCommitLogRequest[]][] = [
  ["eleven entries", Array.from({ length: 11 }, (_, at) => entry(at))],
  ["an entry without signature", [{ ...entry(1), signature: undefined }]],
  ["an entry without group", [{ ...entry(1), groupId: none }]],
  ["an empty entry", [{ ...entry(1), serializedCommitLogEntry: none }]],
];
for (const [what, requests] of badEntries) {
  test(`XND-41: ${what}: refused`, async () => {
    const { client } = world();
    const request = BatchPublishCommitLogRequest.encode({ requests });
    await expect(client.unary(mls.batchPublishCommitLog, request)).rejects.toMatchObject(refused);
  });
}

test("XND-41: more than 20 groups in one query are refused", async () => {
  const { client } = world();
  const requests = Array.from({ length: 21 }, () => ({ groupId: bytes(1) }));
  const request = BatchQueryCommitLogRequest.encode({ requests });
  await expect(client.unary(mls.batchQueryCommitLog, request)).rejects.toMatchObject(refused);
});

test("XND-04, XND-38: headers come at once, then history, then what is published", async () => {
  const { client } = world();
  await send(client, { group: 1, content: 1 }, { group: 1, content: 2 });
  const [first] = (await query(client, 1, { direction: SortDirection.ascending })).messages;
  const stream = client.serverStream(
    mls.subscribeGroupMessages,
    SubscribeGroupMessagesRequest.encode({
      filters: [
        { groupId: bytes(1), idCursor: first?.id as bigint },
        { groupId: bytes(2), idCursor: 0n },
      ],
    }),
  );
  expect(await stream.opened).toMatchObject({ subscribed: "true" });
  await send(client, { group: 2, content: 3 }, { group: 3, content: 4 });
  await send(client, { group: 1, content: 5 });
  const seen: number[] = [];
  for await (const message of stream) {
    const decoded = GroupMessage.decode(message);
    if (decoded.kind === "v1") seen.push(contentOf(decoded.value));
    if (seen.length === 3) break;
  }
  expect(seen).toEqual([2, 3, 5]);
});

test("XND-38: a stream reads its history in small pages, and a message that is larger than one", async () => {
  const log = openMemoryLog({ clock });
  const pages: number[] = [];
  const counted: NodeLog = {
    ...log,
    async groupMessages(asked) {
      const page = await log.groupMessages(asked);
      pages.push(page.entries.length);
      return page;
    },
  };
  const { client } = world({ streamPageBytes: 250 }, counted);
  await send(client, ...Array.from({ length: 10 }, (_, content) => ({ group: 1, content })));
  const filters = [{ groupId: bytes(1), idCursor: 0n }];
  const stream = client.serverStream(
    mls.subscribeGroupMessages,
    SubscribeGroupMessagesRequest.encode({ filters }),
  );
  let count = 0;
  for await (const _ of stream) if (++count === 10) break;
  expect(pages.length).toBeGreaterThan(1);
  expect(Math.max(...pages)).toBeLessThan(10);
});

test("XND-04: a stream without filters opens at once and stays silent", async () => {
  const { client, node } = world();
  const stream = client.serverStream(mls.subscribeGroupMessages, none);
  expect(await stream.opened).toMatchObject({ subscribed: "true" });
  const next = stream[Symbol.asyncIterator]().next();
  node.close();
  await expect(next).rejects.toMatchObject({ status: Status.unavailable });
});

test("XND-39: a reader that lags too far is cut with ABORTED", async () => {
  const { client, log } = world({ queueMessages: 4 });
  const stream = client.serverStream(
    mls.subscribeGroupMessages,
    SubscribeGroupMessagesRequest.encode({ filters: [{ groupId: bytes(1), idCursor: 0n }] }),
  );
  await stream.opened;
  const messages = stream[Symbol.asyncIterator]();
  const first = messages.next();
  await send(client, { group: 1, content: 0 });
  await first;
  const burst = Array.from({ length: 50 }, (_, at) => ({
    groupId: bytes(1),
    data: bytes(at),
    senderHmac: none,
    shouldPush: false,
    isCommit: false,
  }));
  await log.appendGroupMessages(burst);
  const drain = async () => {
    while ((await messages.next()).done !== true);
  };
  await expect(drain()).rejects.toMatchObject({ status: Status.aborted });
});

test("XND-03: what no client could read is not stored, and an answer does not outgrow them", async () => {
  const { client } = world({
    entryBytes: 100,
    entriesPerPublish: 3,
    answerBytes: 400,
    keysPerRequest: 10,
  });
  const exhausted = { status: Status.resourceExhausted };
  const large = SendGroupMessagesRequest.encode({
    messages: [
      input(
        Uint8Array.from([
          ...privateMessage(bytes(1), bytes(1)).subarray(0, -2),
          60,
          ...new Uint8Array(60),
        ]),
      ),
    ],
  });
  const small = SendGroupMessagesRequest.encode({
    messages: [input(privateMessage(bytes(1), bytes(1)))],
  });
  await client.unary(mls.sendGroupMessages, large);
  await client.unary(mls.sendGroupMessages, small);
  const tight = world({ entryBytes: 60 });
  await expect(tight.client.unary(mls.sendGroupMessages, large)).rejects.toMatchObject(exhausted);
  const four = sendRequest(...[1, 2, 3, 4].map((content) => ({ group: 1, content })));
  await expect(client.unary(mls.sendGroupMessages, four)).rejects.toMatchObject(exhausted);
  const newest = (count: number) =>
    client.unary(
      mls.getNewestGroupMessage,
      GetNewestGroupMessageRequest.encode({
        groupIds: Array.from({ length: count }, () => bytes(1)),
        includeContent: true,
      }),
    );
  await newest(2);
  await expect(newest(9)).rejects.toMatchObject(exhausted);
  await expect(newest(11)).rejects.toMatchObject(exhausted);
});

test("a subscription to more topics than allowed is refused", async () => {
  const { client } = world({ subscriptionTopics: 2 });
  const filters = [1, 2, 3].map((group) => ({ groupId: bytes(group), idCursor: 0n }));
  const stream = client.serverStream(
    mls.subscribeGroupMessages,
    SubscribeGroupMessagesRequest.encode({ filters }),
  );
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    status: Status.resourceExhausted,
  });
});

test("XND-44: health answers SERVING, and NOT_SERVING once the node closes", async () => {
  const { client, node } = world();
  expect([...(await client.unary(paths.health.check, none))]).toEqual([8, 1]);
  node.close();
  expect([...(await client.unary(paths.health.check, none))]).toEqual([8, 2]);
});

test("retired methods answer UNIMPLEMENTED", async () => {
  const { client } = world();
  for (const path of Object.values(paths.retired)) {
    await expect(client.unary(path, none)).rejects.toMatchObject({ status: Status.unimplemented });
  }
});

test("a log that fails is UNAVAILABLE to callers, and says nothing of its insides", async () => {
  const { client, log } = world();
  await log.close();
  await expect(
    client.unary(mls.sendGroupMessages, sendRequest({ group: 1, content: 1 })),
  ).rejects.toMatchObject({
    status: Status.unavailable,
  });
});
