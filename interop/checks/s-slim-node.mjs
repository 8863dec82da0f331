// Gate B2: three native apps on our node, with both released cores, with MLS and without.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { assert } from "../lib/check.mjs";

const story = fileURLToPath(new URL("../lib/slim-story.mjs", import.meta.url));
const cores = [
  ["core 2.2", "@agntcy/slim-bindings-linux-x64-gnu"],
  ["core 2.0 alpha", "@agntcy/slim-bindings"],
];
const expected = [
  ["three apps connect and subscribe", "connected", 3],
  ["two are invited and see the session's metadata", "joined", "lunch"],
  ["what one publishes both get", "group", ["hello", "hello"]],
  ["a participant answers", "answer", "hello back"],
  ["publish_to reaches one", "publish-to", "for bob alone"],
  ["a payload of 1 MiB", "1 MiB", [1 << 20, 1 << 20]],
  ["300 messages under way at once come in order, none lost", "pipelined", true],
  ["one is removed, the rest talk on", "removed", "without bob"],
  ["a point-to-point session", "point-to-point", "just us"],
  ["sessions close", "closed", true],
];

export default async function run({ node, check }) {
  for (const [core, name] of cores) {
    for (const mode of ["mls", "plain"]) {
      const { seen, words } = await tell(name, node.slimUrl, mode);
      for (const [title, key, value] of expected) {
        await check(`${core}, ${mode}: ${title}`, async () => {
          assert.ok(seen.has(key), `not reached\n${words}`);
          assert.deepEqual(seen.get(key), value);
        });
      }
    }
  }
}

/** Runs the story to its end; what it saw, and what it complained of. */
async function tell(name, url, mode) {
  const child = spawn(process.execPath, [story, name, url, mode], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const seen = new Map();
  let words = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) return;
    const { seen: key, value } = JSON.parse(line);
    seen.set(key, value);
  });
  child.stderr.on("data", (data) => (words += data));
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return { seen, words: words.slice(-2000) };
}
