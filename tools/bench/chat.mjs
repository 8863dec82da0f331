// node tools/bench/chat.mjs [--json] [--rows regexp] [--rounds 5] [--only ours|sdk] [--memory-db]
//
// Our client beside the released SDK's, on one node of ours, in one run: the two take turns within every row, so that a noisy moment
// hits both. Medians of wall-clock milliseconds; ratio is ours/theirs, growth what a row costs against the same thing at its smallest
// size. Databases are encrypted files. People are met for the first time by each client, as in life, except where a row says "again".
// Needs a build of the workspace; installs the SDK into interop/node_modules on first use.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { install, needNewNode } from "../../interop/lib/install.mjs";

needNewNode();
install();
const { startNode, temporaryFolder } = await import("../../interop/lib/process.mjs");
const { createWorld } = await import("./chat/world.mjs");
const { rows } = await import("./chat/rows.mjs");

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    out: { type: "string" },
    rows: { type: "string" },
    rounds: { type: "string" },
    only: { type: "string" },
    "memory-db": { type: "boolean", default: false },
  },
});
setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");
const say = (line) => (flags.json ? console.error(line) : console.log(line));
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const rounded = (value) =>
  value === undefined ? undefined : Number(value.toPrecision(value < 100 ? 3 : 4));

const wanted = new RegExp(flags.rows ?? "");
const chosen = rows.filter(({ name }) => wanted.test(name));
const { folder, remove } = temporaryFolder();
const node = await startNode({ data: join(folder, "node"), logLevel: "warn" });
const results = [];
let failed = false;
try {
  const people = Math.max(...chosen.map((row) => row.people ?? 0), 0);
  const world = await createWorld({ node, folder, people, memory: flags["memory-db"] });
  for (const row of chosen) {
    try {
      results.push(await measure(world, row));
    } catch (error) {
      failed = true;
      console.error(`${row.name}: ${error?.stack ?? error}`);
    }
    await world.closeAll();
  }
} finally {
  await node.kill();
  remove();
}
const report = {
  node: process.version,
  sdk: "@xmtp/node-sdk 6.1.0-nightly.20260726.b649d1a",
  rows: results,
};
if (flags.out) writeFileSync(flags.out, `${JSON.stringify(report, null, 2)}\n`);
if (flags.json) console.log(JSON.stringify(report));
// the SDK's native threads would keep the process
process.exit(failed ? 1 : 0);

async function measure(world, row) {
  const rounds = Number(flags.rounds ?? row.rounds ?? 5);
  const names = (row.only ? [row.only] : ["ours", "sdk"]).filter(
    (name) => !flags.only || name === flags.only,
  );
  const taken = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const work = await row.prepare({ world, round, names });
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      gc();
      const start = performance.now();
      const own = await work[name]();
      taken[name].push(own ?? performance.now() - start);
    }
    await work.after?.();
  }
  const ours = taken.ours && rounded(median(taken.ours));
  const sdk = taken.sdk && rounded(median(taken.sdk));
  const ratio = ours !== undefined && sdk !== undefined ? rounded(ours / sdk) : undefined;
  const smallest = results.find(({ family }) => row.family !== undefined && family === row.family);
  const growth =
    smallest === undefined || row.size === smallest.size
      ? undefined
      : {
          size: rounded(row.size / smallest.size),
          ours: ours && smallest.ours && rounded(ours / smallest.ours),
          sdk: sdk && smallest.sdk && rounded(sdk / smallest.sdk),
        };
  const { name, family, size, unit = "ms", limit } = row;
  const result = { name, family, size, unit, rounds, ours, sdk, ratio, growth, limit };
  if (names.length === 1 || limit !== undefined) {
    result.withinLimit = limit === undefined || ours === undefined ? undefined : ours <= limit;
  }
  const cell = (value) => String(value ?? "").padStart(9);
  say(
    `${name.padEnd(44)} ours ${cell(ours)} ${unit}  sdk ${cell(sdk)} ${unit}  ` +
      `ratio ${cell(ratio)}` +
      (limit === undefined ? "" : `  limit ${limit} ${result.withinLimit ? "kept" : "MISSED"}`) +
      (growth
        ? `  size ×${growth.size}: ours ×${growth.ours}${growth.sdk ? `, sdk ×${growth.sdk}` : ""}`
        : ""),
  );
  return result;
}
