import { createMemoryStore } from "@coterie/storage";
import { createMemoryTransport, Status, TransportError } from "@coterie/transport";
import {
  CommandResponse,
  CreateChannelRequest as ManagedChannelRequest,
  channelManagerPaths,
  ListChannelsResponse as ManagedChannels,
} from "@coterie/wire/slim/channel-manager";
import {
  Ack,
  AddParticipantRequest,
  DeleteChannelRequest,
  DeleteParticipantRequest,
  ListChannelsRequest,
  ListChannelsResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
} from "@coterie/wire/slim/controller";
import {
  CreateChannelRequest,
  CreateChannelResponse,
  northboundPaths as paths,
} from "@coterie/wire/slim/controlplane";
import { expect, onTestFinished, test } from "vitest";
import { createController } from "../src/controller.ts";
import { randomChannelId } from "../src/channels/channel-name.ts";
import { findInstance, NameError, parseGivenName } from "../src/channels/given-name.ts";
import { openNameBook } from "../src/books.ts";
import { openRecords } from "../src/records.ts";
import { createApps, createHosted } from "./fake-app.ts";
import { parseSlimName } from "@coterie/wire/slim";

const native = "agntcy/ns/native/00000000-0000-0000-0000-0000000000aa";

/** A controller with an app of its own, and names that nodes have told of. */
async function world(names: readonly string[] = [], more: { channelMs?: number } = {}) {
  const store = createMemoryStore();
  const records = await openRecords(store);
  records.nodes.put("n1", { id: "n1", domain: "default", endpoints: [] });
  const book = openNameBook(records);
  for (const name of names) book.add("n1", name);
  await records.saved();
  const { hosted, groups, controllerName } = await createHosted();
  const apps = createApps();
  let now = 1_700_000_000_000;
  const start = async (told: readonly string[] = []) => {
    const before = await openRecords(store);
    const known = openNameBook(before);
    for (const name of told) known.add("n1", name);
    await before.saved();
    const controller = await createController({
      store,
      now: () => now,
      times: { offlineMs: 60_000, channelMs: more.channelMs ?? 15_000 },
    });
    const manager = controller.attach({ hosted, granted: apps.granted });
    const transport = createMemoryTransport(new Map([...controller.northbound, ...manager]));
    onTestFinished(() => controller.close());
    return { controller, transport };
  };
  return {
    apps,
    hosted,
    groups,
    controllerName,
    store,
    start,
    later: (ms: number) => (now += ms),
  };
}

function operator(transport: ReturnType<typeof createMemoryTransport>) {
  const ack = async (path: string, bytes: Uint8Array): Promise<Ack> =>
    Ack.decode(await transport.unary(path, bytes));
  return {
    create: async (...moderators: string[]): Promise<string> =>
      CreateChannelResponse.decode(
        await transport.unary(paths.createChannel, CreateChannelRequest.encode({ moderators })),
      ).channelName,
    delete: (channelName: string) =>
      ack(paths.deleteChannel, DeleteChannelRequest.encode({ channelName, moderators: [] })),
    add: (channelName: string, participantName: string) =>
      ack(
        paths.addParticipant,
        AddParticipantRequest.encode({ channelName, participantName, moderators: [] }),
      ),
    remove: (channelName: string, participantName: string) =>
      ack(
        paths.deleteParticipant,
        DeleteParticipantRequest.encode({ channelName, participantName, moderators: [] }),
      ),
    channels: async () =>
      ListChannelsResponse.decode(
        await transport.unary(paths.listChannels, ListChannelsRequest.encode({})),
      ).channelName,
    participants: async (channelName: string, all = false) =>
      ListParticipantsResponse.decode(
        await transport.unary(
          paths.listParticipants,
          ListParticipantsRequest.encode({ channelName }),
          all ? { metadata: { "x-coterie-list": "all" } } : {},
        ),
      ).participantName,
  };
}

