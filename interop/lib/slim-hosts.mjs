// Apps of SLIM as the checks see them: processes of one kind that hold as many apps as are asked for, and native nodes.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePort } from "../../tools/lib/free-port.mjs";

const actor = fileURLToPath(new URL("slim-actor.mjs", import.meta.url));
const nativeNode = fileURLToPath(new URL("slim-native-node.mjs", import.meta.url));

/** What is thrown where the process ended before it answered. */
export class Gone extends Error {}

/** Starts a program that says `{"ready":true}`, and hears the other lines. */
async function program(args, hear, ended) {
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
  const words = [];
  child.stdin.on("error", () => {});
  createInterface({ input: child.stderr }).on("line", (line) => {
    words.push(line);
    if (words.length > 30) words.shift();
  });
  await new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => {
      const story = `${args.at(-1)} ended (${code ?? signal})\n${words.join("\n")}`;
      ended(story);
      reject(new Error(story));
    });
    createInterface({ input: child.stdout }).on("line", (line) => {
      // the native packages may write lines of their own
      if (!line.startsWith("{")) return;
      const answer = JSON.parse(line);
      if (answer.ready) resolve();
      else hear(answer);
    });
  });
  return {
    pid: child.pid,
    write: (line) => child.stdin.write(line),
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      if (signal) child.kill(signal);
      else child.stdin.end();
      await gone;
    },
  };
}

/** A process of its own for apps of one kind. */
export async function openHost(kind) {
  let last = 0;
  const waiting = new Map();
  const process = await program(
    [actor, kind],
    (answer) => {
      const { order, done, fail, asked } = waiting.get(answer.number);
      waiting.delete(answer.number);
      if (answer.error === undefined) done(answer.value);
      else {
        asked.message = `${kind}, ${order}: ${answer.error}`;
        asked.stack = asked.stack.replace(/^.*/, asked.message);
        fail(asked);
      }
    },
    (story) => {
      for (const { fail } of waiting.values()) fail(new Gone(story));
      waiting.clear();
    },
  );
  const ask = (order, args = {}) =>
    new Promise((done, fail) => {
      last += 1;
      waiting.set(last, { order, done, fail, asked: new Error(order) });
      process.write(`${JSON.stringify({ ...args, number: last, order })}\n`);
    });
  return {
    kind,
    pid: process.pid,
    ask,
    kill: () => process.end("SIGKILL"),
    stop: () => process.end(),
    usage: () => ask("usage"),
    app: (name, options) => openApp(kind, ask, name, options),
  };
}

let apps = 0;

/** An app with a connection of its own. Names get a number, so that stories on one node never meet. */
async function openApp(kind, ask, base, { exact = false, ...options }) {
  apps += 1;
  const app = exact ? base : `agntcy/ns/${base}-${apps}`;
  const { id } = await ask("app", { app, ...options });
  const order = (name, args) => ask(name, { app, ...args });
  const session = (number) => openSession(number, order);
  return {
    kind,
    name: app,
    id,
    route: (to) => order("route", { to }),
    disconnect: () => order("disconnect"),
    /** Ours alone. */
    keepHistory: () => order("keepHistory"),
    /** Ends when the session stands; of a point-to-point one, when the other side is in it. */
    group: async (channel, config) => {
      apps += 1;
      const destination = `agntcy/ns/${channel}-${apps}`;
      return session(await order("create", { type: "Group", destination, ...config }));
    },
    direct: async (to, config) => {
      await order("route", { to: to.name });
      const config2 = { type: "PointToPoint", destination: to.name, ...config };
      return session(await order("create", config2));
    },
    forgetJoined: () => order("forgetJoined"),
    listen: async (timeout) => session(await order("listen", { timeout })),
  };
}

function openSession(session, order) {
  const ask = (name, args) => order(name, { session, ...args });
  const payload = (what) => (typeof what === "string" ? { text: what } : what);
  return {
    info: () => ask("info"),
    participants: () => ask("participants"),
    /** Of an app: the route first, which natives want. */
    async invite({ name }) {
      await order("route", { to: name });
      return ask("invite", { name });
    },
    remove: ({ name }) => ask("remove", { name }),
    publish: (what) => ask("publish", payload(what)),
    publishTo: ({ name }, what) => ask("publishTo", { to: name, ...payload(what) }),
    publishMany: (what) => ask("publishMany", what),
    drop: () => ask("drop"),
    publishOften: (what) => ask("publishOften", what),
    pipeline: (what) => ask("pipeline", what),
    read: (timeout) => ask("read", { timeout }),
    /** The next message's words; anything else is thrown. */
    async words(timeout) {
      const item = await ask("read", { timeout });
      if (item.error !== undefined) throw new Error(`instead of a message: ${item.error}`);
      return item.text;
    },
    readMany: (count, more) => ask("readMany", { count, ...more }),
    heard: () => ask("heard"),
    texts: () => ask("texts"),
    softClose: () => ask("softClose"),
    /** Ours alone, as the next ones. */
    handOver: (to) => ask("handOver", { to: to?.name }),
    moderator: () => ask("moderator"),
    history: () => ask("history"),
    rejoin: () => ask("rejoin"),
    close: () => ask("close"),
    delete: () => ask("delete"),
  };
}

const shared = new Map();

/** The process that all checks share for apps of a kind; it ends with ours. */
export function host(kind) {
  if (!shared.has(kind)) shared.set(kind, openHost(kind));
  return shared.get(kind);
}

/** A native node as a process of its own, always on one port. */
export async function openNativeNode(kind) {
  const port = await freePort();
  let process;
  const start = async () => {
    const nobody = () => {};
    process = await program([nativeNode, kind, String(port)], nobody, nobody);
  };
  await start();
  return {
    kind,
    slimUrl: `http://127.0.0.1:${port}`,
    get pid() {
      return process.pid;
    },
    start,
    kill: () => process.end("SIGKILL"),
    stop: () => process.end("SIGTERM"),
  };
}

/** The native node that all checks share which leave it alone. */
export function sharedNativeNode(kind) {
  const key = `node of ${kind}`;
  if (!shared.has(key)) shared.set(key, openNativeNode(kind));
  return shared.get(key);
}
