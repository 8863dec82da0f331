// Throws changed bytes at every decoder and at `process`, and keeps what reaches new code. Started by tools/fuzz.mjs.
import { parseArgs } from "node:util";
import { CoterieError, InvariantError } from "../../packages/base/src/index.ts";
import { openCoverage } from "./coverage.mjs";
import { readCorpus, writeCorpus } from "./corpus.mjs";
import { mutateBytes } from "./mutate-bytes.mjs";
import { mutateValue } from "./mutate-value.mjs";
import { seeded } from "./random.mjs";
import { targets as content } from "./targets/content.mjs";
import { targets as decoders } from "./targets/mls-decoders.mjs";
import { targets as processing } from "./targets/mls-process.mjs";
import { targets as others } from "./targets/others.mjs";
import { targets as slim } from "./targets/slim.mjs";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    target: { type: "string", default: "" },
    /** Writes what was found to the corpus. */
    save: { type: "boolean", default: false },
  },
});
const seconds = Number(options.seconds);
const random = seeded(Number(options.seed));
const targets = [...decoders, ...processing, ...others, ...content, ...slim].filter(({ name }) =>
  name.startsWith(options.target),
);
/** Of processor time, in the best of a few runs: a busy machine may stop us anywhere, and V8 may collect. */
const mostMilliseconds = 50;
/** One look at the coverage costs as much as dozens of runs. */
const batchMilliseconds = 300;
const mostFailures = 3;
const mostGrowth = 200 * 2 ** 20;
/** Of one target's file in the repository. */
const mostSaved = 9_000;

// Generated codecs are all alike, and large: looking at them would cost more than running them.
console.log(`fuzz: seed ${options.seed}, ${seconds} s`);

const coverage = openCoverage((url) =>
  /\/packages\/(mls|wire|identity|policy|client|session)\/src\/(?!gen\/)/.test(url),
);

function spentSince(start) {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

/** What is wrong with how a target took an input; undefined where all is well. */
function verdict({ run }, input) {
  const started = performance.now();
  try {
    run(input);
  } catch (error) {
    if (!(error instanceof CoterieError) || error instanceof InvariantError) return error;
  }
  if (performance.now() - started <= mostMilliseconds) return undefined;
  let least = Infinity;
  for (let again = 0; least > mostMilliseconds && again < 5; again++) {
    const start = process.cpuUsage();
    try {
      run(input);
    } catch {
      // The same as the first time.
    }
    least = Math.min(least, spentSince(start));
  }
  return least > mostMilliseconds ? new Error(`took ${least.toFixed(0)} ms`) : undefined;
}

function prepare(target) {
  const inputs = [...target.seeds, ...readCorpus(target.name)];
  return { target, inputs, seen: new Map(), found: [], ran: 0, each: 5, failures: new Map() };
}

function attempt(state, input) {
  state.ran++;
  const failure = verdict(state.target, input);
  if (!failure) return;
  const where = String(failure.stack).split("\n").slice(0, 3).join("\n");
  if (!state.failures.has(where)) state.failures.set(where, { failure, input });
}

function mutated({ target, inputs }) {
  const input = inputs[random(inputs.length)];
  const donor = inputs[random(inputs.length)];
  if (target.parse && random(2) === 0) {
    try {
      const value = mutateValue(target.parse(input), random, target.parse(donor));
      return target.print(value);
    } catch {
      // What cannot be printed is changed as bytes.
    }
  }
  return mutateBytes(input, random, donor);
}

/** Which of these inputs reached something new: halves of halves, as one look costs more than a run. */
function attribute(state, inputs) {
  for (const input of inputs) verdict(state.target, input);
  if (coverage.fresh(state.seen, { peek: true }) === 0) return;
  if (inputs.length === 1) {
    verdict(state.target, inputs[0]);
    coverage.fresh(state.seen);
    state.inputs.push(inputs[0]);
    state.found.push(inputs[0]);
    return;
  }
  const middle = inputs.length >> 1;
  attribute(state, inputs.slice(0, middle));
  attribute(state, inputs.slice(middle));
}

function batch(state) {
  const size = Math.min(2_000, Math.max(20, Math.round(batchMilliseconds / state.each)));
  const inputs = Array.from({ length: size }, () => mutated(state));
  // Printing ran the encoders: that is no merit of an input.
  coverage.skip();
  const started = performance.now();
  for (const input of inputs) attempt(state, input);
  state.each = (performance.now() - started) / size;
  if (coverage.fresh(state.seen, { peek: true }) > 0) attribute(state, inputs);
}

const states = targets.map(prepare);
for (const state of states) {
  coverage.skip();
  for (const input of state.inputs) attempt(state, input);
  coverage.fresh(state.seen);
}
const held = () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const heldBefore = held();
const ends = performance.now() + seconds * 1_000;
for (let turn = 0; performance.now() < ends; turn++) {
  const state = states[turn % states.length];
  if (state.failures.size < mostFailures) batch(state);
  else if (states.every(({ failures }) => failures.size >= mostFailures)) break;
}

let passed = 0;
let failed = 0;
for (const { target, failures, ran, inputs, found } of states) {
  const good = failures.size === 0;
  if (good) passed++;
  else failed++;
  console.log(
    `${good ? "ok  " : "FAIL"} ${target.name.padEnd(20)} ${String(ran).padStart(8)} inputs, ${found.length} kept of ${inputs.length}`,
  );
  for (const { failure, input } of failures.values()) {
    console.log(String(failure.stack ?? failure));
    if (failure.cause) console.log(`cause: ${failure.cause.stack ?? failure.cause}`);
    console.log(`input: ${Buffer.from(input).toString("base64").slice(0, 20_000)}`);
  }
}
// What the corpus of this run and the caches of the packages hold is bounded; what a leak holds is not.
const growth = held() - heldBefore;
const bounded = growth < mostGrowth;
if (bounded) passed++;
else failed++;
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
const total = states.reduce((sum, { ran }) => sum + ran, 0);
console.log(
  `${bounded ? "ok  " : "FAIL"} memory: ${(growth / 2 ** 20).toFixed(1)} MB more than at the start, at most ${peak} MB resident`,
);
console.log(`seed ${options.seed}: ${total} inputs in ${seconds} s`);
coverage.close();

if (options.save) {
  for (const { target, found } of states) {
    const kept = readCorpus(target.name);
    let size = kept.reduce((sum, { length }) => sum + Math.ceil(length / 3) * 4, 0);
    for (const input of found.toSorted((a, b) => a.length - b.length)) {
      size += Math.ceil(input.length / 3) * 4 + 1;
      if (size > mostSaved) break;
      kept.push(input);
    }
    writeCorpus(target.name, kept);
  }
}
console.log(`fuzz: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
