#!/usr/bin/env node
// Group communication over SLIM, from an empty machine to messages in every app: a node and a controller are started, apps run in
// terminals of their own, and the commands of SLIM's tutorial are typed as they stand there. What they print is compared with what the tutorial
// says, to the byte. With the released packages installed (`npm run interop` does that) their apps take part, unmodified.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createChecks, eventually, same } from "./lib/checks.mjs";
import { freePort } from "./lib/free-port.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "apps/cli/dist/main.js");
const controllerMain = join(root, "apps/controller/dist/main.js");
const secret = "0123456789abcdef0123456789abcdef";
const folder = mkdtempSync(join(tmpdir(), "coterie-tutorial-"));
const env = {
  ...process.env,
  HOME: folder,
  COTERIE_HOME: join(folder, "home"),
  COTERIE_SLIM_SECRET: secret,
};
const running = [];
const hosts = [];
const { check, counts } = createChecks({ limitMs: 90_000 });

function start(args, { asJson = false } = {}) {
  const child = spawn(process.execPath, args, { env, stdio: ["pipe", "pipe", "pipe"] });
  const seen = [];
  const words = [];
  const gone = new Promise((resolve) => child.once("exit", resolve));
  createInterface({ input: child.stdout }).on("line", (line) =>
    seen.push(asJson ? JSON.parse(line) : line),
  );
  createInterface({ input: child.stderr }).on("line", (line) => words.push(line));
  const started = {
    seen,
    /** What it complained of. */
    words,
    type: (line) => child.stdin.write(`${line}\n`),
    next: (what, found) =>
      eventually(`${what}; ${words.slice(-3).join(" | ")}`, () => seen.find(found)),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 8_000);
      await gone;
      clearTimeout(timer);
    },
  };
  running.push(started);
  return started;
}

