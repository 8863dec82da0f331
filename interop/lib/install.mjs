import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newerNode, nodeIsOld } from "../../tools/lib/node-version.mjs";

const here = fileURLToPath(new URL("..", import.meta.url));

/** This folder is a workspace of its own, so that nothing of ours depends on a native program. No install scripts run. */
export function install() {
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

/** The SDK and we need Node 22.14: on an older one the program starts again on the one that setup fetched. */
export function needNewNode() {
  if (!nodeIsOld) return;
  if (!existsSync(newerNode)) {
    console.error("Node 22.14 or newer is needed: run `npm run setup` first, it fetches one.");
    process.exit(1);
  }
  const { status } = spawnSync(newerNode, process.argv.slice(1), { stdio: "inherit" });
  process.exit(status ?? 1);
}
