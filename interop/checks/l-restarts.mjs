// The node is killed and started again under live streams and writers of both kinds: nothing is lost, nothing comes twice.
import { assert, eventually } from "../lib/check.mjs";
import { clientOf, epochOf, joined, spoken } from "../lib/crowd.mjs";
import { texts } from "../lib/ours.mjs";

const kinds = ["ours", "sdk"];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default async function run({ node, check }) {
  const readers = {};
  const writers = {};
  const heard = { ours: [], sdk: [] };
  const heardOfAll = { ours: [], sdk: [] };
  const streams = [];
  const said = [];
  // The SDK sends anew, as another envelope, what a death left unanswered: such a message has two places, and its readers may keep either.
  const twofold = new Set();
  let begunDeaths = 0;
  const restarted = {};
  let group;

  await check("readers with streams and writers, of both kinds", async () => {
    for (const kind of kinds) {
      readers[kind] = { client: await clientOf(kind, node) };
      writers[kind] = { client: await clientOf(kind, node) };
    }
    group = await writers.ours.client.conversations.createGroup(
      [readers.ours, readers.sdk, writers.sdk].map(({ client }) => client.inboxId),
    );
    writers.ours.group = group;
    writers.sdk.group = await joined(writers.sdk.client, group.id);
    await writers.sdk.group.sendText("here");
    await group.sendText("here too");
    for (const kind of kinds) {
      const { client } = readers[kind];
      readers[kind].group = await joined(client, group.id);
      await readers[kind].group.sync();
      const listen = (into) => ({
        retryDelay: 200,
        retryAttempts: 200,
        onValue: (message) => {
          if (/^\d+ /.test(message.content)) into.push(message.content);
        },
      });
      streams.push(
        await readers[kind].group.stream({
          ...listen(heard[kind]),
          onRestart: () => {
            restarted[kind] = true;
          },
        }),
      );
      streams.push(await client.conversations.streamAllMessages(listen(heardOfAll[kind])));
    }
  });

  /** Until it is acknowledged: what fails may have arrived all the same, so each attempt says something else. */
  const say = async (kind, at) => {
    for (let attempt = 0; ; attempt++) {
      const text = `${at} by ${kind}${attempt ? `, attempt ${attempt}` : ""}`;
      const deathsBefore = begunDeaths;
      let isSaid = false;
      try {
        await writers[kind].group.sendText(text);
        said.push(text);
        isSaid = true;
      } catch {
        await pause(100);
      }
      if (kind === "sdk" && (!isSaid || begunDeaths !== deathsBefore)) twofold.add(text);
      if (isSaid) return;
    }
  };

  await check(
    "XST-06: sixty messages of each kind through four deaths of the node",
    async () => {
      let done = false;
      const deaths = (async () => {
        for (let at = 0; at < 4 && !done; at++) {
          await pause(400);
          begunDeaths += 1;
          await node.kill();
          await pause(at * 150);
          await node.start();
        }
      })();
      await Promise.all(
        kinds.map(async (kind) => {
          for (let at = 0; at < 60; at++) {
            await say(kind, at);
            await pause(15);
          }
        }),
      );
      done = true;
      await deaths;
    },
    { timeoutMs: 600_000 },
  );

  for (const kind of kinds) {
    for (const [title, list] of [
      ["a stream of the group", heard],
      ["a stream of everything", heardOfAll],
    ]) {
      const what = kind === "ours" ? "everything" : "what it brought";
      await check(`XST-05: ${title} of ${kind} brought ${what} once and in order`, async () => {
        const lost = () => said.filter((text) => !list[kind].includes(text));
        if (kind === "ours") {
          await eventually("all messages", () => lost().length === 0).catch(() => {
            assert.fail(`${lost().length} did not come: ${lost().slice(0, 5).join("; ")}`);
          });
        }
        assert.equal(new Set(list[kind]).size, list[kind].length);
        const { group: own } = readers[kind];
        await own.sync();
        const order = (await texts(own)).filter((text) => /^\d+ /.test(text));
        // The SDK syncs before it listens again: what was said meanwhile lands in its database, past its streams.
        const wanted =
          kind === "ours"
            ? order
            : order.filter((text) => list.sdk.includes(text) && !twofold.has(text));
        assert.deepEqual(
          kind === "ours" ? list.ours : list.sdk.filter((text) => !twofold.has(text)),
          wanted,
        );
        for (const text of said) assert.ok(order.includes(text), `${text} is lost`);
      });
    }
  }

  await check("all have the same messages, in one order and one epoch", async () => {
    const all = [
      ...kinds.map((kind) => writers[kind].group),
      ...kinds.map((kind) => readers[kind].group),
    ];
    await epochOf(...all);
    const published = async (one) =>
      (await spoken(one))
        .filter((message) => message.published)
        .map(({ id, text }) => ({ id, text }));
    const onePlaced = (list) => list.filter(({ text }) => !twofold.has(text));
    const first = await published(readers.ours.group);
    assert.equal(new Set(first.map(({ id }) => id)).size, first.length);
    for (const one of all) {
      const own = await published(one);
      const since = first.slice(first.length - own.length);
      assert.deepEqual(onePlaced(own), onePlaced(since));
      assert.deepEqual(new Set(own.map(({ id }) => id)), new Set(since.map(({ id }) => id)));
    }
  });

  await check("a clean restart ends streams with a word, and they come back", async () => {
    restarted.sdk = false;
    await node.restart();
    await eventually("the SDK to listen again", () => restarted.sdk);
    for (const kind of kinds) await say(kind, 100);
    await eventually("the last ones", () =>
      kinds.every((kind) =>
        kinds.every((other) => heard[kind].some((text) => text.startsWith(`100 by ${other}`))),
      ),
    );
    for (const stream of streams) await stream.end();
    for (const kind of kinds) {
      await readers[kind].client.close();
      await writers[kind].client.close();
    }
  });
}
