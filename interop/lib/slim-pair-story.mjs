// Point-to-point sessions between two kinds, the first of them asking.
import { assert } from "./check.mjs";
import { host } from "./slim-hosts.mjs";
import { allHear } from "./slim-team.mjs";

export async function pairStory({ check, title, kinds, url, mls }) {
  const say = (what, body) => check(`${title}: ${what}`, body, { timeoutMs: 30_000 });
  const [ann, bob] = await Promise.all(
    kinds.map(async (kind, at) => (await host(kind)).app(["ann", "bob"][at], { url })),
  );
  const begin = async (more) => {
    const listening = bob.listen();
    listening.catch(() => {});
    const atAnn = await ann.direct(bob, { mls, interval: 2000, metadata: { re: "us" }, ...more });
    return [atAnn, await listening];
  };
  let atAnn;
  let atBob;

  await say("a reliable session is begun, and both know the same of it", async () => {
    [atAnn, atBob] = await begin();
    const [hers, his] = await Promise.all([atAnn.info(), atBob.info()]);
    assert.equal(hers.id, his.id);
    assert.deepEqual([hers.type, his.type], ["PointToPoint", "PointToPoint"]);
    assert.deepEqual([hers.isInitiator, his.isInitiator], [true, false]);
    assert.deepEqual(his.metadata, { re: "us" });
    assert.deepEqual([hers.source, his.source], [ann.name, bob.name]);
    assert.deepEqual([hers.destination, his.destination], [bob.name, ann.name]);
  });

  await say("both speak and hear, in every size", async () => {
    await atAnn.publish({ text: "hello", type: "text/plain", metadata: { a: "b" } });
    const { from, type, metadata, text } = await atBob.read();
    assert.deepEqual(
      { from, type, a: metadata.a, text },
      { from: ann.name, type: "text/plain", a: "b", text: "hello" },
    );
    await atBob.publish("hello yourself");
    await allHear([atAnn], bob, "hello yourself");
    for (const size of [0, 16_384, 200_000]) {
      await atAnn.publish({ size });
      assert.equal((await atBob.read()).size, size);
      await atBob.publish({ size });
      assert.equal((await atAnn.read()).size, size);
    }
  });

  await say("100 messages under way at once in each direction", async () => {
    await Promise.all([atAnn, atBob].map((session) => session.publishMany({ count: 100 })));
    for (const session of [atAnn, atBob]) {
      const texts = (await session.readMany(100)).map(({ text }) => Number(text));
      assert.deepEqual(
        texts,
        Array.from({ length: 100 }, (_, n) => n),
      );
    }
  });

  await say("an answer by publish_to", async () => {
    await atBob.publishTo(ann, "to you");
    await allHear([atAnn], bob, "to you");
  });

  await say("nobody can be invited to it, and it cannot be left for a while", async () => {
    await assert.rejects(atAnn.invite(bob), /point-to-point|not-a-group/i);
    await assert.rejects(atAnn.softClose(), /point-to-point|not-a-group/i);
  });

  await say("two sessions of the same two do not mix", async () => {
    const [second, atBobSecond] = await begin();
    await second.publish("in the second");
    await atAnn.publish("in the first");
    await allHear([atBob], ann, "in the first");
    await allHear([atBobSecond], ann, "in the second");
    await second.delete();
    assert.match((await atBobSecond.read()).error, /session closed/);
    await atAnn.publish("still there");
    await allHear([atBob], ann, "still there");
  });

  await say("it ends for both when the one who began it ends it", async () => {
    await atAnn.delete();
    assert.match((await atBob.read()).error, /session closed/);
  });

  await say("it ends for both when the other one leaves", async () => {
    [atAnn, atBob] = await begin();
    await atBob.close();
    assert.match((await atBob.read()).error, /session closed/);
    assert.match((await atAnn.read()).error, /participant disconnected|session closed/);
  });

  await say(
    "an unreliable session: what is sent arrives here, and nothing is waited for",
    async () => {
      [atAnn, atBob] = await begin({ reliable: false });
      for (const words of ["one", "two", "three"]) await atAnn.publish(words);
      for (const words of ["one", "two", "three"]) await allHear([atBob], ann, words);
      await atBob.publish("four");
      await allHear([atAnn], bob, "four");
      await atAnn.delete();
      assert.match((await atBob.read()).error, /session closed/);
    },
  );

  await say("nobody answers to a name that nobody has", async () => {
    const nobody = { name: "agntcy/ns/nobody-at-all" };
    await assert.rejects(ann.direct(nobody, { mls, interval: 100, retries: 2 }));
  });
  await Promise.all([ann, bob].map((app) => app.disconnect().catch(() => {})));
}
