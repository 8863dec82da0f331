// Gate B9, and what lies under it: a released node and ours under our controller, apps of both kinds across them, and channels by the commands
// of SLIM 1.0 with their words, moderated by an app of ours or, for a native one, by the controller.
import { join } from "node:path";
import { assert } from "../lib/check.mjs";
import { startNode } from "../lib/process.mjs";
import { openControlledNode, operator, startController, until } from "../lib/slim-controller.mjs";
import { host } from "../lib/slim-hosts.mjs";
import { cores } from "../lib/slim-kinds.mjs";
import { freePort } from "../../tools/lib/free-port.mjs";

const secret = "0123456789abcdef0123456789abcdef";
/** The first of two domains dials where both can be reached: so either kind of node does. */
const domains = { "core 2.2": "west", "core 2.0 alpha": "alps" };

export default async function run({ check, folder }) {
  for (const core of cores) await underOneController({ check, core, folder });
}

async function underOneController({ check, core, folder }) {
  const domain = domains[core];
  const port = await freePort();
  const at = `127.0.0.1:${port}`;
  const controller = await startController({ folder, nodeUrl: `http://${at}`, secret, domain });
  const ask = operator(controller.northbound);
  const more = ["--slim", at, "--external", at, "--controller", controller.southbound];
  const ours = await startNode({
    data: join(folder, domain),
    more: [...more, "--node-id", "ours", "--domain", "east"],
  });
  const native = await openControlledNode({
    core,
    controller: controller.southbound,
    nodeId: "native",
    domain,
    secret,
    folder,
  });
  const say = (title, work) => check(`${core}: ${title}`, work);
  try {
    await say("both nodes register, and one link joins their domains", async () => {
      await until(async () => {
        const { stdout } = await ask("--output", "json", "controller", "node", "list");
        assert.match(stdout, new RegExp(`${domain}/native`));
        assert.match(stdout, /east\/ours/);
      });
      const added = await ask("controller", "link", "add", "east", domain);
      assert.equal(added.stdout, `Link east↔${domain} added\n`);
      await until(async () => {
        const { stdout } = await ask("controller", "link", "list");
        assert.match(stdout, /applied/i);
      });
    });

    const nativeHost = await host(core);
    const ourHost = await host("ours");
    const alice = await ourHost.app("alice", { url: ours.slimUrl });
    const bob = await nativeHost.app("bob", { url: native.slimUrl });
    const carol = await nativeHost.app("carol", { url: ours.slimUrl });
    const told = async () => {
      for (const [node, name] of [
        ["east/ours", bob.name],
        [`${domain}/native`, alice.name],
        [`${domain}/native`, carol.name],
      ]) {
        const { stdout } = await ask("controller", "route", "list", "-n", node);
        assert.match(stdout, new RegExp(`${name}/`));
      }
    };
    await say("names of each node are routed on the other", () => until(told));

    await say("a group of ours reaches a native app on the native node, and back", async () => {
      const group = await alice.group("across", { mls: 100 });
      await group.invite(bob);
      await group.invite(carol);
      const [atBob, atCarol] = [await bob.listen(), await carol.listen()];
      await group.publish("from alice");
      assert.equal(await atBob.words(), "from alice");
      assert.equal(await atCarol.words(), "from alice");
      await atBob.publish("from bob");
      assert.equal(await group.words(), "from bob");
      assert.equal(await atCarol.words(), "from bob");
      await group.delete();
    });

    await say("a native app moderates across the nodes", async () => {
      const group = await bob.group("back", { mls: 100 });
      await group.invite(alice);
      await group.invite(carol);
      const [atAlice, atCarol] = [await alice.listen(), await carol.listen()];
      await group.publish("from bob");
      assert.equal(await atAlice.words(), "from bob");
      assert.equal(await atCarol.words(), "from bob");
      await group.delete();
    });

    await channel({ say, ask, title: "hosted", moderator: bob, participant: carol });
    await channel({ say, ask, title: "granted", moderator: alice, participant: bob });
  } finally {
    await native.stop();
    await controller.stop();
    await ours.stop();
  }
}

/** The commands of the tutorial, word by word. */
async function channel({ say, ask, title, moderator, participant }) {
  let name;
  let atModerator;
  const lines = async (expected, ...args) => {
    const { code, stdout, stderr } = await ask("controller", ...args);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, expected.map((line) => `${line}\n`).join(""));
  };
  await say(`${title}: a channel is created, and its moderator has it`, async () => {
    await until(async () => {
      const created = await ask(
        "controller",
        "channel",
        "create",
        `moderators=${moderator.name}/${moderator.id}`,
      );
      assert.equal(created.code, 0, created.stderr);
      name = /^Received response: (agntcy\/ns\/[A-Za-z0-9]{18})\n$/.exec(created.stdout)?.[1];
      assert.ok(name, created.stdout);
    });
    atModerator = await moderator.listen();
    const { destination, isInitiator } = await atModerator.info();
    assert.equal(destination, name);
    assert.equal(isInitiator, title === "granted");
    await lines([`Following channels found: [${name}]`], "channel", "list");
  });
  await say(`${title}: a participant is added, hears and speaks, and is listed`, async () => {
    await lines(
      [
        `Adding participant to channel ID ${name}: ${participant.name}`,
        `Participant added successfully to channel ID ${name}: ${participant.name}`,
      ],
      ...["participant", "add", "-c", name, participant.name],
    );
    const atParticipant = await participant.listen();
    await atModerator.publish("hello");
    assert.equal(await atParticipant.words(), "hello");
    await atParticipant.publish("hello back");
    assert.equal(await atModerator.words(), "hello back");
    await lines(
      [
        `Listing participants for channel ID: ${name}`,
        `Following participants found for channel ID ${name}: [${participant.name}]`,
      ],
      ...["participant", "list", "-c", name],
    );
  });
  await say(`${title}: the participant is deleted, and then the channel`, async () => {
    await lines(
      [
        `Deleting participant from channel ID ${name}: ${participant.name}`,
        `Participant deleted successfully from channel ID ${name}: ${participant.name}`,
      ],
      ...["participant", "delete", "-c", name, participant.name],
    );
    await lines([`Channel deleted successfully with ID: ${name}`], "channel", "delete", name);
    await lines(["Following channels found: []"], "channel", "list");
  });
}
