// What a lossy way does to a group, and what the members make of it. Kinds: the moderator's, then two members'.
import { assert, eventually } from "./check.mjs";
import { host } from "./slim-hosts.mjs";
import { openProxy } from "./slim-proxy.mjs";
import { allHear, join, openTeam } from "./slim-team.mjs";

// many and not too short: a released app that runs out of retries leaves its gap for good and its publishes pending
const interval = 400;
const retries = 20;

export async function lossStory({ check, title, kinds, url, mls }) {
  const proxy = await openProxy(() => url);
  const say = (what, body) => check(`${title}: ${what}`, body, { timeoutMs: 60_000 });
  let team;
  await say("a group through a proxy", async () => {
    team = await openTeam({ kinds, url: proxy.url, mls, interval, retries });
  });
  if (team === undefined) return proxy.close();
  const { apps, sessions } = team;
  const [ann, bob, cid] = apps;
  const [atAnn, atBob, atCid] = sessions;
  const is = (type, more) => (message) =>
    message.type === type && Object.entries(more).every(([key, value]) => message[key] === value);
  const count = (type, more) => proxy.log.filter(is(type, more)).length;
  const quiet = () => {
    proxy.rule = undefined;
    proxy.log.length = 0;
  };

  await say("what is lost on its way to the node is sent again", async () => {
    quiet();
    const lost = proxy.lose(is("MSG", { toNode: true, app: ann.name }));
    await atAnn.publish("one");
    await allHear([atBob, atCid], ann, "one");
    assert.equal(lost.length, 1);
    // to each of them alone
    assert.deepEqual(
      new Set(
        proxy.log
          .filter(is("MSG", { toNode: true }))
          .slice(1)
          .map(({ to }) => to),
      ),
      new Set([bob.name, cid.name]),
    );
  });

  await say("what is lost on its way to one member is sent to that one again", async () => {
    quiet();
    proxy.lose(is("MSG", { toNode: false, app: bob.name }));
    await atCid.publish("two");
    await allHear([atAnn, atBob], cid, "two");
    const sent = proxy.log.filter(is("MSG", { toNode: true }));
    assert.deepEqual(
      sent.map(({ to }) => to).slice(1),
      [bob.name],
      "the second copy goes to one member",
    );
  });

  await say("a lost acknowledgement costs a second copy, which nobody hears", async () => {
    quiet();
    proxy.lose(is("MSG_ACK", { toNode: true, app: cid.name }));
    await atBob.publish("three");
    await atBob.publish("four");
    for (const [at, session] of [atAnn, atCid].entries()) {
      void at;
      await allHear([session], bob, "three");
      await allHear([session], bob, "four");
    }
    assert.ok(count("MSG", { toNode: false, app: cid.name }) >= 3);
  });

  await say("a gap is asked for and filled before what came after it", async () => {
    quiet();
    // neither the message nor its copies by timer: only the answer to a request may fill the gap
    let gap;
    proxy.rule = (message) => {
      if (message.type !== "MSG" || message.toNode || message.app !== cid.name) return undefined;
      gap ??= message.messageId;
      return message.messageId === gap ? "drop" : undefined;
    };
    const sent = [atAnn.publish("five"), atAnn.publish("six"), atAnn.publish("seven")];
    for (const words of ["five", "six", "seven"]) await allHear([atBob, atCid], ann, words);
    await Promise.all(sent);
    assert.ok(count("RTX_REQUEST", { toNode: true, app: cid.name }) >= 1);
    assert.ok(count("RTX_REPLY", { toNode: false, app: cid.name }) >= 1);
  });

  await say("a lost request and a lost answer are repeated", async () => {
    quiet();
    let gap;
    const lost = new Set();
    proxy.rule = (message) => {
      if (message.type === "MSG" && !message.toNode && message.app === bob.name) {
        gap ??= message.messageId;
        return message.messageId === gap ? "drop" : undefined;
      }
      const once = ["RTX_REQUEST", "RTX_REPLY"].includes(message.type) && !lost.has(message.type);
      if (!once) return undefined;
      lost.add(message.type);
      return "drop";
    };
    const sent = [atCid.publish("eight"), atCid.publish("nine")];
    for (const words of ["eight", "nine"]) await allHear([atAnn, atBob], cid, words);
    await Promise.all(sent);
    assert.deepEqual([...lost], ["RTX_REQUEST", "RTX_REPLY"]);
  });

  await say("everything twice is heard once", async () => {
    quiet();
    proxy.rule = ({ kind }) => (kind === "publish" ? { copies: 2 } : undefined);
    for (const [session, app] of [
      [atAnn, ann],
      [atBob, bob],
      [atCid, cid],
    ]) {
      await session.publish("ten");
      await session.publish("eleven");
      const others = sessions.filter((one) => one !== session);
      await allHear(others, app, "ten");
      await allHear(others, app, "eleven");
    }
  });

  await say("what comes out of order is heard in order", async () => {
    quiet();
    let held = 0;
    proxy.rule = ({ type, toNode, app }) => {
      if (type !== "MSG" || toNode || app !== bob.name || held === 4) return undefined;
      held += 1;
      if (held === 4) setTimeout(() => proxy.release({ reversed: true }), 5);
      return "hold";
    };
    const words = ["twelve", "thirteen", "fourteen", "fifteen"];
    const sent = words.map((word) => atAnn.publish(word));
    for (const word of words) await allHear([atBob, atCid], ann, word);
    await Promise.all(sent);
    assert.equal(held, 4);
  });

  await say("late messages are heard in order", async () => {
    quiet();
    let at = 0;
    proxy.rule = ({ type }) => {
      if (type !== "MSG" && type !== "MSG_ACK") return undefined;
      at += 1;
      return { after: (at * 37) % 90 };
    };
    await Promise.all(sessions.map((session) => session.publishMany({ count: 20 })));
    for (const session of sessions) {
      const items = await session.readMany(40);
      for (const app of apps) {
        const texts = items.filter(({ from }) => from === app.name).map(({ text }) => Number(text));
        const expected = session === sessions[apps.indexOf(app)] ? 0 : 20;
        assert.deepEqual(
          texts,
          Array.from({ length: expected }, (_, n) => n),
        );
      }
    }
  });

  await say("every tenth message lost: all arrive", async () => {
    quiet();
    let at = 0;
    proxy.rule = ({ kind, type }) => {
      if (kind !== "publish" || type === "HEARTBEAT") return undefined;
      at += 1;
      return at % 10 === 0 ? "drop" : undefined;
    };
    await Promise.all(sessions.map((session) => session.publishMany({ count: 30 })));
    for (const session of sessions) assert.equal((await session.readMany(60)).length, 60);
    for (const session of sessions) assert.deepEqual(await session.heard(), []);
  });

  const guests = [];
  const guest = async () => {
    guests.push(await (await host(kinds[1])).app("dan", { url: proxy.url }));
    return guests.at(-1);
  };
  for (const [type, more] of lostAtInvite(kinds)) {
    await say(`an invitation whose ${type} is lost once succeeds`, async () => {
      quiet();
      const dan = await guest();
      const lost = proxy.lose(is(type, more({ ann, bob, dan })));
      const atDan = await join(atAnn, dan);
      await eventually("the one who is lost", () => lost.length === 1);
      await atDan.publish(`after ${type}`);
      await allHear(sessions, dan, `after ${type}`);
      await atAnn.publish("welcome");
      await allHear([atBob, atCid, atDan], ann, "welcome");
      await atAnn.remove(dan);
      const { error } = await atDan.read();
      assert.match(error, /closed/);
    });
  }

  for (const [type, more] of lostAtRemoval(kinds)) {
    await say(`a removal whose ${type} is lost once succeeds`, async () => {
      quiet();
      const dan = await guest();
      const atDan = await join(atAnn, dan);
      const lost = proxy.lose(is(type, more({ ann, bob, dan })));
      await atAnn.remove(dan);
      await eventually("the one who is lost", () => lost.length === 1);
      assert.match((await atDan.read()).error, /closed/);
      await atBob.publish(`after ${type}`);
      await allHear([atAnn, atCid], bob, `after ${type}`);
    });
  }

  await say("a session ends although its end is lost once", async () => {
    quiet();
    const lost = proxy.lose(is("GROUP_CLOSE", { toNode: true, app: ann.name }));
    await team.end();
    assert.equal(lost.length, 1);
    for (const session of [atBob, atCid]) assert.match((await session.read()).error, /closed/);
  });
  for (const dan of guests) await dan.disconnect().catch(() => {});
  await proxy.close();
}

/** What released members never repeat an answer to is left out where they would have to. */
function lostAtInvite(kinds) {
  const [moderator, member] = kinds;
  const native = moderator !== "ours" || member !== "ours";
  const out = ({ ann }) => ({ toNode: true, app: ann.name });
  const answer = ({ dan }) => ({ toNode: true, app: dan.name });
  const cases = [
    ["DISCOVERY_REQUEST", out],
    ["DISCOVERY_REPLY", answer],
    ["JOIN_REQUEST", out],
    ["GROUP_WELCOME", out],
    ["GROUP_UPDATE", ({ bob }) => ({ toNode: false, app: bob.name })],
  ];
  if (!native) cases.push(["JOIN_REPLY", answer], ["GROUP_ACK", answer]);
  return cases;
}

function lostAtRemoval(kinds) {
  const native = kinds.some((kind) => kind !== "ours");
  const cases = [
    ["GROUP_UPDATE", ({ bob }) => ({ toNode: false, app: bob.name })],
    ["LEAVE_REQUEST", ({ ann }) => ({ toNode: true, app: ann.name })],
  ];
  if (!native) cases.push(["LEAVE_REPLY", ({ dan }) => ({ toNode: true, app: dan.name })]);
  return cases;
}
