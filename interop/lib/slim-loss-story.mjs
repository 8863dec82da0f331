// What a lossy way does to a group, and what the members make of it. Kinds: the moderator's, then two members'.
import { assert, eventually } from "./check.mjs";
import { host } from "./slim-hosts.mjs";
import { openProxy } from "./slim-proxy.mjs";
import { allHear, isClosed, join, openTeam } from "./slim-team.mjs";

// Many: a released app that runs out of retries leaves its gap for good and its publishes pending.
const retries = 20;

export async function lossStory({
  check,
  title,
  kinds,
  url,
  mls,
  interval = 400,
  talkOnly = false,
}) {
  const proxy = await openProxy(() => url);
  // Every check has a tag for its own words, so that one which fails leaves nothing to the next.
  let tag = 0;
  const say = (what, body) => {
    tag += 1;
    const own = (words) => `${tag}: ${words}`;
    return check(`${title}: ${what}`, () => body(own), { timeoutMs: 60_000 });
  };
  let team;
  await say("a group through a proxy", async (own) => {
    team = await openTeam({ kinds, url: proxy.url, mls, interval, retries });
  });
  if (team === undefined) return proxy.close();
  const { apps, sessions } = team;
  const [ann, bob, cid] = apps;
  const [atAnn, atBob, atCid] = sessions;
  const is = (type, more) => (message) =>
    message.type === type && Object.entries(more).every(([key, value]) => message[key] === value);
  const count = (type, more) => proxy.log.filter(is(type, more)).length;
  /** Nothing but heartbeats has passed for so long: what was said before is no more under way, or after some intervals not repeated either. */
  const quiet = async (forMs = 100) => {
    proxy.rule = undefined;
    const passed = () => proxy.log.filter(({ type }) => type !== "HEARTBEAT").length;
    for (let before; before !== passed();) {
      before = passed();
      await new Promise((resolve) => setTimeout(resolve, forMs));
    }
    proxy.log.length = 0;
  };

  await say("what is lost on its way to the node is sent again", async (own) => {
    await quiet();
    const lost = proxy.lose(is("MSG", { toNode: true, app: ann.name }));
    await atAnn.publish(own("one"));
    await allHear([atBob, atCid], ann, own("one"));
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

  await say("what is lost on its way to one member is sent to that one again", async (own) => {
    await quiet();
    proxy.lose(is("MSG", { toNode: false, app: bob.name }));
    await atCid.publish(own("two"));
    await allHear([atAnn, atBob], cid, own("two"));
    assert.ok(count("MSG", { toNode: true, to: bob.name }) >= 1, "a copy for one member");
  });

  await say("a lost acknowledgement costs a second copy, which nobody hears", async (own) => {
    await quiet();
    proxy.lose(is("MSG_ACK", { toNode: true, app: cid.name }));
    await atBob.publish(own("three"));
    await atBob.publish(own("four"));
    for (const session of [atAnn, atCid]) {
      await allHear([session], bob, own("three"));
      await allHear([session], bob, own("four"));
    }
    assert.ok(count("MSG", { toNode: false, app: cid.name }) >= 3);
  });

  await say("a gap is asked for and filled before what came after it", async (own) => {
    await quiet();
    // neither the message nor its copies by timer: only the answer to a request may fill the gap
    let gap;
    proxy.rule = (message) => {
      if (message.type !== "MSG" || message.toNode || message.app !== cid.name) return undefined;
      gap ??= message.messageId;
      return message.messageId === gap ? "drop" : undefined;
    };
    const sent = [
      atAnn.publish(own("five")),
      atAnn.publish(own("six")),
      atAnn.publish(own("seven")),
    ];
    for (const words of ["five", "six", "seven"]) await allHear([atBob, atCid], ann, own(words));
    await Promise.all(sent);
    assert.ok(count("RTX_REQUEST", { toNode: true, app: cid.name }) >= 1);
    assert.ok(count("RTX_REPLY", { toNode: false, app: cid.name }) >= 1);
  });

  await say("a lost request and a lost answer are repeated", async (own) => {
    await quiet();
    let gap;
    const lost = new Set();
    proxy.rule = (message) => {
      if (message.type === "MSG" && !message.toNode && message.app === bob.name) {
        gap ??= message.messageId;
        return message.messageId === gap ? "drop" : undefined;
      }
      if (message.messageId !== gap || message.app !== bob.name) return undefined;
      const once = ["RTX_REQUEST", "RTX_REPLY"].includes(message.type) && !lost.has(message.type);
      if (!once) return undefined;
      lost.add(message.type);
      return "drop";
    };
    const sent = [atCid.publish(own("eight")), atCid.publish(own("nine"))];
    for (const words of ["eight", "nine"]) await allHear([atAnn, atBob], cid, own(words));
    await Promise.all(sent);
    assert.deepEqual([...lost], ["RTX_REQUEST", "RTX_REPLY"]);
  });

  await say("everything twice is heard once", async (own) => {
    await quiet();
    proxy.rule = ({ kind }) => (kind === "publish" ? { copies: 2 } : undefined);
    for (const [session, app] of [
      [atAnn, ann],
      [atBob, bob],
      [atCid, cid],
    ]) {
      await session.publish(own("ten"));
      await session.publish(own("eleven"));
      const others = sessions.filter((one) => one !== session);
      await allHear(others, app, own("ten"));
      await allHear(others, app, own("eleven"));
    }
  });

  await say("what comes out of order is heard in order", async (own) => {
    await quiet();
    let held = 0;
    proxy.rule = ({ type, toNode, app }) => {
      if (type !== "MSG" || toNode || app !== bob.name || held === 4) return undefined;
      held += 1;
      if (held === 4) setTimeout(() => proxy.release({ reversed: true }), 5);
      return "hold";
    };
    const words = ["twelve", "thirteen", "fourteen", "fifteen"];
    const sent = words.map((word) => atAnn.publish(own(word)));
    for (const word of words) await allHear([atBob, atCid], ann, own(word));
    await Promise.all(sent);
    assert.equal(held, 4);
  });

  await say("late messages are heard in order", async (own) => {
    await quiet();
    let at = 0;
    proxy.rule = ({ type }) => {
      if (type !== "MSG" && type !== "MSG_ACK") return undefined;
      at += 1;
      return { after: (at * 37) % 90 };
    };
    await Promise.all(
      sessions.map((session) => session.publishMany({ count: 20, prefix: own("") })),
    );
    for (const session of sessions) {
      const items = await session.readMany(40, { prefix: own("") });
      for (const app of apps) {
        const texts = items
          .filter(({ from }) => from === app.name)
          .map(({ text }) => Number(text.split(": ")[1]));
        const expected = session === sessions[apps.indexOf(app)] ? 0 : 20;
        assert.deepEqual(
          texts,
          Array.from({ length: expected }, (_, n) => n),
        );
      }
    }
  });

  await say("every tenth message lost: all arrive", async (own) => {
    await quiet();
    let at = 0;
    proxy.rule = ({ kind, type }) => {
      if (kind !== "publish" || type === "HEARTBEAT") return undefined;
      at += 1;
      return at % 10 === 0 ? "drop" : undefined;
    };
    await Promise.all(
      sessions.map((session) => session.publishMany({ count: 30, prefix: own("") })),
    );
    for (const session of sessions)
      assert.equal((await session.readMany(60, { prefix: own("") })).length, 60);
    for (const session of sessions) {
      const more = (await session.heard()).filter(({ text }) => text?.startsWith(own("")));
      assert.deepEqual(more, []);
    }
  });

  const guests = [];
  const guest = async () => {
    guests.push(await (await host(kinds[1])).app("dan", { url: proxy.url }));
    return guests.at(-1);
  };
  for (const [type, more] of talkOnly ? [] : lostAtInvite(kinds)) {
    await say(`an invitation whose ${type} is lost once succeeds`, async (own) => {
      await quiet();
      const dan = await guest();
      const lost = proxy.lose(is(type, more({ ann, bob, dan })));
      const atDan = await join(atAnn, dan);
      await eventually("the one who is lost", () => lost.length === 1);
      await atDan.publish(own(`after ${type}`));
      await allHear(sessions, dan, own(`after ${type}`));
      await atAnn.publish(own("welcome"));
      await allHear([atBob, atCid, atDan], ann, own("welcome"));
      await atAnn.remove(dan);
      await isClosed(atDan);
    });
  }

  for (const [type, more] of talkOnly ? [] : lostAtRemoval(kinds)) {
    await say(`a removal whose ${type} is lost once succeeds`, async (own) => {
      await quiet();
      const dan = await guest();
      const atDan = await join(atAnn, dan);
      const lost = proxy.lose(is(type, more({ ann, bob, dan })));
      await atAnn.remove(dan);
      await eventually("the one who is lost", () => lost.length === 1);
      await isClosed(atDan);
      await atBob.publish(own(`after ${type}`));
      await allHear([atAnn, atCid], bob, own(`after ${type}`));
    });
  }

  if (talkOnly) await team.end();
  else
    await say("a session ends although its end is lost once", async (own) => {
      // A released moderator that is about to end stops at once, and says its end no more, when an acknowledgement comes that it no longer waits for.
      await quiet(3 * interval);
      const lost = proxy.lose(is("GROUP_CLOSE", { toNode: true, app: ann.name }));
      // a released moderator takes its session for ended before everybody has heard of it
      await atAnn.delete();
      assert.equal(lost.length, 1);
      for (const session of [atBob, atCid]) await isClosed(session);
      for (const app of apps) await app.disconnect().catch(() => {});
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
