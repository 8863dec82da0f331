// The node dies and comes back under sessions that live on: by a power cut and by a clean stop. Two of ours and a released app, which now and then
// does not come back (it opens no new stream): then what it should have heard is left out, and the rest must hold without it.
import { join as joinPath } from "node:path";
import { assert } from "../lib/check.mjs";
import { host, openNativeNode } from "../lib/slim-hosts.mjs";
import { cores } from "../lib/slim-kinds.mjs";
import { startNode } from "../lib/process.mjs";
import { allHear, join, openTeam } from "../lib/slim-team.mjs";

const numbers = Array.from({ length: 20 }, (_, n) => n);

export default async function run({ check, folder }) {
  const stories = cores.flatMap((core) => [
    ...[100, undefined].map((mls) => async () => {
      const node = await startNode({ data: joinPath(folder, `${core} ${mls}`) });
      const title = `${core}, ${mls === undefined ? "plain" : "mls"}, our node`;
      await story({ check, title, core, mls, node });
    }),
    async () => {
      const node = await openNativeNode(core);
      await story({ check, title: `${core}, mls, its node`, core, mls: 100, node });
    },
  ]);
  await Promise.all(stories.map((one) => one()));
}

async function story({ check, title, core, mls, node }) {
  let tag = 0;
  const say = (what, body) => {
    tag += 1;
    const own = (words) => `${tag}: ${words}`;
    return check(`${title}: ${what}`, () => body(own), { timeoutMs: 90_000 });
  };
  const kinds = ["ours", "ours", core];
  const config = { mls, interval: 1000, retries: 12 };
  const { apps, sessions } = await openTeam({ kinds, url: node.slimUrl, ...config });
  const [ann, bob, cid] = apps;
  const [atAnn, atBob, atCid] = sessions;
  let cidIsThere = true;
  // what is lost before anything was heard of a source is not missed
  await Promise.all(sessions.map((session) => session.publish("first")));

  const restarts = [
    ["a power cut", () => node.kill()],
    ["a clean stop", () => node.stop()],
  ];
  for (const [what, end] of restarts) {
    await say(`what is under way at ${what} arrives once the node is back`, async (own) => {
      const prefix = own("");
      const sent = [atAnn, atBob].map((session) => session.publishMany({ count: 20, prefix }));
      await end();
      await node.start();
      await Promise.all(sent);
      const textsOf = (items, app) =>
        items
          .filter(({ from }) => from === app.name)
          .map(({ text }) => Number(text.split(": ")[1]));
      assert.deepEqual(textsOf(await atAnn.readMany(20, { prefix }), bob), numbers);
      assert.deepEqual(textsOf(await atBob.readMany(20, { prefix }), ann), numbers);
      if (!cidIsThere) return;
      const items = await atCid.readMany(40, { prefix, timeout: 5000 });
      cidIsThere = items.length === 40;
      if (cidIsThere) for (const app of [ann, bob]) assert.deepEqual(textsOf(items, app), numbers);
      else console.log(`        the released app heard ${items.length} of 40`);
    });
    await say(`those who are back hear each other after ${what}`, async (own) => {
      await atAnn.publish(own("from ann"));
      await allHear([atBob, ...(cidIsThere ? [atCid] : [])], ann, own("from ann"));
      await atBob.publish(own("from bob"));
      await allHear([atAnn, ...(cidIsThere ? [atCid] : [])], bob, own("from bob"));
      if (!cidIsThere) return;
      await atCid.publish(own("from cid"));
      await allHear([atAnn, atBob], cid, own("from cid"));
    });
  }
  await say("the group goes on: released and own apps are invited, one is removed", async (own) => {
    const [dan, eve] = await Promise.all(
      [core, "ours"].map(async (kind) => (await host(kind)).app("late", { url: node.slimUrl })),
    );
    const atDan = await join(atAnn, dan);
    const atEve = await join(atAnn, eve);
    await atDan.publish(own("hello"));
    await allHear([atAnn, atBob, atEve], dan, own("hello"));
    await atAnn.remove(bob);
    await atEve.publish(own("without bob"));
    await allHear([atAnn, atDan], eve, own("without bob"));
  });
  await atAnn.delete().catch(() => {});
  await node.kill();
}