const failure = async (call: Promise<unknown>): Promise<[number | undefined, string]> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TransportError)) throw new Error("did not fail");
  return [error.status, error.message];
};

test("SCT-20, SCT-22: an app that accepts controllers moderates itself; the commands are those of a hosted channel", async () => {
  const w = await world();
  const alice = w.apps.add("agntcy/ns/alice");
  const { transport } = await w.start([alice.name, alice.control]);
  const ask = operator(transport);
  const channel = await ask.create(alice.name);
  expect(channel).toMatch(/^agntcy\/ns\/[A-Za-z0-9]{18}$/);
  expect(await ask.channels()).toEqual([channel]);
  expect(await ask.participants(channel)).toEqual([]);
  expect((await ask.add(channel, "agntcy/ns/client-1")).success).toBe(true);
  expect((await ask.add(channel, "agntcy/ns/client-2")).success).toBe(true);
  expect(await ask.participants(channel)).toEqual(["agntcy/ns/client-1", "agntcy/ns/client-2"]);
  expect((await ask.remove(channel, "agntcy/ns/client-1")).success).toBe(true);
  expect(await ask.participants(channel)).toEqual(["agntcy/ns/client-2"]);
  expect(alice.groups[0]?.people).toHaveLength(2);
  expect((await ask.delete(channel)).success).toBe(true);
  expect(alice.groups[0]?.over).toBe(true);
  expect(await ask.channels()).toEqual([]);
  expect(w.groups).toEqual([]);
});

test("SCT-23, SCT-28: for an app without a control name the controller moderates, and counts only for who asks for all", async () => {
  const w = await world();
  const { transport } = await w.start([native]);
  const ask = operator(transport);
  const channel = await ask.create(native);
  expect(w.groups).toHaveLength(1);
  expect(w.groups[0]?.people.map(({ service }) => service)).toEqual(["slim-controller", "native"]);
  await ask.add(channel, "agntcy/ns/client-1");
  expect(await ask.participants(channel)).toEqual(["agntcy/ns/client-1"]);
  expect(await ask.participants(channel, true)).toEqual([
    `${w.controllerName} (controller)`,
    native,
    "agntcy/ns/client-1",
  ]);
  expect((await ask.remove(channel, "agntcy/ns/client-1")).success).toBe(true);
  expect((await ask.delete(channel)).success).toBe(true);
  expect(w.groups[0]?.over).toBe(true);
});

test("SCT-20: what cannot be asked is told in the words of 1.4", async () => {
  const w = await world();
  const { transport } = await w.start([native]);
  const ask = operator(transport);
  const invalid = Status.invalidArgument;
  const gone = Status.notFound;
  const cases: [Promise<unknown>, number, string][] = [
    [ask.create(), invalid, "at least one moderator is required to create a channel"],
    [
      ask.create("agntcy/ns"),
      invalid,
      "invalid moderator name: invalid name format, expected 3 or 4 components separated by '/'",
    ],
    [ask.create(""), invalid, "invalid moderator name: name cannot be empty"],
    [
      ask.create("agntcy/ns/x/17"),
      gone,
      "failed to find moderator node: no node found for moderator agntcy/ns/x/17",
    ],
    [ask.create("agntcy/ns/x"), invalid, "invalid moderator name: no instance of it is known"],
    [
      ask.delete("agntcy/ns"),
      invalid,
      "invalid channel name: invalid name format, expected 3 components separated by '/'",
    ],
    [ask.delete("a/b/c"), gone, "failed to get channel from DB: channel a/b/c not found"],
    [
      ask.add("a/b", "a/b/c"),
      invalid,
      "invalid channel name: invalid name format, expected 3 components separated by '/'",
    ],
    [
      ask.add("a/b/c", "x"),
      invalid,
      "invalid participant name: invalid name format, expected 3 or 4 components separated by '/'",
    ],
    [ask.add("a/b/c", "x/y/z"), gone, "failed to get channel from DB: channel a/b/c not found"],
    [ask.remove("", "x"), invalid, "channel ID cannot be empty"],
    [ask.remove("a/b/c", ""), invalid, "participant ID cannot be empty"],
    [ask.participants("a/b/c"), gone, "failed to get channel from DB: channel a/b/c not found"],
  ];
  for (const [call, status, words] of cases) {
    const [found, message] = await failure(call);
    expect(message).toContain(words);
    expect(found).toBe(status);
  }
  const channel = await ask.create(native);
  expect((await failure(ask.remove(channel, "x/y/z")))[1]).toContain(
    `participant x/y/z not found in channel ${channel}`,
  );
});

