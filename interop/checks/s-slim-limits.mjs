// Gate B13: what ours may expect of released apps beyond the usual way: a join that was lost is repeated without discovery, and a member that was
// not told of another finds out.
import { assert, eventually } from "../lib/check.mjs";
import { host } from "../lib/slim-hosts.mjs";
import { forEachCore } from "../lib/slim-matrix.mjs";
import { openProxy } from "../lib/slim-proxy.mjs";
import { allHear, isClosed, openTeam } from "../lib/slim-team.mjs";

export default async function run({ node, check }) {
  await forEachCore(node, async (one) => {
    await Promise.all([lostJoin({ check, ...one }), missedUpdate({ check, ...one })]);
  });
}

async function lostJoin({ check, title, core, mls, url }) {
  const proxy = await openProxy(() => url);
  const kinds = ["ours", core];
  const config = { mls, interval: 300, retries: 4 };
  const team = await openTeam({ kinds, url: proxy.url, ...config });
  const { apps, sessions } = team;
  const [ann] = apps;
  const [atAnn, atBob] = sessions;
  for (const type of ["JOIN_REPLY", "GROUP_ACK"]) {
    await check(`${title}: after a ${type} that never came an app is invited again`, async () => {
      const dan = await (await host(core)).app("dan", { url: proxy.url });
      proxy.rule = (message) =>
        message.type === type && message.toNode && message.app === dan.name ? "drop" : undefined;
      await assert.rejects(atAnn.invite(dan));
      proxy.rule = undefined;
      // a released app takes a moment to leave what it was half in
      await new Promise((resolve) => setTimeout(resolve, 500));
      await dan.forgetJoined();
      // while it is still leaving what it was half in, it may not answer
      await atAnn.invite(dan).catch(() => atAnn.invite(dan));
      await atAnn.publish(`1: after ${type}`);
      await allHear([atBob], ann, `1: after ${type}`);
      const at = await dan.listen(5000).catch(() => undefined);
      // it has shown the session at its first invitation, where it had the welcome then
      if (at) await allHear([at], ann, `1: after ${type}`);
      const roster = await atAnn.participants();
      assert.ok(roster.includes(`${dan.name} online`), String(roster));
      await atAnn.remove(dan);
      if (at) await isClosed(at);
    });
  }
  await team.end();
  await proxy.close();
}

async function missedUpdate({ check, title, core, mls, url }) {
  const proxy = await openProxy(() => url);
  const kinds = [core, "ours", core];
  const team = await openTeam({ kinds, url: proxy.url, mls, interval: 500, retries: 5 });
  const { apps, sessions } = team;
  const [, bob] = apps;
  const [atAnn, atBob, atCid] = sessions;
  const heal = mls === undefined ? "its first words" : "a heartbeat";
  const updateTo = (app) => (message) =>
    message.type === "GROUP_UPDATE" && !message.toNode && message.app === app.name;
  await check(
    `${title}: a newcomer that ours was never told of is known by ${heal}, and nothing that it said meanwhile is lost`,
    async () => {
      const dan = await (await host(core)).app("dan", { url: proxy.url });
      const [toBob, toDan] = [bob, dan].map(updateTo);
      proxy.rule = (message) => (toBob(message) ? "drop" : undefined);
      const joining = dan.listen();
      await atAnn.invite(dan);
      const atDan = await joining;
      // with MLS ours gets a place anew, and the newcomer seals its next words before it has the commit of that
      proxy.rule = (message) => (toDan(message) ? { after: 1000 } : undefined);
      const back = proxy.seen(
        "ours, with its place",
        ({ type, toNode, app }) => type === "GROUP_ACK" && toNode && app === bob.name,
        40_000,
      );
      back.catch(() => {});
      await atDan.publish("1: who am I");
      await allHear([atAnn, atCid], dan, "1: who am I");
      if (mls !== undefined) await back;
      await atDan.publish("2: now you know");
      await allHear([atBob], dan, "1: who am I");
      await allHear([atAnn, atCid, atBob], dan, "2: now you know");
      proxy.rule = undefined;
      await eventually(
        "one roster",
        async () => {
          const [hers, his] = await Promise.all([atAnn.participants(), atBob.participants()]);
          return String(hers) === String(his);
        },
        { timeoutMs: 40_000, everyMs: 200 },
      );
      await atBob.publish("3: I do");
      await allHear([atAnn, atCid, atDan], bob, "3: I do");
    },
    { timeoutMs: 90_000 },
  );
  await team.end();
  await proxy.close();
}
