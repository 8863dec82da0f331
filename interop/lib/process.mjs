import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../apps/node/dist/main.js", import.meta.url));
/** COTERIE_NODE_ARGS lets a developer run the node from its sources: what node(1) gets instead of the built file. */
const program = process.env.COTERIE_NODE_ARGS?.split(" ") ?? [main];

/** A folder that is gone when the check file ends. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "coterie-interop-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Our node as a process of its own. `restart()` stops it cleanly and starts it again on the same folder and port; `kill()` ends it
 * as a power cut would.
 */
export async function startNode({ data, logLevel = "debug", more = [] }) {
  let child;
  let exited;
  let port = 0;
  let slimPort = 0;
  let historyPort = 0;
  const errors = [];

  const start = async () => {
    const args = [
      ...program,
      "--data",
      data,
      "--xmtp",
      `127.0.0.1:${port}`,
      "--slim",
      `127.0.0.1:${slimPort}`,
      "--history",
      `127.0.0.1:${historyPort}`,
      "--log-level",
      logLevel,
      ...more,
    ];
    child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    exited = new Promise((resolve) =>
      child.once("exit", (code, signal) => resolve({ code, signal })),
    );
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (!/"level":(20|30),/.test(line)) errors.push(line);
      if (process.env.COTERIE_NODE_LOG) console.error(line);
    });
    const ready = new Promise((resolve) => {
      createInterface({ input: child.stdout }).once("line", (line) => resolve(JSON.parse(line)));
    });
    const outcome = await Promise.race([ready, exited]);
    if (outcome.ready !== true) {
      throw new Error(`the node did not start: ${JSON.stringify(outcome)}\n${errors.join("\n")}`);
    }
    port = Number(new URL(outcome.xmtp).port);
    slimPort = Number(new URL(outcome.slim).port);
    historyPort = Number(new URL(outcome.history).port);
  };
  const end = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };

  await start();
  return {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    get slimUrl() {
      return `http://127.0.0.1:${slimPort}`;
    },
    get historyUrl() {
      return `http://127.0.0.1:${historyPort}`;
    },
    get pid() {
      return child.pid;
    },
    /** Lines of the node's log at level warn and above. */
    errors,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    async restart() {
      const { code } = await end("SIGTERM");
      if (code !== 0) throw new Error(`the node stopped with exit code ${code}`);
      await start();
    },
    start,
  };
}
