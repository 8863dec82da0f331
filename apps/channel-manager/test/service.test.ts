import { expect, test, vi } from "vitest";
import { createMemoryTransport } from "@coterie/transport";
import type { Codec } from "@coterie/wire";
import * as wire from "@coterie/wire/slim/channel-manager";
import { channelManagerRoutes, openHostedChannels } from "@coterie/channel-manager";
import type { ChannelManagerParts } from "@coterie/channel-manager";
import { fakeHost } from "./fake-host.ts";
import type { FakeHost } from "./fake-host.ts";

const { channelManagerPaths: paths } = wire;
type Answer = readonly [success: boolean, words: string | undefined];

/** A client of the service over a host without network. */
async function manager(host: FakeHost = fakeHost(), parts: Partial<ChannelManagerParts> = {}) {
  const channels = await openHostedChannels(host);
  const transport = createMemoryTransport(channelManagerRoutes({ channels, ...parts }));
  const ask = async <Q, A>(path: string, asked: Codec<Q>, request: Q, told: Codec<A>): Promise<A> =>
    told.decode(await transport.unary(path, asked.encode(request)));
  const command = async <Q>(path: string, asked: Codec<Q>, request: Q): Promise<Answer> => {
    const { success, errorMsg } = await ask(path, asked, request, wire.CommandResponse);
    return [success, errorMsg];
  };
  return {
    channels,
    create: (channelName: string, mlsEnabled = true) =>
      command(paths.createChannel, wire.CreateChannelRequest, { channelName, mlsEnabled }),
    delete: (channelName: string) =>
      command(paths.deleteChannel, wire.DeleteChannelRequest, { channelName }),
    add: (channelName: string, participantName: string) =>
      command(paths.addParticipant, wire.AddParticipantRequest, { channelName, participantName }),
    remove: (channelName: string, participantName: string) =>
      command(paths.deleteParticipant, wire.DeleteParticipantRequest, {
        channelName,
        participantName,
      }),
    list: () => ask(paths.listChannels, wire.ListChannelsRequest, {}, wire.ListChannelsResponse),
    participants: (channelName: string) =>
      ask(
        paths.listParticipants,
        wire.ListParticipantsRequest,
        { channelName },
        wire.ListParticipantsResponse,
      ),
  };
}

const chat = "agntcy/ns/chat";
const bob = "agntcy/ns/bob";
const done: Answer = [true, undefined];

test("SCM-01: what an operator got wrong is an answer with the status OK, in field 3", async () => {
  const { create, delete: remove } = await manager();
  expect(await create(chat)).toEqual(done);
  expect(await remove("agntcy/ns/other")).toEqual([false, "channel agntcy/ns/other not found"]);
  // Field 2 is success, field 3 the words; field 1 is nobody's.
  expect(
    Buffer.from(wire.CommandResponse.encode({ success: true, errorMsg: "e" })).toString("hex"),
  ).toBe("10011a0165");
});

test("SCM-02: a channel is created once, with or without MLS, under a name of three parts", async () => {
  const host = fakeHost();
  const { create } = await manager(host);
  expect(await create(chat)).toEqual(done);
  expect(await create("agntcy/ns/plain", false)).toEqual(done);
  expect(host.created).toEqual([
    { channel: chat, options: { mls: true } },
    { channel: "agntcy/ns/plain", options: { mls: false } },
  ]);
  expect(await create(chat)).toEqual([false, `channel ${chat} already exists`]);
  for (const [name, words] of [
    ["", "name cannot be empty"],
    ["chat", "invalid name format, expected 3 components separated by '/'"],
    ["a/b/", "invalid name format, expected 3 components separated by '/'"],
    ["a/b/c/d", "invalid name format, expected 3 components separated by '/'"],
    [`a/b/${"c".repeat(256)}`, "a component is too long"],
  ] as const) {
    expect(await create(name)).toEqual([false, `invalid channel name: ${words}`]);
  }
  host.absent.add("agntcy/ns/doomed");
  expect(await create("agntcy/ns/doomed")).toEqual([
    false,
    "failed to create channel agntcy/ns/doomed",
  ]);
  // What failed left nothing behind.
  host.absent.clear();
  expect(await create("agntcy/ns/doomed")).toEqual(done);
});

test("SCM-02: of two who create one channel at a time, one does", async () => {
  const host = fakeHost();
  const { create } = await manager(host);
  const answers = await Promise.all([create(chat), create(chat)]);
  expect(answers.filter(([success]) => success)).toHaveLength(1);
  expect(answers).toContainEqual([false, `channel ${chat} already exists`]);
  expect(host.created).toHaveLength(1);
});

