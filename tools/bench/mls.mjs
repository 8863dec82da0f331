// npm run bench:mls -- [--json] [--only=openssl|noble] [--no-peer] [--no-pool] [sizes…]
//
// Operations of packages/mls on groups of N members: the median of each in processor time, the least cryptography that it takes out of
// primitives measured between the rows of the same run, and ts-mls beside it. Read the multiple and the ratio, not the milliseconds. The floor
// counts calls, and the bytes of trees and paths that have to be signed, hashed and sealed whole. Trees are flat unless a row says otherwise:
// nobody but the creator has committed. Sizes: 10, 100, 400, 1000, 4000 and 10000 by default, ts-mls up to 1000. --json: one line.
import { nobleProvider } from "../../packages/crypto/dist/noble.js";
import { createOpensslProvider } from "../../packages/crypto/dist/openssl.js";
import { measureOurs } from "./mls/ours.mjs";
import { measurePeer } from "./mls/peer.mjs";
import { measurePooled } from "./mls/pooled.mjs";

const args = process.argv.slice(2);
const has = (name) => args.includes(`--${name}`);
const only = args.find((arg) => arg.startsWith("--only="))?.slice(7);
const asked = args.filter((arg) => /^\d+$/.test(arg)).map(Number);
const sizes = asked.length > 0 ? asked : [10, 100, 400, 1_000, 4_000, 10_000];
const largestPeer = 1_000;
const pooledSize = 1_000;

// Each call gives a provider that remembers nothing.
const providers = {
  openssl: () => createOpensslProvider(),
  noble: () => ({ ...nobleProvider }),
};

const log = (line = "") => {
  if (!has("json")) console.log(line);
};
const milliseconds = (ms) =>
  ms === undefined ? "" : `${ms < 10 ? ms.toFixed(3) : ms.toFixed(1)} ms`;
const times = (ratio) => (ratio === undefined ? "" : `×${ratio.toFixed(2)}`);

function print({ provider, size, primitivesMs, rows, bytes }) {
  const micro = Object.entries(primitivesMs).map(
    ([name, ms]) => `${name} ${(1000 * ms).toFixed(1)}`,
  );
  log(`\n${size} members, ${provider}; microseconds: ${micro.join(", ")}`);
  log(
    `${"".padEnd(28)}${["median", "floor", "multiple", "ts-mls", "ratio"].map((head) => head.padStart(12)).join("")}`,
  );
  for (const { operation, ms, floorMs, multiple, peerMs, ratio } of rows) {
    const cells = [milliseconds(ms), milliseconds(floorMs), times(multiple), milliseconds(peerMs)];
    cells.push(ratio === undefined ? "" : ratio.toFixed(3));
    log(operation.padEnd(28) + cells.map((cell) => cell.padStart(12)).join(""));
  }
  for (const [what, count] of Object.entries(bytes)) {
    log(`${what.padEnd(28)}${`${(count / 1000).toFixed(1)} kB`.padStart(12)}`);
  }
}

const result = { node: process.version, openssl: process.versions.openssl, runs: [] };
for (const size of sizes) {
  // oxlint-disable-next-line no-await-in-loop
  const peer = size <= largestPeer && !has("no-peer") ? await measurePeer(size) : [];
  const peerMs = new Map(peer.map(({ operation, ms }) => [operation, ms]));
  for (const [provider, fresh] of Object.entries(providers)) {
    if (only !== undefined && only !== provider) continue;
    const { primitivesMs, rows, bytes } = measureOurs(size, fresh);
    for (const row of rows) {
      const theirs = peerMs.get(row.operation);
      if (theirs !== undefined) Object.assign(row, { peerMs: theirs, ratio: row.ms / theirs });
    }
    const run = { provider, size, primitivesMs, rows, bytes };
    result.runs.push(run);
    print(run);
  }
}
if (sizes.includes(pooledSize) && only !== "noble" && !has("no-pool")) {
  const pooled = await measurePooled(pooledSize);
  result.pool = { size: pooledSize, ...pooled };
  log(
    `\n${pooledSize} members with a pool of one thread (${pooled.state}), best times of the clock`,
  );
  for (const { operation, aloneMs, pooledMs, ratio, threadRatio } of pooled.rows) {
    log(
      `${operation.padEnd(28)}${milliseconds(aloneMs).padStart(12)}${milliseconds(pooledMs).padStart(12)}${times(ratio).padStart(12)}   calling thread ${times(threadRatio)}`,
    );
  }
}
if (has("json")) console.log(JSON.stringify(result));
