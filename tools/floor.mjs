#!/usr/bin/env node
// Runs the tests of what is published on the oldest Node that it promises, fetched once through npm into .tools/.
// The SQLite engine needs 22.14 (its page says so): here it has to say so itself, and not to crash.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const version = "22.12.0";
// Whole packages, and of cryptography and MLS what meets the platform: the rest is arithmetic, which no version changes.
const parts = [
  "packages/base/",
  "packages/transport/",
  "packages/identity/",
  "packages/dataplane/",
  "packages/session/",
  "packages/crypto/test/bad-input",
  "packages/crypto/test/encodings",
  "packages/crypto/test/pool",
  "packages/mls/test/group",
  "packages/mls/test/snapshot",
];

// What takes long and has nothing to do with the version; and, of transport, floods: Node 22.12 keeps a connection that a client spoiled until our
// keepalive ends it, 50 s later.
const slow = [
  "packages/transport/test/abuse.test.ts",
  // stores sessions with SQLite
  "packages/session/test/app/restart.test.ts",
  "packages/session/test/life.test.ts",
  "packages/session/test/storm.test.ts",
  "packages/session/test/profile.test.ts",
  "packages/session/test/succession.test.ts",
];

const root = fileURLToPath(new URL("..", import.meta.url));
const home = join(root, ".tools", `node-${version}`);
const bin = join(home, "node_modules", ".bin");
const node = join(bin, "node");
if (!existsSync(node)) {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "package.json"), '{"private":true}\n');
  const args = ["install", "--silent", "--no-audit", "--no-fund", "--no-save", `node@${version}`];
  const { status } = spawnSync("npm", args, { cwd: home, stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

let passed = 0;
let failed = 0;
const results = mkdtempSync(join(tmpdir(), "coterie-floor-"));
try {
  const json = join(results, "test.json");
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const env = { ...process.env, COTERIE_TEST_JSON: json, PATH: `${bin}:${process.env.PATH}` };
  // the vectors were all run on the newer Node: a provider that passes them there is the same code here
  delete env.COTERIE_VECTORS;
  const excluded = slow.flatMap((file) => ["--exclude", file]);
  const args = [vitest, "run", "--project", "packages", ...excluded, ...parts];
  const run = spawnSync(node, args, { cwd: root, stdio: ["ignore", 1, 2], env });
  const report = existsSync(json) ? JSON.parse(readFileSync(json, "utf8")) : undefined;
  passed += report?.numPassedTests ?? 0;
  failed += report?.numFailedTests ?? 1;
  if (run.status !== 0 && report?.numFailedTests === 0) failed += 1;
} finally {
  rmSync(results, { recursive: true, force: true });
}

const probe = `
  import { openSqliteStore } from "@coterie/storage/sqlite";
  try {
    await openSqliteStore({ path: ":memory:", key: new Uint8Array(32) });
  } catch (error) {
    process.stdout.write(error.code + " " + error.details.neededNode);
  }`;
const told = spawnSync(node, ["--input-type=module", "--eval", probe], {
  cwd: join(root, "packages", "client"),
  encoding: "utf8",
});
if (told.stdout === "storage/unavailable 22.14") passed += 1;
else {
  failed += 1;
  console.log(
    `SQLite on Node ${version}: ${told.signal ?? told.status} ${told.stdout}${told.stderr}`,
  );
}
console.log(`floor, Node ${version}: ${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