test("SCM-03: a deleted channel is gone at once, and participants who do not answer are waited for five seconds", async () => {
  vi.useFakeTimers();
  try {
    const host = fakeHost();
    const { create, delete: remove, list } = await manager(host);
    await create(chat);
    host.hold = new Promise(() => {});
    const deleting = remove(chat);
    await vi.advanceTimersByTimeAsync(4_999);
    expect((await list()).channelName).toEqual([]);
    let answer: Answer | undefined;
    void deleting.then((value) => (answer = value));
    await vi.advanceTimersByTimeAsync(0);
    expect(answer).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(await deleting).toEqual(done);
    expect(await remove(chat)).toEqual([false, `channel ${chat} not found`]);
  } finally {
    vi.useRealTimers();
  }
});

test("SCM-04: participants are added and removed, and what goes wrong is said in the words of 2.x", async () => {
  const host = fakeHost();
  const { create, add, remove } = await manager(host);
  await create(chat);
  expect(await add("agntcy/ns/no", bob)).toEqual([false, "channel agntcy/ns/no not found"]);
  expect(await add(chat, "bob")).toEqual([
    false,
    "invalid participant name: invalid name format, expected 3 or 4 components separated by '/'",
  ]);
  expect(await add(chat, `${bob}/17`)).toEqual([
    false,
    "invalid participant name: the 4th component must be a UUID",
  ]);
  expect(await add(chat, bob)).toEqual(done);
  expect(await add(chat, bob)).toEqual([
    false,
    `failed to invite participant ${bob} to channel ${chat}: participant already in group: ${bob}`,
  ]);
  host.absent.add("agntcy/ns/carol");
  expect(await add(chat, "agntcy/ns/carol")).toEqual([
    false,
    `failed to invite participant agntcy/ns/carol to channel ${chat}: message send retries exhausted for id=7`,
  ]);
  expect(await remove(chat, "agntcy/ns/carol")).toEqual([
    false,
    `failed to remove participant agntcy/ns/carol from channel ${chat}: participant not found in group: agntcy/ns/carol`,
  ]);
  host.absent.add(bob);
  expect(await remove(chat, bob)).toEqual([
    false,
    `failed to remove participant ${bob} from channel ${chat}: message send retries exhausted for id=8`,
  ]);
  host.absent.clear();
  expect(await remove(chat, bob)).toEqual(done);
  expect(host.story).toEqual([`invited ${bob} to ${chat}`, `removed ${bob} from ${chat}`]);
});

test("SCM-04: two instances of one service can be in a channel, each by its id", async () => {
  const { create, add, remove, participants } = await manager();
  const [first, second] = [1, 2].map((n) => `${bob}/00000000-0000-0000-0000-00000000000${n}`);
  await create(chat);
  expect(await add(chat, first as string)).toEqual(done);
  expect(await add(chat, second as string)).toEqual(done);
  expect((await participants(chat)).participantName.slice(1)).toEqual([first, second]);
  // Without an id it would be either.
  expect((await remove(chat, bob))[0]).toBe(false);
});

test("SCM-05: lists have names of channels, and full names with ids of participants, the manager's too", async () => {
  const { create, add, list, participants } = await manager();
  await create(chat);
  await create("agntcy/ns/other");
  await add(chat, bob);
  expect(await list()).toEqual({
    success: true,
    errorMsg: undefined,
    channelName: [chat, "agntcy/ns/other"],
  });
  expect((await participants(chat)).participantName).toEqual([
    "agntcy/ns/channel-manager/00000000-0000-0000-0000-000000000001",
    "agntcy/ns/bob/00000000-0000-0000-0000-000000000011",
  ]);
  expect(await participants("agntcy/ns/no")).toEqual({
    success: false,
    errorMsg: "channel agntcy/ns/no not found",
    participantName: [],
  });
});

test("SCM-06: in config mode every change is refused and lists are answered", async () => {
  const host = fakeHost([chat]);
  const { create, delete: drop, add, remove, list } = await manager(host, { configMode: true });
  const words =
    "channel manager is running in config mode; modify the config file and restart to change channels or participants";
  const answers = await Promise.all([
    create("a/b/c"),
    drop(chat),
    add(chat, bob),
    remove(chat, bob),
  ]);
  expect(answers).toEqual(answers.map(() => [false, words]));
  expect((await list()).channelName).toEqual([chat]);
  expect(host.story).toEqual([]);
});

test("SCM-07: channels of an earlier run are there again; at the end they rest or are closed", async () => {
  const host = fakeHost([chat]);
  const { list, channels } = await manager(host);
  expect((await list()).channelName).toEqual([chat]);
  await channels.close("keep");
  const again = fakeHost([chat, "agntcy/ns/other"]);
  await (await openHostedChannels(again)).close("delete");
  expect([host.story, again.story]).toEqual([
    [`resting ${chat}`],
    [`closing ${chat}`, "closing agntcy/ns/other"],
  ]);
});

test("SCM-08: channels of the same process that others moderate are listed too", async () => {
  const { create, list } = await manager(fakeHost(), { others: () => ["agntcy/ns/granted"] });
  await create(chat);
  expect((await list()).channelName).toEqual([chat, "agntcy/ns/granted"]);
});
