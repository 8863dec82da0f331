// The nodes that are measured, each a process of its own, and what of the machine it takes.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openNativeNode } from "../../../interop/lib/slim-hosts.mjs";

/** Ours with its defaults, without a word. */
async function openOurs() {
  const data = mkdtempSync(join(tmpdir(), "coterie-bench-"));
  const main = fileURLToPath(new URL("../../../apps/node/dist/main.js", import.meta.url));
  const child = spawn(
    process.execPath,
    [main, "--data", data, "--xmtp", "0", "--slim", "0", "--history", "0", "--log-level", "silent"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ready = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) => resolve(JSON.parse(line)));
    child.once("exit", (code) => reject(new Error(`the node ended (${code})`)));
  });
  return {
    url: ready.slim,
    pid: child.pid,
    async stop() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function openNative() {
  const node = await openNativeNode("core 2.2");
  return { url: node.slimUrl, pid: node.pid, stop: node.kill };
}

/** A fresh node of a kind. */
export const openNode = (kind) => (kind === "ours" ? openOurs() : openNative());

const ticks = Number(execFileSync("getconf", ["CLK_TCK"]).toString());
const pageBytes = Number(execFileSync("getconf", ["PAGESIZE"]).toString());

/** Seconds of processor time that a process has had. */
export function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

/** Bytes of memory that a process holds. */
export function memoryOf(pid) {
  return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * pageBytes;
}
