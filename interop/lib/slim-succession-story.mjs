// A moderator of ours gives its place to another app of ours, or is lost; native members stay and follow.
import { assert, eventually } from "./check.mjs";
import { host } from "./slim-hosts.mjs";
import { openProxy } from "./slim-proxy.mjs";
import { allHear, join, openTeam } from "./slim-team.mjs";

const kindsWith = (core) => ["ours", "ours", core, core];

/** Everybody hears everybody else. */
async function whole(people) {
  for (const { app, session } of people) {
    const words = `${app.name} at ${Date.now()}`;
    await session.publish(words);
    await allHear(
      people.filter((one) => one.app !== app).map((one) => one.session),
      app,
      words,
    );
  }
}

async function hearsAtLast(session, words) {
  for (let item = await session.read(); item.text !== words; item = await session.read()) {
    assert.equal(item.error, undefined);
  }
}

const peopleOf = ({ apps, sessions }) => apps.map((app, at) => ({ app, session: sessions[at] }));

/** Announced: the old moderator stays as a member until the new one removes it. */
export async function handOverStory({ check, title, core, url, mls }) {
  const say = (what, body) => check(`${title}: ${what}`, body, { timeoutMs: 45_000 });
  const team = await openTeam({ kinds: kindsWith(core), url, mls, interval: 500, retries: 6 });
  const [ann, bob, cid, dan] = peopleOf(team);

  await say("the group goes on under the successor", async () => {
    await whole([ann, bob, cid, dan]);
    await ann.session.handOver(bob.app);
    assert.equal(await ann.session.moderator(), bob.app.name);
    assert.equal(await bob.session.moderator(), bob.app.name);
    await whole([ann, bob, cid, dan]);
    await assert.rejects(ann.session.remove(cid.app), /not-moderator/);
  });

  const eve = { app: await (await host(core)).app("eve", { url }) };
  await say(
    "the successor invites a native and removes the old moderator and a native",
    async () => {
      eve.session = await join(bob.session, eve.app);
      await whole([ann, bob, cid, dan, eve]);
      await bob.session.remove(ann.app);
      assert.match((await ann.session.read()).error, /session closed/);
      await whole([bob, cid, dan, eve]);
      await bob.session.remove(dan.app);
      assert.match((await dan.session.read()).error, /session closed/);
      await whole([bob, cid, eve]);
    },
  );

  await say("a native that leaves tells the successor", async () => {
    await cid.session.close();
    assert.match((await bob.session.read()).error, /disconnected/);
    await whole([bob, eve]);
  });

  await say("the successor closes the group for all", async () => {
    await bob.session.delete();
    assert.match((await eve.session.read()).error, /session closed/);
  });
  for (const { app } of [ann, bob, cid, dan, eve]) await app.disconnect().catch(() => {});
}

/** Unannounced: nothing comes from the moderator any more; when it is back it is a member. */
export async function lossStory({ check, title, core, url, mls }) {
  const say = (what, body) => check(`${title}: ${what}`, body, { timeoutMs: 150_000 });
  const proxy = await openProxy(() => url);
  const kinds = kindsWith(core);
  const team = await openTeam({ kinds, url: proxy.url, mls, interval: 500, retries: 6 });
  const [ann, bob, cid, dan] = peopleOf(team);
  await whole([ann, bob, cid, dan]);

  await say("a moderator that is lost is followed, and natives follow the new one", async () => {
    proxy.rule = ({ app }) => (app === ann.app.name ? "drop" : undefined);
    await eventually("a successor", async () => (await bob.session.moderator()) === bob.app.name, {
      timeoutMs: 110_000,
      everyMs: 250,
    });
    await whole([bob, cid, dan]);
  });

  const eve = { app: await (await host(core)).app("eve", { url: proxy.url }) };
  await say("it invites a native", async () => {
    eve.session = await join(bob.session, eve.app);
    await whole([bob, cid, dan, eve]);
  });

  await say("the old one comes back as a member", async () => {
    proxy.rule = undefined;
    await eventually(
      "the old moderator to know",
      async () => (await ann.session.moderator()) === bob.app.name,
      { timeoutMs: 60_000, everyMs: 250 },
    );
    const everybody = [ann, bob, cid, dan, eve];
    let seen = [];
    await eventually(
      "all to be online at all",
      async () => {
        seen = await Promise.all(everybody.map(({ session }) => session.participants()));
        // a released app may show itself offline where it was so for others
        return seen.every(
          (list, at) =>
            list.length === 5 &&
            list.every(
              (one) => one.endsWith(" online") || one.startsWith(`${everybody[at].app.name} `),
            ),
        );
      },
      { timeoutMs: 60_000, everyMs: 250 },
    ).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(seen)}`);
    });
    // members that fetch what they missed hear that first
    for (const { app, session } of everybody) {
      const words = `${app.name} after all`;
      await session.publish(words);
      for (const other of everybody) {
        if (other.app !== app) await hearsAtLast(other.session, words);
      }
    }
  });
  proxy.rule = undefined;
  await bob.session.delete();
  for (const { app } of [ann, bob, cid, dan, eve]) await app.disconnect().catch(() => {});
  await proxy.close();
}

/** What our members keep goes to our newcomers, and natives see nothing of it. */
export async function historyStory({ check, title, core, url, mls }) {
  const team = await openTeam({ kinds: ["ours", core, core], url, mls, interval: 500, retries: 6 });
  const [ann, bob, cid] = peopleOf(team);
  await check(`${title}: our newcomer gets what was said before`, async () => {
    await ann.app.keepHistory();
    await ann.session.publish("one");
    await allHear([bob.session, cid.session], ann.app, "one");
    await bob.session.publish("two");
    await allHear([ann.session, cid.session], bob.app, "two");
    const dan = { app: await (await host("ours")).app("dan", { url }) };
    dan.session = await join(ann.session, dan.app);
    assert.deepEqual(await dan.session.history(), [`${ann.app.name}: one`, `${bob.app.name}: two`]);
    await whole([ann, bob, cid, dan]);
    await dan.app.disconnect();
  });
  await team.end();
}
