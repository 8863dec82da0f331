import { inChild } from "./world.mjs";

/** Prepares the same for each kind of client. */
const each = (prepareOne) => async (given) => {
  const work = {};
  for (const name of given.names) work[name] = await prepareOne({ ...given, name });
  return work;
};
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const timed = async (work) => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};
function expect(found, wanted, what) {
  if (found !== wanted) throw new Error(`${found} ${what} instead of ${wanted}`);
}

/** A group that a client of ours keeps, with a reader of each kind in it, and `size` members in all. */
async function readers({ world, names, size = 3 }) {
  const owner = await world.open("ours", { maxGroupSize: 10_000 });
  const clients = {};
  for (const name of names) {
    const who = world.wallet();
    const file = world.newFile();
    clients[name] = { who, file, client: await world.open(name, { who, file }) };
  }
  const inboxIds = names.map((name) => clients[name].client.inboxId);
  const others = world.people(Math.max(0, size - 1 - inboxIds.length));
  const group = await owner.conversations.createGroup([...inboxIds, ...others]);
  for (const name of names) {
    const { client } = clients[name];
    await client.conversations.sync();
    clients[name].group = await client.conversations.getConversationById(group.id);
    await clients[name].group.sync();
  }
  return { owner, group, clients };
}

async function sendMany(group, count) {
  for (let at = 0; at < count; at += 500) {
    for (let n = at; n < Math.min(count, at + 500); n++) {
      await group.sendText(`message ${n}`, { optimistic: true });
    }
    await group.publishMessages();
  }
}

const createGroup = (size, more = {}) => ({
  name: `createGroup(${size})`,
  family: more.again ? "createGroup again" : "createGroup",
  size: size + 1,
  people: Math.max(size, Math.min(1_000, size * 6)),
  rounds: 5,
  ...more,
  prepare: each(async ({ world, name }) => {
    const creator = await world.open(name, name === "ours" ? { maxGroupSize: 10_000 } : {});
    const people = world.people(size);
    if (more.again) await creator.conversations.createGroup(people);
    return async () => {
      const group = await creator.conversations.createGroup(people);
      return void group;
    };
  }),
});

const sends = 40;
const send = (size, more = {}) => ({
  name: `send, ${size} members`,
  family: "send",
  size,
  people: size,
  rounds: 3,
  ...more,
  prepare: each(async ({ world, name }) => {
    const owner = await world.open(name, name === "ours" ? { maxGroupSize: 10_000 } : {});
    const group = await owner.conversations.createGroup(world.people(size - 1));
    await group.sendText("first");
    return async () => {
      const all = [];
      for (let at = 0; at < sends; at++) all.push(await timed(() => group.sendText(`text ${at}`)));
      return median(all);
    };
  }),
});

const received = (count) => ({
  name: `${count} messages received`,
  family: "received",
  size: count,
  rounds: 3,
  async prepare({ world, names }) {
    const { group, clients } = await readers({ world, names });
    await sendMany(group, count);
    return Object.fromEntries(
      names.map((name) => {
        const reader = clients[name].group;
        return [name, () => reader.sync()];
      }),
    );
  },
});

const manyGroups = async ({ world, names, groups, size }) => {
  const owner = await world.open("ours");
  const clients = {};
  for (const name of names) {
    const secret = world.newSecret();
    const who = world.wallet(secret);
    const file = world.newFile();
    clients[name] = { secret, who, file, client: await world.open(name, { who, file }) };
  }
  const inboxIds = names.map((name) => clients[name].client.inboxId);
  const others = world.people(size - 1 - inboxIds.length);
  const all = [];
  for (let at = 0; at < groups; at++) {
    all.push(await owner.conversations.createGroup([...inboxIds, ...others]));
  }
  for (const name of names) await clients[name].client.conversations.syncAll();
  return { owner, groups: all, clients };
};

const syncAll = (groups, news) => ({
  name: `syncAll of ${groups} groups, ${news ? "one message each" : "nothing new"}`,
  family: news ? "syncAll" : "syncAll idle",
  size: groups,
  people: 20,
  rounds: 3,
  async prepare(given) {
    const { names, world } = given;
    const kept = (world.kept ??= new Map());
    // The groups are made once; what they say comes anew in every round.
    if (given.round === 0) kept.set(groups, await manyGroups({ ...given, groups, size: 20 }));
    const { groups: all, clients } = kept.get(groups);
    if (news) for (const group of all) await group.sendText(`news ${given.round}`);
    return Object.fromEntries(
      names.map((name) => {
        const { client } = clients[name];
        return [
          name,
          async () => {
            const answer = await client.conversations.syncAll();
            if (news) expect(Number(answer.numSynced), groups, "groups synced");
          },
        ];
      }),
    );
  },
});

