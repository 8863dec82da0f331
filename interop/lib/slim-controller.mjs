// Our controller, native nodes under it, and an operator at our command line: each a process of its own.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePort } from "../../tools/lib/free-port.mjs";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const controllerMain = path("../../apps/controller/dist/main.js");
const cliMain = path("../../apps/cli/dist/main.js");
const controlledNode = path("slim-controlled-node.mjs");

/** Starts a program that says `{"ready":true, …}`. */
async function start(args) {
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
  let words = "";
  child.stderr.on("data", (data) => (words = (words + data).slice(-4000)));
  const ready = await new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${args[0]} ended (${code})\n${words}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) resolve(JSON.parse(line));
    });
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await gone;
    clearTimeout(timer);
  };
  return { ready, stop, words: () => words };
}

/** A controller whose own app connects to a node that need not run yet. */
export async function startController({ folder, nodeUrl, secret, domain }) {
  const file = join(folder, "secret");
  writeFileSync(file, secret);
  // who is of this domain has to show it; others come as they are
  const closed = ["--domain-secret", `${domain}=${file}`];
  const args = "--open --southbound 0 --northbound 0 --node".split(" ");
  const { ready, stop, words } = await start([
    controllerMain,
    ...closed,
    ...args,
    nodeUrl,
    "--secret-file",
    file,
  ]);
  return { southbound: ready.southbound, northbound: ready.northbound, stop, words };
}

/** A released node that registers with a controller. */
export async function openControlledNode({ core, controller, nodeId, domain, secret, folder }) {
  const port = await freePort();
  const at = `127.0.0.1:${port}`;
  const file = join(folder, `${nodeId}.yaml`);
  const servers = [
    {
      endpoint: at,
      tls: { insecure: true },
      metadata: { local_endpoint: at, external_endpoint: at },
    },
  ];
  const clients = [{ endpoint: controller, tls: { insecure: true } }];
  const service = {
    node_id: nodeId,
    domain_name: domain,
    // it shows a token made with the secret
    auth: { type: "shared_secret", secret },
    dataplane: { servers, clients: [] },
    controller: { servers: [], clients },
  };
  // JSON is YAML
  writeFileSync(file, JSON.stringify({ services: { "slim/0": service } }));
  const { stop } = await start([controlledNode, core, file]);
  return { slimUrl: `http://${at}`, stop };
}

/** Runs our command line; what it wrote and how it ended. */
export function operator(northbound) {
  const server = new URL(northbound).host;
  return (...args) =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [cliMain, "--server", server, ...args], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const out = { stdout: "", stderr: "" };
      child.stdout.on("data", (data) => (out.stdout += data));
      child.stderr.on("data", (data) => (out.stderr += data));
      child.once("exit", (code) => resolve({ ...out, code }));
    });
}

/** Until it is so, or for too long; the last failure is thrown. */
export async function until(work, ms = 15_000) {
  const end = Date.now() + ms;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
