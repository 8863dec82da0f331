// Members that go away and come back: by a word, or without one. Kinds: the moderator's, then two members'.
import { assert, eventually } from "./check.mjs";
import { host } from "./slim-hosts.mjs";
import { openProxy } from "./slim-proxy.mjs";
import { allHear, join, openTeam } from "./slim-team.mjs";

const stateOf = async (session, app) =>
  (await session.participants()).find((one) => one.startsWith(`${app.name} `))?.split(" ")[1];
const becomes = (sessions, app, state, timeoutMs = 15_000) =>
  eventually(
    `${app.name} to be ${state}`,
    async () =>
      (await Promise.all(sessions.map((one) => stateOf(one, app)))).every((one) => one === state),
    { timeoutMs, everyMs: 100 },
  );

/** A soft close and what follows, with the epoch unchanged and changed. */
export async function softCloseStory({ check, title, kinds, url, mls }) {
  const say = (what, body) => check(`${title}: ${what}`, body, { timeoutMs: 45_000 });
  const team = await openTeam({ kinds, url, mls, interval: 500, retries: 6 });
  const { apps, sessions } = team;
  const [ann, bob, cid] = apps;
  const [atAnn, atBob, atCid] = sessions;
  for (const [at, session] of sessions.entries()) {
    await session.publish(`first of ${at}`);
    await allHear(
      sessions.filter((one) => one !== session),
      apps[at],
      `first of ${at}`,
    );
  }

  await say("who goes offline is shown so and not waited for", async () => {
    await atBob.softClose();
    await becomes([atAnn, atCid], bob, "offline");
    for (const words of ["one", "two", "three"]) {
      const started = Date.now();
      await atAnn.publish(words);
      assert.ok(Date.now() - started < 1500, "it was waited for");
      await allHear([atCid], ann, words);
    }
    await atCid.publish("four");
    await allHear([atAnn], cid, "four");
  });

  await say("who is offline may not publish", async () => {
    await assert.rejects(atBob.publish("from nowhere"));
  });

  await say("it comes back, is shown so, and gets what it missed", async () => {
    await atBob.rejoin();
    await becomes([atAnn, atCid], bob, "online");
    await atAnn.publish("five");
    await allHear([atCid], ann, "five");
    for (const words of ["one", "two", "three", "five"]) await allHear([atBob], ann, words);
    await atCid.publish("six");
    await allHear([atAnn], cid, "six");
    for (const words of ["four", "six"]) await allHear([atBob], cid, words);
    await atBob.publish("I am back");
    await allHear([atAnn, atCid], bob, "I am back");
  });

  const dan = await (await host(kinds[2])).app("dan", { url });
  let atDan;
  await say("meanwhile somebody is invited: it comes back into the new epoch", async () => {
    await atCid.softClose();
    await becomes([atAnn, atBob], cid, "offline");
    atDan = await join(atAnn, dan);
    await atAnn.publish("seven");
    await allHear([atBob, atDan], ann, "seven");
    await atCid.rejoin();
    await becomes([atAnn, atBob, atDan], cid, "online");
    await atAnn.publish("eight");
    await allHear([atBob, atDan], ann, "eight");
    for (const words of ["seven", "eight"]) await allHear([atCid], ann, words);
    await atDan.publish("dan here");
    await allHear([atAnn, atBob], dan, "dan here");
    await allHear([atCid], dan, "dan here");
    await atCid.publish("cid again");
    await allHear([atAnn, atBob, atDan], cid, "cid again");
  });

  // A released moderator that has let somebody into a new epoch of MLS starts no further task: each of them waits for ever.
  const frozen = kinds[0] !== "ours" && mls !== undefined;
  if (!frozen) {
    await say("meanwhile somebody is removed: it comes back into the new epoch", async () => {
      await atBob.softClose();
      await becomes([atAnn, atCid, atDan], bob, "offline");
      await atAnn.remove(dan);
      assert.match((await atDan.read()).error, /session closed/);
      await atBob.rejoin();
      await becomes([atAnn, atCid], bob, "online");
      await atBob.publish("bob again");
      await allHear([atAnn, atCid], bob, "bob again");
      await atAnn.publish("nine");
      await allHear([atCid, atBob], ann, "nine");
    });

    await say("the moderator goes and comes back: it can invite again", async () => {
      await atAnn.softClose();
      await becomes([atBob, atCid], ann, "offline");
      await atBob.publish("without ann");
      await allHear([atCid], bob, "without ann");
      await atAnn.rejoin();
      await becomes([atBob, atCid], ann, "online");
      const eve = await (await host(kinds[1])).app("eve", { url });
      const atEve = await join(atAnn, eve);
      await atEve.publish("eve here");
      await allHear([atBob, atCid], eve, "eve here");
      await eve.disconnect();
    });
  }
  await team.end();
  await dan.disconnect().catch(() => {});
}

