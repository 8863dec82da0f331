#!/usr/bin/env node
// Fuzzes the decoders of MLS, wire, identity and policy, `process`, `join` and `joinByCommit` of MLS, and what strangers and members may send to an app
// of SLIM, from source.
// `node tools/fuzz.mjs [--seconds 60] [--seed N] [--target PREFIX] [--save]`
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const flags = [
  "--conditions=@coterie/source",
  "--experimental-strip-types",
  "--disable-warning=ExperimentalWarning",
  "--expose-gc",
  "--max-old-space-size=1024",
];
const main = fileURLToPath(new URL("fuzz/main.mjs", import.meta.url));
const args = process.argv.slice(2);
const seconds = Number(args[args.indexOf("--seconds") + 1]) || 60;
const run = spawnSync(process.execPath, [...flags, main, ...args], {
  stdio: "inherit",
  // An input that never comes to an end stops the whole run.
  timeout: (seconds * 2 + 180) * 1_000,
});
if (run.signal) {
  console.error(`no end after ${seconds * 2 + 180} s: an input hangs (run the seed again)`);
  console.log("fuzz: 0 passed, 1 failed");
}
process.exit(run.status ?? 1);
