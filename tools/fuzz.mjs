#!/usr/bin/env node
// Fuzzes the decoders of all packages and `process` of MLS, from source.
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
const run = spawnSync(process.execPath, [...flags, main, ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exit(run.status ?? 1);