/** Types a command and waits for its end. */
async function typed(...args) {
  const child = spawn(process.execPath, [cli, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  const code = await new Promise((resolve) => child.once("close", resolve));
  console.log(`$ coterie ${args.filter((arg, at) => !isServer(args, at)).join(" ")}`);
  for (const line of `${out}${err}`.trimEnd().split("\n")) console.log(`  ${line}`);
  return { code, out, err };
}
const isServer = (args, at) => args[at] === "--server" || args[at - 1] === "--server";

/** The command prints this and nothing else. */
async function prints(args, lines) {
  const { code, out, err } = await typed(...args);
  same([code, out, err], [0, `${lines.join("\n")}\n`, ""], args.join(" "));
}

const [nodePort, controlPort, south, north, managerPort] = [
  await freePort(),
  await freePort(),
  await freePort(),
  await freePort(),
  await freePort(),
];
const nodeUrl = `http://127.0.0.1:${nodePort}`;
const controller = ["--server", `127.0.0.1:${north}`, "controller"];
const manager = ["--server", `127.0.0.1:${managerPort}`, "cm"];

/** An app of ours in a terminal, in lines of JSON. */
async function ourApp(name) {
  const app = start([cli, "--json", "--server", nodeUrl, "slim", "app", "--local", name], {
    asJson: true,
  });
  const ready = await app.next(`${name} is ready`, ({ event }) => event === "ready");
  const about = (event, channel) => (line) => line.event === event && line.channel === channel;
  return {
    name,
    full: ready.name,
    decimal: ready.decimalName,
    joined: (channel) => app.next(`${name} joins ${channel}`, about("joined", channel)),
    over: (channel) => app.next(`${name} is out of ${channel}`, about("closed", channel)),
    say: async (_channel, words) => app.type(words),
    hears: (channel, words, from) =>
      app.next(
        `${name} hears ${words}`,
        (line) => about("message", channel)(line) && line.text === words && line.from === from.name,
      ),
  };
}

/** One of the released packages, driven by a process of its own. */
async function nativeApp(host, name) {
  const app = await host.app(name, { exact: true, url: nodeUrl, secret });
  const sessions = new Map();
  const of = (channel) => sessions.get(channel);
  const id = app.id;
  return {
    name,
    full: `${name}/${id.split("/").at(-1)}`,
    listen: (channel) => sessions.set(channel, app.listen(60_000)),
    joined: async (channel) => void (await of(channel)),
    over: async (channel) => {
      const session = await of(channel);
      await eventually(`${name} is out of ${channel}`, async () => {
        const item = await session.read(20_000);
        return /closed/i.test(item.error ?? "");
      });
    },
    say: async (channel, words) => void (await (await of(channel)).publish(words)),
    hears: async (channel, words, from) => {
      const session = await of(channel);
      for (;;) {
        const item = await session.read(20_000);
        if (item.text === words && item.from === from.name) return;
        if (item.error !== undefined) throw new Error(`instead of a message: ${item.error}`);
      }
    },
  };
}

/** The tutorial with a moderator, somebody to invite and the words that fit both. */
async function walkthrough(title, moderator, guest, { spellings }) {
  let channel = "";
  const [, inDecimal] = spellings;
  for (const app of [moderator, guest]) app.listen?.("next");
  const begin = (app) => app.listen !== undefined;
  await check(`${title}: channel create answers with a name of its own`, async () => {
    const { code, out, err } = await typed(
      ...controller,
      "channel",
      "create",
      `moderators=${inDecimal ?? spellings[0]}`,
    );
    if (code !== 0 || err !== "") throw new Error(err);
    const found = /^Received response: (agntcy\/ns\/[A-Za-z0-9]{18})\n$/.exec(out);
    if (found === null) throw new Error(`unexpected: ${out}`);
    channel = found[1];
  });
  if (channel === "") return;
  const at = (app) => (begin(app) ? "next" : channel);
  await check(`${title}: the moderator's app has the session, without a line of code`, () =>
    moderator.joined(at(moderator)),
  );
  await check(`${title}: participant add`, () =>
    prints(
      [...controller, "participant", "add", "-c", channel, guest.name],
      [
        `Adding participant to channel ID ${channel}: ${guest.name}`,
        `Participant added successfully to channel ID ${channel}: ${guest.name}`,
      ],
    ),
  );
  await check(`${title}: the participant's app has the session`, () => guest.joined(at(guest)));
  await check(`${title}: what one says the other hears, both ways`, async () => {
    await moderator.say(at(moderator), "hello");
    await guest.hears(at(guest), "hello", moderator);
    await guest.say(at(guest), "hello yourself");
    await moderator.hears(at(moderator), "hello yourself", guest);
  });
  await check(`${title}: the lists`, async () => {
    await prints([...controller, "channel", "list"], [`Following channels found: [${channel}]`]);
    await prints(
      [...controller, "participant", "list", "-c", channel],
      [
        `Listing participants for channel ID: ${channel}`,
        `Following participants found for channel ID ${channel}: [${guest.name}]`,
      ],
    );
  });
  await check(`${title}: who is there cannot be added again`, async () => {
    const { code, err } = await typed(
      ...controller,
      "participant",
      "add",
      "-c",
      channel,
      guest.name,
    );
    const words = `Error: participant ${guest.name} already exists in channel ${channel}\n`;
    same([code, err], [1, words], "the refusal");
  });
  await check(`${title}: participant delete, and the app hears of it`, async () => {
    await prints(
      [...controller, "participant", "delete", "-c", channel, guest.name],
      [
        `Deleting participant from channel ID ${channel}: ${guest.name}`,
        `Participant deleted successfully from channel ID ${channel}: ${guest.name}`,
      ],
    );
    await guest.over(at(guest));
  });
  await check(`${title}: channel delete, and nobody is left in it`, async () => {
    await prints(
      [...controller, "channel", "delete", channel],
      [`Channel deleted successfully with ID: ${channel}`],
    );
    await moderator.over(at(moderator));
    await prints([...controller, "channel", "list"], ["Following channels found: []"]);
  });
}

/** The same through the commands of 2.x, on a channel whose name the operator chooses. */
async function managed(title, one, other) {
  const channel = `agntcy/ns/${title.replaceAll(/\W+/g, "-")}`;
  for (const app of [one, other]) app.listen?.(channel);
  await check(`${title}: cm creates a channel and takes both in`, async () => {
    await prints([...manager, "cc", channel], [`Channel ${channel} created successfully`]);
    for (const { name } of [one, other]) {
      await prints(
        [...manager, "ap", channel, name],
        [`Participant ${name} added to channel ${channel}`],
      );
    }
    await one.joined(channel);
    await other.joined(channel);
  });
  await check(`${title}: what one says the other hears, both ways`, async () => {
    await one.say(channel, "good morning");
    await other.hears(channel, "good morning", one);
    await other.say(channel, "good evening");
    await one.hears(channel, "good evening", other);
  });
  await check(`${title}: the lists have both, and the manager itself`, async () => {
    await prints([...manager, "lc"], ["Channels (1):", `  - ${channel}`]);
    const { out } = await typed(...manager, "lp", channel);
    const lines = out.trimEnd().split("\n");
    same(lines[0], `Participants in channel ${channel} (3):`, "the first line");
    for (const { full } of [one, other]) {
      if (!lines.includes(`  - ${full}`)) throw new Error(`${full} is missing`);
    }
  });
  await check(`${title}: cm takes one out, then ends the channel`, async () => {
    await prints(
      [...manager, "dp", channel, other.name],
      [`Participant ${other.name} removed from channel ${channel}`],
    );
    await other.over(channel);
    await prints([...manager, "dc", channel], [`Channel ${channel} deleted successfully`]);
    await one.over(channel);
  });
}

async function play() {
  await check("a node starts from a file, and a controller beside it", async () => {
    const config = join(folder, "node.yaml");
    writeFileSync(
      config,
      `services:
  slim/0:
    node_id: node-1
    dataplane:
      servers: [{ endpoint: "127.0.0.1:${nodePort}", tls: { insecure: true } }]
    controller:
      servers: [{ endpoint: "127.0.0.1:${controlPort}", tls: { insecure: true } }]
      clients: [{ endpoint: "http://127.0.0.1:${south}", tls: { insecure: true } }]
`,
    );
    const node = start([cli, "slim", "start", "-c", config]);
    await node.next("the node", (line) => line === `SLIM node listening on ${nodeUrl}`);
    const secretFile = join(folder, "secret");
    writeFileSync(secretFile, secret, { mode: 0o600 });
    const places = [
      ["--southbound", `127.0.0.1:${south}`],
      ["--northbound", `127.0.0.1:${north}`],
      ["--channel-manager", `127.0.0.1:${managerPort}`],
      ["--data", join(folder, "controller")],
      ["--node", nodeUrl],
      ["--secret-file", secretFile],
    ].flat();
    const program = start([controllerMain, ...places, "--open"], { asJson: true });
    await program.next("the controller", ({ ready }) => ready === true);
    await eventually("the node has registered", async () => {
      const { out } = await typed(...controller, "node", "list");
      return out.startsWith("1 node(s) registered\n") && / Connected /.test(out);
    });
  });

  const one = await ourApp("agntcy/ns/client-1");
  const two = await ourApp("agntcy/ns/client-2");
  await check("the node and its controller know the apps by name", async () => {
    const { out } = await typed("--server", `127.0.0.1:${controlPort}`, "node", "route", "list");
    for (const { full } of [one, two]) {
      if (!out.includes(`  ${full} `)) throw new Error(`${full} has no route`);
    }
  });
  await walkthrough("granted", one, two, { spellings: [one.full, one.decimal] });
  await managed("managed", one, two);
  await withNatives(two);
}

async function withNatives(ours) {
  if (!existsSync(join(root, "interop/node_modules/@agntcy"))) {
    console.log("the released packages are not installed: their part is left out");
    return;
  }
  const { openHost } = await import("../interop/lib/slim-hosts.mjs");
  const { cores } = await import("../interop/lib/slim-kinds.mjs");
  for (const [at, core] of cores.entries()) {
    const host = await openHost(core);
    hosts.push(host);
    const native = await nativeApp(host, `agntcy/ns/native-${at + 1}`);
    const guest = await nativeApp(host, `agntcy/ns/guest-${at + 1}`);
    await walkthrough(`hosted, ${core}`, native, ours, { spellings: [native.full] });
    await walkthrough(`hosted, both ${core}`, native, guest, { spellings: [native.full] });
    await managed(`managed, ${core}`, native, ours);
  }
}

try {
  await play();
} catch (error) {
  await check("the tutorial came to its end", () => Promise.reject(error));
} finally {
  for (const host of hosts) await host.kill();
  for (const program of running.toReversed()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);