const memory = (groups, more = {}) => ({
  name: `memory with ${groups} groups of 20`,
  family: "memory",
  size: groups,
  unit: "MB",
  people: 20,
  rounds: 1,
  ...more,
  async prepare({ world, names }) {
    const { clients } = await manyGroups({ world, names, groups, size: 20 });
    for (const name of names) await world.close(clients[name].client);
    return Object.fromEntries(
      names.map((name) => [
        name,
        async () => {
          const { secret, file } = clients[name];
          const { rssMb } = await inChild("memory.mjs", {
            kind: name,
            url: world.node.url,
            secret: secret.toString("hex"),
            file,
            groups,
          });
          return rssMb;
        },
      ]),
    );
  },
});

/** Share `part` of the times from the call of send to the arrival at a stream of the same kind of client. */
const latency = (part, more = {}) => ({
  name: `publish to stream, p${part * 100}`,
  rounds: 3,
  ...more,
  prepare: each(async ({ world, name }) => {
    const [writer, reader] = [await world.open(name), await world.open(name)];
    const group = await writer.conversations.createGroup([reader.inboxId]);
    await reader.conversations.sync();
    const theirs = await reader.conversations.getConversationById(group.id);
    await group.sendText("first");
    return async () => {
      const arrived = new Map();
      let wake;
      const stream = await theirs.stream({
        onValue: (message) => {
          arrived.set(message.content, performance.now());
          wake?.();
        },
      });
      const all = [];
      for (let at = 0; at < 100; at++) {
        const text = `to the stream ${at}`;
        const start = performance.now();
        await group.sendText(text);
        while (!arrived.has(text)) await new Promise((resolve) => (wake = resolve));
        all.push(arrived.get(text) - start);
      }
      await stream.end();
      return all.toSorted((a, b) => a - b)[Math.floor(all.length * part)];
    };
  }),
});

export const rows = [
  {
    name: "register",
    rounds: 9,
    prepare: each(
      async ({ world, name }) =>
        async () =>
          void (await world.open(name)),
    ),
  },
  createGroup(1),
  createGroup(20),
  createGroup(100),
  createGroup(1, { again: true, name: "createGroup(1) again" }),
  createGroup(20, { again: true, name: "createGroup(20) again" }),
  createGroup(100, { again: true, name: "createGroup(100) again" }),
  createGroup(400, { only: "ours", limit: 1_000, rounds: 3, people: 1_000 }),
  createGroup(1_000, { only: "ours", limit: 3_000, rounds: 3, people: 1_000 }),
  send(2),
  send(20),
  send(100),
  send(1_000, { only: "ours", limit: 5, people: 1_000 }),
  latency(0.5),
  latency(0.95, { limit: 10 }),
  received(100),
  received(1_000),
  {
    name: "member sync after 100 joins",
    people: 100,
    rounds: 3,
    async prepare({ world, names }) {
      const { group, clients } = await readers({ world, names });
      for (const inboxId of world.people(100)) await group.addMembers([inboxId]);
      return Object.fromEntries(
        names.map((name) => {
          const reader = clients[name].group;
          return [
            name,
            async () => {
              await reader.sync();
              expect((await reader.members()).length, 101 + names.length, "members");
            },
          ];
        }),
      );
    },
  },
  {
    name: "addMembers(1) to 100",
    people: 500,
    rounds: 7,
    prepare: each(async ({ world, name, round }) => {
      const groups = (world.hundred ??= {});
      if (round === 0) {
        const owner = await world.open(name);
        groups[name] = await owner.conversations.createGroup(world.people(99));
      }
      const inboxIds = world.people(1);
      return () => groups[name].addMembers(inboxIds);
    }),
  },
  {
    name: "cold sync of 10000 messages",
    family: "received",
    size: 10_000,
    rounds: 1,
    async prepare({ world, names }) {
      const { group, clients } = await readers({ world, names });
      for (const name of names) await world.close(clients[name].client);
      await sendMany(group, 10_000);
      return Object.fromEntries(
        names.map((name) => {
          const { who, file } = clients[name];
          return [
            name,
            async () => {
              const client = await world.open(name, { who, file });
              await client.conversations.syncAll();
              const found = await client.conversations.getConversationById(group.id);
              const [last] = await found.messages({ limit: 1, direction: 1 });
              expect(last.content, "message 9999", "last");
            },
          ];
        }),
      );
    },
  },
  syncAll(50, true),
  syncAll(500, true),
  syncAll(50, false),
  syncAll(500, false),
  memory(50),
  memory(500, { limit: 300 }),
];
