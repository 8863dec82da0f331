// Gate B11: every way to connect, native apps on our node and our apps on a native node: sockets in the file system, WebSockets, TLS, certificates
// of clients, names and passwords.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { makeCertificates } from "../lib/certificates.mjs";
import { assert } from "../lib/check.mjs";
import { cores } from "../lib/slim-kinds.mjs";
import { freePort } from "../../tools/lib/free-port.mjs";

const program = fileURLToPath(new URL("../lib/slim-endpoints.mjs", import.meta.url));

function start(kind, role, settings) {
  const child = spawn(process.execPath, [program, kind, role, JSON.stringify(settings)], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let words = "";
  child.stderr.on("data", (data) => (words += data));
  const first = new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), 40_000);
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) resolve(JSON.parse(line));
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`${kind}, ${role} ended (${code})\n${words.slice(-2000)}`));
    });
  });
  first.catch(() => {});
  return { first, stop: () => child.kill("SIGKILL") };
}

/** What a node and its apps are told of a way, and apps that it is closed to. */
function waysOf(folder, { server, client, ca }) {
  const user = { user: "ada", password: "lovelace" };
  const cleartext = (port) => [`127.0.0.1:${port}`, `http://127.0.0.1:${port}`];
  const secure = (port) => [`127.0.0.1:${port}`, `https://localhost:${port}`];
  return {
    "a socket in the file system": {
      at: (port) => Array.from({ length: 2 }, () => `unix://${join(folder, `${port}.sock`)}`),
    },
    "a WebSocket": { at: (port) => Array.from({ length: 2 }, () => `ws://127.0.0.1:${port}`) },
    TLS: {
      at: secure,
      node: { tls: true, ...server },
      app: { tls: true, ca },
      wrong: { tls: true },
    },
    "a WebSocket over TLS": {
      at: (port) => [`wss://127.0.0.1:${port}`, `wss://localhost:${port}`],
      node: { tls: true, ...server },
      app: { tls: true, ca },
    },
    "certificates of clients": {
      at: secure,
      node: { tls: true, ...server, ca },
      app: { tls: true, ca, ...client },
      wrong: { tls: true, ca },
    },
    "a name and a password": {
      at: cleartext,
      node: user,
      app: user,
      wrong: { ...user, password: "byron" },
    },
  };
}

export default async function run({ check, folder }) {
  mkdirSync(join(folder, "ways"));
  const ways = waysOf(folder, makeCertificates(join(folder, "ways")));
  for (const core of cores) {
    for (const [nodeKind, appKind] of [
      ["ours", core],
      [core, "ours"],
    ]) {
      for (const [title, { at, node = {}, app = {}, wrong }] of Object.entries(ways)) {
        await check(`${title}: node ${nodeKind}, apps ${appKind}`, async () => {
          const [listen, dial] = at(await freePort());
          const serving = start(nodeKind, "node", { endpoint: listen, ...node });
          try {
            await serving.first;
            const pair = start(appKind, "pair", { endpoint: dial, ...app });
            assert.deepEqual(await pair.first, { seen: "hello" });
            if (wrong === undefined) return;
            const refused = start(appKind, "pair", { endpoint: dial, ...wrong });
            const outcome = await Promise.race([
              refused.first,
              new Promise((resolve) => setTimeout(() => resolve({ error: "still trying" }), 4000)),
            ]);
            refused.stop();
            assert.ok(outcome.error !== undefined, JSON.stringify(outcome));
          } finally {
            serving.stop();
          }
        });
      }
    }
  }
}
