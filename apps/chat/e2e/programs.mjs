// The other programs that the page talks with: our node, the command line, the released SDK.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Our node on a free port, for pages of one origin. */
export async function startNode(data, origins) {
  const child = spawn(
    process.execPath,
    [
      join(root, "apps/node/dist/main.js"),
      "--data",
      data,
      "--xmtp",
      "127.0.0.1:0",
      ...origins.flatMap((origin) => ["--web-origin", origin]),
      "--log-level",
      "warn",
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const complaints = [];
  createInterface({ input: child.stderr }).on("line", (line) => complaints.push(line));
  const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  const ready = new Promise((resolve) =>
    createInterface({ input: child.stdout }).once("line", (line) => resolve(JSON.parse(line))),
  );
  const outcome = await Promise.race([ready, ended]);
  if (outcome?.ready !== true) throw new Error(`the node did not start: ${complaints.join("\n")}`);
  return {
    url: outcome.xmtp,
    complaints,
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** The command line with a home of its own; each call is one command and gives its JSON. */
export function cliUser(home, nodeUrl) {
  return (...args) =>
    new Promise((resolve, reject) => {
      const program = join(root, "apps/cli/dist/main.js");
      const child = spawn(
        process.execPath,
        [program, "--home", home, "--url", nodeUrl, "--json", ...args],
        { stdio: ["ignore", "pipe", "pipe"] },
      );
      let out = "";
      let err = "";
      child.stdout.on("data", (text) => (out += text));
      child.stderr.on("data", (text) => (err += text));
      child.once("close", (code) =>
        code === 0
          ? resolve(JSON.parse(out))
          : reject(new Error(`coterie ${args.join(" ")} ended with ${code}: ${err}`)),
      );
    });
}

/** An unmodified client of the released SDK, where it is installed; undefined elsewhere. */
export async function sdkUser(nodeUrl) {
  if (!existsSync(join(root, "interop/node_modules/@xmtp/node-sdk"))) return undefined;
  const { sdkClient } = await import("../../../interop/lib/sdk.mjs");
  return sdkClient({ url: nodeUrl });
}