test("SCT-30: success is told when it is done: a failed invitation is a failed answer, somebody twice is no message", async () => {
  const w = await world();
  const alice = w.apps.add("agntcy/ns/alice");
  const { transport } = await w.start([alice.name, alice.control, native]);
  const ask = operator(transport);
  for (const moderator of [alice.name, native]) {
    const channel = await ask.create(moderator);
    const answer = await ask.add(channel, "agntcy/ns/nobody");
    expect(answer.success).toBe(false);
    expect(answer.messages[0]).toContain("message send retries exhausted for id=7");
    expect(await ask.participants(channel)).toEqual([]);
    expect((await ask.add(channel, "agntcy/ns/client-1")).success).toBe(true);
    const [status, words] = await failure(ask.add(channel, "agntcy/ns/client-1"));
    expect(status).toBe(Status.alreadyExists);
    expect(words).toContain(`participant agntcy/ns/client-1 already exists in channel ${channel}`);
  }
});

test("SCT-30: who left by itself is listed no more, can be added again, and is not there to be removed", async () => {
  const w = await world();
  const alice = w.apps.add("agntcy/ns/alice");
  const { transport } = await w.start([alice.name, alice.control, native]);
  const ask = operator(transport);
  const groups = [() => alice.groups[0]?.people, () => w.groups[0]?.people];
  for (const [at, moderator] of [alice.name, native].entries()) {
    const channel = await ask.create(moderator);
    await ask.add(channel, "agntcy/ns/client-1");
    groups[at]?.()?.pop();
    expect(await ask.participants(channel)).toEqual([]);
    expect((await ask.add(channel, "agntcy/ns/client-1")).success).toBe(true);
    expect(await ask.participants(channel)).toEqual(["agntcy/ns/client-1"]);
    groups[at]?.()?.pop();
    const [status, words] = await failure(ask.remove(channel, "agntcy/ns/client-1"));
    expect([status, words]).toEqual([
      Status.notFound,
      expect.stringContaining(`participant agntcy/ns/client-1 not found in channel ${channel}`),
    ]);
  }
});

test("SCT-30: whoever waits too long is told so, and what was begun is kept when it is done", async () => {
  const w = await world([], { channelMs: 40 });
  const alice = w.apps.add("agntcy/ns/alice");
  const { transport } = await w.start([alice.name, alice.control]);
  const ask = operator(transport);
  const channel = await ask.create(alice.name);
  const answer = await ask.add(channel, "agntcy/ns/slow");
  expect(answer).toMatchObject({ success: false });
  await expect.poll(() => alice.groups[0]?.people.length).toBe(2);
  await expect.poll(() => ask.participants(channel)).toHaveLength(1);
});

test("SCT-31: after a restart granted channels are there, and a controller that lost everything learns them from the apps", async () => {
  const w = await world();
  const alice = w.apps.add("agntcy/ns/alice");
  const first = await w.start([alice.name, alice.control]);
  const channel = await operator(first.transport).create(alice.name);
  await operator(first.transport).add(channel, "agntcy/ns/client-1");
  await first.controller.close();
  const second = await w.start();
  expect(await operator(second.transport).channels()).toEqual([channel]);
  expect((await operator(second.transport).add(channel, "agntcy/ns/client-2")).success).toBe(true);
  await second.controller.close();
  const records = await openRecords(w.store);
  records.channels.delete(channel);
  await records.saved();
  const third = await w.start();
  await expect.poll(operator(third.transport).channels, { timeout: 5_000 }).toEqual([channel]);
  expect((await operator(third.transport).remove(channel, "agntcy/ns/client-1")).success).toBe(
    true,
  );
});

