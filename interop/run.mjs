#!/usr/bin/env node
// Runs checks/*.mjs, each against a fresh node of ours and with the released SDK, unmodified; several files at a time, as much of it is waiting.
//   node interop/run.mjs [part of a file name …]
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { install, needNewNode } from "./lib/install.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
needNewNode();
install();
const { createChecks } = await import("./lib/check.mjs");
const { startNode, temporaryFolder } = await import("./lib/process.mjs");

const wanted = process.argv.slice(2);
const files = readdirSync(join(here, "checks"))
  .filter((file) => file.endsWith(".mjs"))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .toSorted();
let passed = 0;
let failed = 0;

async function runFile(file) {
  const { check, counts } = createChecks(file.replace(/\.mjs$/, ""));
  const { folder, remove } = temporaryFolder();
  let node;
  try {
    node = await startNode({ data: join(folder, "node") });
    const { default: run } = await import(new URL(`checks/${file}`, import.meta.url));
    await run({ node, check, folder });
    await check("the node had nothing to complain about and stops cleanly", async () => {
      const { code } = await node.stop();
      if (code !== 0) throw new Error(`exit code ${code}`);
      if (node.errors.length > 0) throw new Error(node.errors.join("\n"));
    });
  } catch (error) {
    await check("the checks could be run", () => Promise.reject(error));
  } finally {
    await node?.kill();
    remove();
  }
  passed += counts.passed;
  failed += counts.failed;
}

// The longest ones first, so that none of them is left alone at the end; beside them those that do little but wait for members to be gone.
const long = ["k-many.mjs", "s-slim-random-run.mjs", "e-random-run.mjs"];
const waiting = [
  "s-slim-presence.mjs",
  "s-slim-succession.mjs",
  "s-slim-restarts.mjs",
  "s-slim-limits.mjs",
  "t-slim-life.mjs",
];
const queue = [
  ...long.filter((file) => files.includes(file)),
  ...files.filter((file) => !long.includes(file) && !waiting.includes(file)),
];
const lane = async (own) => {
  for (let file = own.shift(); file !== undefined; file = own.shift()) await runFile(file);
};
await Promise.all([queue, queue, queue, waiting.filter((file) => files.includes(file))].map(lane));
console.log(`${passed} passed, ${failed} failed`);
// the SDK's native threads would keep the process
process.exit(failed > 0 || passed === 0 ? 1 : 0);
