#!/usr/bin/env node
// Behind `npm run node -- …`: installs and builds what is missing, then becomes the node as far as signals, exit code
// and standard output go. Only the node's own line reaches stdout; whatever the preparation says goes to stderr.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newerNode, nodeIsOld } from "./lib/node-version.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

let child;
let asked;
const forward = (signal) => {
  asked ??= signal;
  child?.kill(signal);
};
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  process.on(signal, () => forward(signal === "SIGHUP" ? "SIGTERM" : signal));
}
// A shell between npm and us may die of a signal without passing it on: an orphan stops as if it had been asked to.
const parent = process.ppid;
if (process.env.npm_lifecycle_event !== undefined) {
  setInterval(() => {
    if (process.ppid !== parent && asked === undefined) forward("SIGTERM");
  }, 500).unref();
}

const run = (command, args, stdio, heard) =>
  new Promise((resolve, reject) => {
    child = spawn(command, args, { stdio });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", heard);
    child.once("error", reject);
    const end = (code, signal) => resolve(signal === null ? code : 128);
    // what the preparation started may hold its pipes open: whoever asked to stop does not wait for that
    child.once("exit", (...how) => asked !== undefined && end(...how));
    child.once("close", end);
  });

const pnpm = join(root, "tools", "pnpm.mjs");
const build = [
  "exec",
  "turbo",
  "run",
  "build",
  "--filter=@coterie/node",
  "--output-logs=errors-only",
];
const said = [];
const patience = setTimeout(() => console.error("installing and building the node (once) …"), 3000);
const built = await run(
  process.execPath,
  [pnpm, "--ensure", ...build],
  ["ignore", "pipe", "pipe"],
  (chunk) => said.push(chunk),
);
clearTimeout(patience);
if (asked !== undefined) process.exit(0);
if (built !== 0) {
  process.stderr.write(Buffer.concat(said));
  process.exit(1);
}

const node = nodeIsOld && existsSync(newerNode) ? newerNode : process.execPath;
const main = join(root, "apps", "node", "dist", "main.js");
process.exit(await run(node, [main, ...process.argv.slice(2)], ["ignore", "inherit", "inherit"]));