test("SCT-32: a channel whose moderators are gone says so, and can still be forgotten; a successor goes on", async () => {
  const w = await world();
  const [alice, carol] = [w.apps.add("agntcy/ns/alice"), w.apps.add("agntcy/ns/carol")];
  const first = await w.start([alice.name, alice.control, carol.name]);
  const one = await operator(first.transport).create(alice.name);
  w.later(1);
  const two = await operator(first.transport).create(alice.name, carol.name);
  await first.controller.close();
  // the moderator's names are gone, the successor answers to controllers now and has the channel
  const records = await openRecords(w.store);
  const book = openNameBook(records);
  book.remove("n1", alice.name);
  book.remove("n1", alice.control);
  book.add("n1", carol.control);
  await records.saved();
  const taken = alice.groups.find(({ channel }) => two.endsWith(channel.service));
  if (taken !== undefined) carol.groups.push(taken);
  const second = await w.start();
  const ask = operator(second.transport);
  expect(await ask.channels()).toEqual([one, two]);
  w.later(60_000);
  expect(await ask.channels()).toEqual([`${one} (moderator offline)`, two]);
  expect((await ask.add(two, "agntcy/ns/client-1")).success).toBe(true);
  const answer = await ask.add(one, "agntcy/ns/client-1");
  expect(answer.messages[0]).toContain(`no node found for moderator ${alice.name}`);
  expect((await ask.delete(one)).success).toBe(true);
  expect(await ask.channels()).toEqual([two]);
});

test("SCT-32: the moderator that has the channel now is asked, not one that has handed it over", async () => {
  const w = await world();
  const [alice, carol] = [w.apps.add("agntcy/ns/alice"), w.apps.add("agntcy/ns/carol")];
  const { controller, transport } = await w.start([
    alice.name,
    alice.control,
    carol.name,
    carol.control,
  ]);
  const ask = operator(transport);
  const channel = await ask.create(alice.name, carol.name);
  const [group] = alice.groups as [(typeof alice.groups)[number]];
  group.isModerator = false;
  const taken = { ...group, isModerator: true, people: group.people, over: false };
  carol.groups.push(taken);
  expect((await ask.add(channel, "agntcy/ns/client-1")).success).toBe(true);
  expect((await ask.delete(channel)).success).toBe(true);
  expect(group.over).toBe(true);
  expect(await ask.channels()).toEqual([]);
  await controller.close();
});

test("SCT-27: a channel that its moderator has closed by itself is deleted without a complaint", async () => {
  const w = await world();
  const alice = w.apps.add("agntcy/ns/alice");
  const { controller, transport } = await w.start([alice.name, alice.control]);
  const ask = operator(transport);
  const channel = await ask.create(alice.name);
  for (const group of alice.groups) group.over = true;
  expect((await ask.delete(channel)).success).toBe(true);
  expect(await ask.channels()).toEqual([]);
  await controller.close();
});

test("SCT-31, SCT-32: a channel deleted while nobody could be told ends as soon as its moderator is back", async () => {
  const w = await world();
  const alice = w.apps.add("agntcy/ns/alice");
  const first = await w.start([alice.name, alice.control]);
  const channel = await operator(first.transport).create(alice.name);
  await first.controller.close();
  const gone = openNameBook(await openRecords(w.store));
  for (const name of [alice.name, alice.control]) gone.remove("n1", name);
  const second = await w.start();
  w.later(60_000);
  expect((await operator(second.transport).delete(channel)).success).toBe(true);
  expect(await operator(second.transport).channels()).toEqual([]);
  await second.controller.close();
  expect(alice.groups.map(({ over }) => over)).toEqual([false]);
  const third = await w.start([alice.name, alice.control]);
  await expect.poll(() => alice.groups.map(({ over }) => over), { timeout: 5_000 }).toEqual([true]);
  expect(await operator(third.transport).channels()).toEqual([]);
  await third.controller.close();
});

