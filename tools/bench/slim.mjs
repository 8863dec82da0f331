// npm run bench:slim -- [--json] [--rows regexp] [--rounds 3] [--ms 2000] [--no-native] [--connections 1000] [--bulk 100000]
//
// Our node beside the released one, in one run, with the released package as load: the two take turns within every row, so that a noisy moment
// hits both. Medians over the rounds; ratio is ours/native. Rows:
//   ack        publish until all have acknowledged: point to point, groups of 3 and 20, with MLS and without, 64 B and 16 KiB (ms, p50 and p90)
//   pipelined  the same groups, 256 messages under way: acknowledged messages a second
//   raw        plain connections that send stamped bytes, 1→1, 1→8, 8→8: messages a second that arrive, the node's processor time for each
//   bulk       16 KiB messages, pipelined: all arrive, and the node's memory does not grow
//   memory     connections that are open and idle
//   ends       our endpoints with our node between them, against released endpoints with the released node
// Needs a build of the workspace; installs the released package into interop/node_modules on first use. Linux only.
import { parseArgs } from "node:util";
import { install, needNewNode } from "../../interop/lib/install.mjs";

needNewNode();
install();
const { openNode } = await import("./slim/nodes.mjs");
const { connections, route, shapes } = await import("./slim/raw.mjs");
const { openTalk, talks } = await import("./slim/talk.mjs");

const { values: flags } = parseArgs({
  allowNegative: true,
  options: {
    json: { type: "boolean", default: false },
    native: { type: "boolean", default: true },
    rows: { type: "string", default: "" },
    rounds: { type: "string", default: "3" },
    ms: { type: "string", default: "2000" },
    connections: { type: "string", default: "1000" },
    bulk: { type: "string", default: "100000" },
  },
});
const rounds = Number(flags.rounds);
const ms = Number(flags.ms);
const kinds = flags.native ? ["ours", "native"] : ["ours"];
const wanted = new RegExp(flags.rows);
const say = (line) => (flags.json ? console.error(line) : console.log(line));
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const quantile = (numbers, q) =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(q * numbers.length))];
const sizes = [64, 16_384];
const sizeOf = (bytes) => (bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`);
const talkName = ({ members, mls }) =>
  `${members === 2 ? "point to point" : `group of ${members}`}, ${mls === undefined ? "plain" : "mls"}`;

/** One of each kind, in turns; each round's figures by name, medians of all rounds. */
async function inTurns(name, count, measure) {
  const figures = Object.fromEntries(kinds.map((kind) => [kind, []]));
  let failed;
  for (let round = 0; round < count && failed === undefined; round += 1) {
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      try {
        figures[kind].push(await measure(kind));
      } catch (error) {
        failed = `${kind}: ${error.message}`;
      }
    }
  }
  if (failed !== undefined) return { name, failed };
  const row = { name };
  for (const kind of kinds) {
    const keys = Object.keys(figures[kind][0]);
    row[kind] = Object.fromEntries(
      keys.map((key) => [key, median(figures[kind].map((one) => one[key]))]),
    );
  }
  if (row.native) {
    row.ratio = Object.fromEntries(
      Object.keys(row.ours).map((key) => [key, row.ours[key] / row.native[key]]),
    );
  }
  return row;
}

const shown = (value) =>
  value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
const results = [];
function report(row, keys) {
  results.push(row);
  if (row.failed !== undefined) return say(`${row.name.padEnd(44)} FAILED ${row.failed}`);
  const parts = keys.map(([key, label]) => {
    const both = kinds.map((kind) => `${kind} ${shown(row[kind][key])}`).join("  ");
    const ratio = row.ratio ? `  ×${row.ratio[key].toFixed(2)}` : "";
    return `${label}: ${both}${ratio}`;
  });
  say(`${row.name.padEnd(44)} ${parts.join("   ")}`);
}
const want = (name) => wanted.test(name);

/** A node for every figure, so that none inherits another's heap. */
async function withNode(kind, body) {
  const node = await openNode(kind);
  try {
    return await body(node);
  } finally {
    await node.stop();
  }
}

for (const shape of shapes) {
  const fresh = shape.tokens > 1 ? ", a token each" : "";
  const name = `raw ${shape.senders}→${shape.receivers}, ${sizeOf(shape.bytes)}${fresh}`;
  if (!want(name)) continue;
  // about as much work for every shape
  const deliveries = shape.bytes > 10_000 ? 10_000 : 100_000;
  const count = Math.ceil((deliveries * (ms / 2000)) / shape.senders / shape.receivers);
  const row = await inTurns(name, rounds, (kind) =>
    withNode(kind, async (node) => {
      await route(node, { ...shape, count: Math.ceil(count / 5) });
      const { perSecond, cpuMicros, perCore } = await route(node, { ...shape, count });
      return { perSecond, cpuMicros, perCore };
    }),
  );
  report(row, [
    ["perSecond", "messages/s"],
    ["cpuMicros", "CPU µs each"],
  ]);
}

const bulk = `bulk ${Number(flags.bulk).toLocaleString("en")} × 16 KiB`;
if (want(bulk)) {
  const row = await inTurns(bulk, 1, (kind) =>
    withNode(kind, (node) =>
      route(node, { senders: 1, receivers: 1, bytes: 16_384, count: Number(flags.bulk) }),
    ),
  );
  report(row, [
    ["perSecond", "messages/s"],
    ["memoryMB", "highest MB"],
    ["growthMB", "MB more in the second half"],
  ]);
}

const idle = `memory of ${flags.connections} connections`;
if (want(idle)) {
  const row = await inTurns(idle, 1, (kind) =>
    withNode(kind, (node) => connections(node, Number(flags.connections))),
  );
  report(row, [
    ["memoryMB", "MB"],
    ["kBEach", "kB each"],
  ]);
}

/** Latency and throughput of one session in each of both sizes; `load` is whose endpoints. */
async function talking(prefix, talk, load) {
  const names = sizes.map((bytes) => [bytes, `${prefix} ${talkName(talk)}, ${sizeOf(bytes)}`]);
  for (const [bytes, name] of names) {
    if (!want(name)) continue;
    const row = await inTurns(name, rounds, (kind) =>
      withNode(kind, async (node) => {
        const session = await openTalk(load(kind), node.url, talk);
        try {
          const took = await session.acked(bytes, ms);
          const { perSecond } = await session.pipelined(bytes, ms);
          return { p50: quantile(took, 0.5), p90: quantile(took, 0.9), perSecond };
        } finally {
          await session.end();
        }
      }),
    );
    report(row, [
      ["p50", "ack p50 ms"],
      ["p90", "p90 ms"],
      ["perSecond", "pipelined/s"],
    ]);
  }
}
for (const talk of talks) await talking("ack", talk, () => "core 2.2");
for (const talk of talks.filter(({ members }) => members < 20)) {
  await talking("ends", talk, (kind) => (kind === "ours" ? "ours" : "core 2.2"));
}

if (flags.json) {
  console.log(
    JSON.stringify(
      { node: process.version, cores: navigator.hardwareConcurrency, rounds, rows: results },
      null,
      2,
    ),
  );
}
process.exit(results.some(({ failed }) => failed !== undefined) ? 1 : 0);
