// A group's life, from its first invitation to its end. Kinds: the moderator's, then those of its members in the order of their invitations.
import { assert, eventually } from "./check.mjs";
import { host } from "./slim-hosts.mjs";
import { allHear, join, openTeam } from "./slim-team.mjs";

export async function groupStory({ check, title, kinds, url, mls }) {
  const say = (what, body) => check(`${title}: ${what}`, body, { timeoutMs: 30_000 });
  let team;
  await say("two are invited", async () => {
    const metadata = { topic: "lunch", day: "frïday" };
    // long: a released app hears a publish_to twice that came twice, which a slow machine would make of it
    team = await openTeam({ kinds, url, mls, interval: 5000, metadata });
  });
  if (team === undefined) return;
  const { apps, sessions } = team;
  const [ann, bob, cid] = apps;
  const [atAnn, atBob, atCid] = sessions;
  const others = (session) => sessions.filter((one) => one !== session);
  const roster = (...members) => members.map(({ name }) => `${name} online`).toSorted();

  await say("all know the same of the session", async () => {
    const infos = await Promise.all(sessions.map((session) => session.info()));
    assert.equal(new Set(infos.map(({ id }) => id)).size, 1);
    assert.deepEqual(
      infos.map(({ isInitiator }) => isInitiator),
      [true, false, false],
    );
    for (const [at, info] of infos.entries()) {
      assert.equal(info.type, "Group");
      assert.equal(info.source, apps[at].name);
      assert.equal(info.destination, infos[0].destination);
      assert.deepEqual(info.metadata, { topic: "lunch", day: "frïday" });
      assert.deepEqual(await sessions[at].participants(), roster(...apps));
    }
  });

  await say("what any of them publishes all others get", async () => {
    for (const [at, session] of sessions.entries()) {
      await session.publish(`from ${at}`);
      await allHear(others(session), apps[at], `from ${at}`);
    }
  });

  await say("payload type, metadata and every size arrive as they were sent", async () => {
    await atAnn.publish({ text: '{"a":1}', type: "application/json", metadata: { trace: "4711" } });
    for (const session of others(atAnn)) {
      const { type, metadata, text } = await session.read();
      assert.deepEqual(
        { type, trace: metadata.trace, text },
        {
          type: "application/json",
          trace: "4711",
          text: '{"a":1}',
        },
      );
    }
    for (const size of [0, 1, 16_384, 200_000]) {
      for (const session of sessions) {
        await session.publish({ size });
        for (const other of others(session)) assert.equal((await other.read()).size, size);
      }
    }
  });

  await say("publish_to reaches one member alone, in each direction", async () => {
    for (const [at, session] of sessions.entries()) {
      for (const [to, other] of sessions.entries()) {
        if (to === at) continue;
        await session.publishTo(apps[to], `${at} to ${to}`);
        await allHear([other], apps[at], `${at} to ${to}`);
      }
    }
    await atAnn.publish("for all again");
    await allHear(others(atAnn), ann, "for all again");
  });

  await say("all publish at once: each one's messages come in order, none lost", async () => {
    await Promise.all(sessions.map((session) => session.publishMany({ count: 50 })));
    for (const [at, session] of sessions.entries()) {
      const items = await session.readMany(100);
      for (const app of apps.filter((_, n) => n !== at)) {
        const texts = items.filter(({ from }) => from === app.name).map(({ text }) => Number(text));
        assert.deepEqual(
          texts,
          Array.from({ length: 50 }, (_, n) => n),
        );
      }
    }
  });

  const dan = await (await host(kinds[1])).app("dan", { url });
  let atDan;
  await say("one who is invited late hears what comes from then on", async () => {
    atDan = await join(atAnn, dan);
    await eventually("one roster", async () => {
      const rosters = await Promise.all([...sessions, atDan].map((one) => one.participants()));
      return rosters.every((one) => String(one) === String(roster(...apps, dan)));
    });
    await atBob.publish("hello dan");
    await allHear([atAnn, atCid, atDan], bob, "hello dan");
    await atDan.publish("hello all");
    await allHear(sessions, dan, "hello all");
  });

  await say("who is in cannot be invited, who is not cannot be removed", async () => {
    // ours may have two instances of one service in a group, and a released member does not say that it is the one that is in already
    if (kinds[0] !== "ours" || kinds[1] === "ours") {
      await assert.rejects(atAnn.invite(dan), /already in group|already-member/);
    }
    const nobody = { name: "agntcy/ns/nobody" };
    await assert.rejects(atAnn.remove(nobody), /not found|not-a-member|unknown/);
  });

  await say("a participant may not invite or remove", async () => {
    await assert.rejects(atBob.invite(cid), /initiator|moderator/i);
    await assert.rejects(atBob.remove(cid), /initiator|moderator/i);
  });

  await say("one is removed: it is told, the rest talk on without it", async () => {
    await atAnn.remove(bob);
    assert.match((await atBob.read()).error, /session closed/);
    await atCid.publish("without bob");
    await allHear([atAnn, atDan], cid, "without bob");
    for (const session of [atAnn, atCid, atDan]) {
      assert.deepEqual(await session.participants(), roster(ann, cid, dan));
    }
    assert.deepEqual(await atBob.heard(), []);
  });

  await say("who was removed is invited again and hears only what comes then", async () => {
    const again = await join(atAnn, bob);
    await atDan.publish("bob is back");
    await allHear([atAnn, atCid, again], dan, "bob is back");
    await again.publish("I am");
    await allHear([atAnn, atCid, atDan], bob, "I am");
    await atAnn.remove(bob);
    assert.match((await again.read()).error, /session closed/);
  });

  await say("one leaves by itself: the moderator is told, the rest talk on", async () => {
    await atDan.close();
    assert.match((await atDan.read()).error, /session closed/);
    assert.match((await atAnn.read()).error, new RegExp(`participant disconnected: ${dan.name}/`));
    await eventually("one roster", async () => {
      const rosters = await Promise.all([atAnn, atCid].map((one) => one.participants()));
      return rosters.every((one) => String(one) === String(roster(ann, cid)));
    });
    await atCid.publish("we two");
    await allHear([atAnn], cid, "we two");
    await atAnn.publish("we two indeed");
    await allHear([atCid], ann, "we two indeed");
  });

  await say("the session ends for all when the moderator ends it", async () => {
    await atAnn.delete();
    assert.match((await atCid.read()).error, /session closed/);
    await assert.rejects(atCid.publish("too late"));
  });
  await Promise.all([...apps, dan].map((app) => app.disconnect().catch(() => {})));
}