test("SCT-29: eighteen characters, none of them likelier than another", () => {
  let state = 1;
  const bytes = (length: number): Uint8Array<ArrayBuffer> =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 24;
    });
  const counts = new Map<string, number>();
  for (let n = 0; n < 5_000; n += 1) {
    const id = randomChannelId({ bytes });
    expect(id).toMatch(/^[A-Za-z0-9]{18}$/);
    for (const char of id) counts.set(char, (counts.get(char) ?? 0) + 1);
  }
  expect(counts.size).toBe(62);
  const mean = (5_000 * 18) / 62;
  for (const count of counts.values()) expect(Math.abs(count - mean) / mean).toBeLessThan(0.12);
  // a byte beyond the last fair one is thrown away, not folded
  expect(
    randomChannelId({
      bytes: (n) => Uint8Array.from({ length: n }, (_, at) => (at % 2 ? 255 : 1)),
    }),
  ).toBe("B".repeat(18));
});

test("SNM-10, SND-09: a number is a whole id or the low half of one; what fits several is refused with their names", () => {
  const at = (id: bigint) => ({ ...parseSlimName("agntcy/ns/bob"), id });
  const instances = [at((5n << 64n) | 17n), at((6n << 64n) | 18n), at((7n << 64n) | 18n)];
  const find = (text: string) => findInstance(parseGivenName(text, [3, 4]), instances)?.id;
  expect(find("agntcy/ns/bob/17")).toBe((5n << 64n) | 17n);
  expect(find(`agntcy/ns/bob/${(6n << 64n) | 18n}`)).toBe((6n << 64n) | 18n);
  expect(() => find("agntcy/ns/bob/18")).toThrow(NameError);
  expect(() => find("agntcy/ns/bob/18")).toThrow("00000000-0000-0006-0000-000000000012");
  expect(() => find("agntcy/ns/bob")).toThrow("several instances fit");
  expect(find("agntcy/ns/bob/00000000-0000-0005-0000-000000000011")).toBe((5n << 64n) | 17n);
  expect(find("agntcy/ns/bob/3")).toBeUndefined();
  expect(() => parseGivenName("agntcy/ns/bob/x17", [3, 4])).toThrow(NameError);
});

test("SCM-08: the controller is a channel manager too, and both list the channels of both", async () => {
  const w = await world();
  const alice = w.apps.add("agntcy/ns/alice");
  const { transport } = await w.start([alice.name, alice.control, native]);
  const ask = operator(transport);
  const granted = await ask.create(alice.name);
  const created = CommandResponse.decode(
    await transport.unary(
      channelManagerPaths.createChannel,
      ManagedChannelRequest.encode({ channelName: "agntcy/ns/lobby", mlsEnabled: true }),
    ),
  );
  expect(created.success).toBe(true);
  expect(await ask.channels()).toEqual([granted, "agntcy/ns/lobby"]);
  const managed = ManagedChannels.decode(
    await transport.unary(channelManagerPaths.listChannels, ListChannelsRequest.encode({})),
  );
  expect(managed.channelName.toSorted()).toEqual(["agntcy/ns/lobby", granted].toSorted());
  expect((await ask.add("agntcy/ns/lobby", "agntcy/ns/client-1")).success).toBe(true);
  expect(await ask.participants("agntcy/ns/lobby")).toEqual(["agntcy/ns/client-1"]);
});

test("SCT-21: a controller without an app of its own says so, and goes on with links and routes", async () => {
  const controller = await createController({ store: createMemoryStore() });
  const ask = operator(createMemoryTransport(controller.northbound));
  expect((await failure(ask.create(native)))[1]).toContain("no app of its own");
  await controller.close();
});
