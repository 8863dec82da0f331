// SlimRPC: our callers and servers with the native ones, of both released cores (SRP-01 to SRP-13).
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { assert } from "../lib/check.mjs";
import { cores } from "../lib/slim-kinds.mjs";

const actor = fileURLToPath(new URL("../lib/slim-rpc-actor.mjs", import.meta.url));

const expected = [
  ["SRP-02, SRP-06: one request, one answer", "unary", "LUNCH"],
  ["SRP-06: one request, many answers", "unary-stream", ["0", "1", "2", "3", "4"]],
  ["SRP-05: many requests, one answer", "stream-unary", "abc"],
  ["SRP-05, SRP-06: many requests, many answers", "stream-stream", ["A", "B", "C"]],
  ["SRP-05: a call without a request", "no requests", "0"],
  ["SRP-02, SRP-07: metadata and deadline arrive", "context", "blue true"],
  ["SRP-08: a handler's status", "status", { code: 5, error: "no such lunch" }],
  ["SRP-08: a method that nobody serves", "unknown method", { code: 12 }],
  ["SRP-07: a deadline", "deadline", { code: 4 }],
  ["SRP-04: an empty answer", "empty answer", ""],
  ["SRP-02: twenty calls at once over one session", "at once", true],
  ["SRP-06: a hundred messages of 1 KiB each way, in order", "long streams", true],
  [
    "SRP-09: a call that is cancelled is no harm to the next",
    "cancelled",
    ["0", "1", "2", "AND ON"],
  ],
];

export default async function run({ node, check }) {
  for (const core of cores) {
    const native = await serve(core, node.slimUrl, "native");
    const ours = await serve("ours", node.slimUrl, "ours");
    const story = async (caller, first, second, title, skip = {}) => {
      const servers = [first, second];
      const { seen, words } = await call(caller, node.slimUrl, servers);
      const has = (key) => assert.ok(seen.has(key), `not reached\n${words}`);
      for (const [what, key, value] of expected) {
        if (skip[key]) continue;
        await check(`${core}, ${title}: ${what}`, () => {
          has(key);
          const { value: got, error, code } = seen.get(key);
          if (typeof value === "object" && !Array.isArray(value)) {
            assert.equal(code, value.code, error);
            if (value.error !== undefined) assert.equal(error, value.error);
          } else assert.deepEqual(got, value, error);
        });
      }
      const both = servers.map(({ name }) => name.split("/")[2].replace(/-\d+$/, "")).toSorted();
      const group = [
        ["SRP-13: a group answers", "group", both.flatMap((name) => [`${name} 0`, `${name} 1`])],
        ["SRP-13: fifty answers of each member", "group order", true],
        [
          "SRP-08: what fails in a group",
          "group failures",
          both.map((name) => `${name} failed 12`),
        ],
      ];
      for (const [what, key, value] of group) {
        await check(`${core}, ${title} and the other kind: ${what}`, () => {
          has(key);
          const { value: got, error } = seen.get(key);
          assert.deepEqual(got, value, error);
        });
      }
    };
    // native callers stall with several calls at once; those before 2.2 take an empty message for the end of an answer, also where it is the answer
    const old = { "at once": true, cancelled: true, "empty answer": core.includes("alpha") };
    await story("ours", native, ours, "we call a native server");
    await story(core, ours, native, "a native caller calls us", old);
    for (const server of [native, ours]) await server.stop();
  }
}

let count = 0;
const started = (...args) => {
  const child = spawn(process.execPath, [actor, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let words = "";
  child.stderr.on("data", (data) => (words += data));
  return { child, words: () => words.slice(-2000) };
};

async function serve(kind, url, title) {
  count += 1;
  const name = `agntcy/ns/rpc-${title}-${count}`;
  const { child, words } = started(kind, "serve", url, name);
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const ready = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.includes('"ready"')) resolve(true);
    });
  });
  if ((await Promise.race([ready, gone])) !== true) throw new Error(`no server\n${words()}`);
  return {
    name,
    async stop() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** Makes all calls; what was seen of each, and what the caller complained of. */
async function call(kind, url, servers) {
  count += 1;
  const names = servers.map(({ name }) => name).join(",");
  const { child, words } = started(kind, "call", url, `agntcy/ns/rpc-caller-${count}`, names);
  const seen = new Map();
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) return;
    const { seen: key, ...what } = JSON.parse(line);
    if (key !== undefined) seen.set(key, what);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 90_000);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return { seen, words: words() };
}
