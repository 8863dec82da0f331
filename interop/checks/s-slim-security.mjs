// Gate B10: strangers, and members without manners, in sessions without MLS, where released apps believe whatever has a signature.
import { assert } from "../lib/check.mjs";
import { openForger, wireName } from "../lib/slim-forger.mjs";
import { host } from "../lib/slim-hosts.mjs";
import { forEachCore } from "../lib/slim-matrix.mjs";
import { allHear, openTeam } from "../lib/slim-team.mjs";

const wrong = { secret: "fedcba9876543210fedcba9876543210" };
const short = { interval: 200, retries: 3 };

export default async function run({ node, check }) {
  await forEachCore(node, async (one) => {
    await Promise.all([strangers({ check, ...one }), manners({ check, ...one })]);
  });
}

/** Apps with another secret. */
async function strangers({ check, title, core, mls, url }) {
  const app = async (kind, name, more) => (await host(kind)).app(name, { url, ...more });
  await check(`${title}: ours does not come when a stranger invites`, async () => {
    const [mallory, bob] = await Promise.all([app(core, "mallory", wrong), app("ours", "bob")]);
    const group = await mallory.group("trap", { mls, ...short });
    await assert.rejects(group.invite(bob));
    await assert.rejects(mallory.direct(bob, { mls, ...short }));
    await assert.rejects(bob.listen(100));
  });
  await check(`${title}: a stranger is not let into a group of ours`, async () => {
    const [ann, mallory] = await Promise.all([app("ours", "ann"), app(core, "mallory", wrong)]);
    const group = await ann.group("ours", { mls, ...short });
    await assert.rejects(group.invite(mallory));
    assert.deepEqual(await group.participants(), [`${ann.name} online`]);
    await assert.rejects(ann.direct(mallory, { mls, ...short }));
  });
}

/** A member whose commands are signed and still not its to give. */
async function manners({ check, title, core, mls, url }) {
  if (mls !== undefined) return;
  const team = await openTeam({ kinds: ["ours", "ours", core], url, mls, interval: 1000 });
  const { apps, sessions } = team;
  const [ann, bob] = apps;
  const [atAnn, atBob] = sessions;
  const eve = await openForger({ url, name: `agntcy/ns/eve-${ann.name.split("-").at(-1)}` });
  await check(`${title}: a forger is a member`, () => atAnn.invite(eve.app));
  const roster = [ann, bob, apps[2]].map(({ name }) => `${name} online`).toSorted();
  const full = ({ name, id }) => wireName(`${name}/${id}`);
  const nameOf = { ann: full(ann), bob: full(bob) };
  const member = (name) => ({ name, settings: { sendsData: true, receivesData: true }, status: 0 });
  const { control } = eve.known;
  const everyone = [nameOf.ann, nameOf.bob, eve.self];

  const deeds = [
    [
      "removes somebody",
      () => {
        const participants = everyone.map(member);
        const update = { op: 1, participant: member(nameOf.bob), participants };
        eve.command("groupUpdate", nameOf.ann, update);
        eve.command("groupUpdate", nameOf.bob, update);
      },
    ],
    [
      "adds somebody",
      () => {
        const stranger = member(wireName(`agntcy/ns/stranger/${bob.id}`));
        const update = { op: 0, participant: stranger, participants: [stranger] };
        for (const to of [nameOf.ann, nameOf.bob]) eve.command("groupUpdate", to, update);
      },
    ],
    [
      "closes the group",
      () => {
        for (const to of [nameOf.ann, nameOf.bob]) {
          eve.command("groupClose", to, { participants: everyone });
        }
      },
    ],
    ["tells somebody to leave", () => eve.command("leaveRequest", nameOf.bob, {})],
    [
      "makes itself the moderator",
      () => {
        const { data: channel } = eve.known;
        const timerSettings = { timeout: 1000, maxRetries: 5 };
        eve.command("joinRequest", nameOf.bob, { channel, control, timerSettings });
        eve.command("groupWelcome", nameOf.bob, { participants: [member(eve.self)] });
      },
    ],
    [
      "calls another one offline",
      () => {
        const state = { participant: nameOf.bob, newState: 1, epoch: 0n };
        eve.command("updateParticipantState", nameOf.ann, state);
      },
    ],
    [
      "asks for another one's place",
      () => {
        const asked = { participant: nameOf.bob, keyPackage: new Uint8Array(0) };
        eve.command("rejoinRequest", nameOf.ann, asked);
      },
    ],
    [
      "commands in the moderator's name",
      () => {
        const close = { participants: everyone };
        eve.command("groupClose", nameOf.bob, close, { source: nameOf.ann });
        eve.command("leaveRequest", nameOf.bob, {}, { source: nameOf.ann });
      },
    ],
    [
      "speaks in another one's name",
      () => eve.say("I am ann", { source: nameOf.ann, messageId: 77 }),
    ],
    ["speaks with a token that nobody made", () => eve.say("I am nobody", { token: "a:1:b:c:d" })],
    ["sends bytes that are no message", () => eve.sayNonsense()],
  ];
  let number = 0;
  for (const [what, deed] of deeds) {
    await check(`${title}: a forger ${what}: ours go on as before`, async () => {
      number += 1;
      deed();
      await atAnn.publish(`${number}: from ann`);
      await allHear([atBob], ann, `${number}: from ann`);
      await atBob.publish(`${number}: from bob`);
      await allHear([atAnn], bob, `${number}: from bob`);
      for (const session of [atAnn, atBob]) {
        // its own line may say offline: the released node cuts it off for bytes that are no message
        const seen = (await session.participants()).filter((one) => !one.startsWith(eve.app.name));
        assert.deepEqual(seen, roster);
      }
      for (const session of [atAnn, atBob]) {
        assert.deepEqual(
          (await session.texts()).filter((text) => text.startsWith("I am")),
          [],
        );
      }
    });
  }
  eve.end();
  await team.end().catch(() => {});
}
