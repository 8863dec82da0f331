#!/usr/bin/env node
// Runs checks/*.mjs, each against a fresh node of ours and with the released SDK, unmodified.
//   node interop/run.mjs [part of a file name …]
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 12)) rerunOnNewerNode();
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
for (const file of files) {
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
console.log(`${passed} passed, ${failed} failed`);
// the SDK's native threads would keep the process
process.exit(failed > 0 || passed === 0 ? 1 : 0);

/** This folder is a workspace of its own, so that nothing of ours depends on a native program. No install scripts run. */
function install() {
  const lock = createHash("sha256")
    .update(readFileSync(join(here, "pnpm-lock.yaml")))
    .digest("hex");
  const stamp = join(here, "node_modules", ".lock-hash");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  const tool = join(here, "..", "tools", "pnpm.mjs");
  const args = [tool, "--dir", here, "install", "--frozen-lockfile", "--ignore-scripts"];
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, lock);
}

function rerunOnNewerNode() {
  const node = join(here, "..", ".tools", "node-24", "node_modules", ".bin", "node");
  if (!existsSync(node)) {
    console.error("Node 22.12 or newer is needed: run `npm run setup` first, it fetches one.");
    process.exit(1);
  }
  const { status } = spawnSync(node, process.argv.slice(1), { stdio: "inherit" });
  process.exit(status ?? 1);
}