/** While one is away another one leaves and is invited again: it speaks with other numbers than before, or begins with them anew. */
export async function cameAgainStory({ check, title, kinds, url, mls }) {
  const say = (what, body) => check(`${title}: ${what}`, body, { timeoutMs: 45_000 });
  const team = await openTeam({ kinds, url, mls, interval: 500, retries: 10 });
  const { apps, sessions } = team;
  const [, bob, cid] = apps;
  const [atAnn, atBob, atCid] = sessions;
  await say("who comes back hears who left and came again meanwhile", async () => {
    for (const words of ["one", "two", "three", "four"]) {
      await atCid.publish(words);
      await allHear([atAnn, atBob], cid, words);
    }
    await atBob.softClose();
    await becomes([atAnn, atCid], bob, "offline");
    await atCid.close();
    await eventually("the moderator to know", async () => !(await stateOf(atAnn, cid)));
    const again = await join(atAnn, cid);
    await atBob.rejoin();
    await becomes([atAnn, again], bob, "online");
    for (const words of ["again", "and again"]) {
      await again.publish(words);
      await allHear([atBob], cid, words);
    }
  });
  await team.end();
}

/** A member that nothing reaches and nothing comes from: 30 seconds of silence, and then it is back. */
export async function silenceStory({ check, title, kinds, url, mls, missed }) {
  const say = (what, body) => check(`${title}: ${what}`, body, { timeoutMs: 110_000 });
  const proxy = await openProxy(() => url);
  const team = await openTeam({ kinds, url: proxy.url, mls, interval: 500, retries: 4 });
  const { apps, sessions } = team;
  const [ann, bob, cid] = apps;
  const [atAnn, atBob, atCid] = sessions;
  for (const [at, session] of sessions.entries()) {
    await session.publish(`first of ${at}`);
    await allHear(
      sessions.filter((one) => one !== session),
      apps[at],
      `first of ${at}`,
    );
  }

  await say(
    "a member that nothing comes from is offline after three missed heartbeats",
    async () => {
      proxy.rule = ({ app }) => (app === bob.name ? "drop" : undefined);
      await becomes([atAnn, atCid], bob, "offline", 60_000);
    },
  );

  await say("it is not waited for any more", async () => {
    const before = proxy.log.length;
    await atAnn.publish("one");
    const repeated = proxy.log
      .slice(before)
      .filter(({ type, toNode, to }) => type === "MSG" && toNode && to === bob.name);
    assert.equal(repeated.length, 0, "it was waited for");
    await allHear([atCid], ann, "one");
  });

  const dan = await (await host(kinds[2])).app("dan", { url: proxy.url });
  let atDan;
  if (missed) {
    await say("an invitation goes on without it", async () => {
      atDan = await join(atAnn, dan);
      await atDan.publish("dan here");
      await allHear([atAnn, atCid], dan, "dan here");
    });
  }

  await say("it is back with its next heartbeat, and gets what it missed", async () => {
    proxy.rule = undefined;
    await becomes([atAnn, atCid], bob, "online", 60_000);
    // it has not heard of them either, and says nothing as long as it knows of nobody
    for (const app of [ann, cid]) await becomes([atBob], app, "online", 60_000);
    await atAnn.publish("two");
    await allHear(missed ? [atCid, atDan] : [atCid], ann, "two");
    // A released member that has taken the others for gone begins anew with what comes first.
    const fetched = kinds[1] === "ours" ? ["one", "two"] : ["two"];
    for (const words of fetched) await allHear([atBob], ann, words);
    await atBob.publish("back again");
    await allHear(missed ? [atAnn, atCid, atDan] : [atAnn, atCid], bob, "back again");
  });
  proxy.rule = undefined;
  await team.end();
  await dan.disconnect().catch(() => {});
  await proxy.close();
}
