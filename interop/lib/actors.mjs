import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("actor.mjs", import.meta.url));

/** What is thrown where the process of an actor ended before it answered. */
export class Killed extends Error {}

/**
 * A client of either kind in a process of its own with a database of its own. `kill` ends it as a power cut would, `start` opens the same
 * database again. An order is answered with its value, or fails with {@link Killed}.
 */
export async function createActor({ kind, node, file, name }) {
  const secret = randomBytes(32).toString("hex");
  let child;
  let number = 0;
  let waiting = new Map();

  const start = async () => {
    const args = [program, JSON.stringify({ kind, url: node.url, secret, file })];
    child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
    const own = child;
    const pending = new Map();
    waiting = pending;
    const complaints = [];
    createInterface({ input: own.stderr }).on("line", (line) => complaints.push(line));
    await new Promise((resolve, reject) => {
      own.once("exit", (code, signal) => {
        reject(new Error(`${name} did not start (${code ?? signal}): ${complaints.join("\n")}`));
        for (const { fail } of pending.values()) fail(new Killed(`${name} was killed`));
        pending.clear();
      });
      own.stdin.on("error", () => {});
      createInterface({ input: own.stdout }).on("line", (line) => {
        // The SDK may write lines of its own.
        if (!line.startsWith("{")) return;
        const answer = JSON.parse(line);
        if (answer.ready) return resolve();
        const asked = pending.get(answer.number);
        pending.delete(answer.number);
        if (answer.error === undefined) asked?.done(answer.value);
        else asked?.fail(new Error(`${name}: ${answer.error}`));
      });
    });
  };
  const end = async (signal) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (signal) child.kill(signal);
    else child.stdin.end();
    await gone;
  };

  await start();
  return {
    kind,
    name,
    start,
    kill: () => end("SIGKILL"),
    stop: () => end(),
    ask: (order, args = {}) =>
      new Promise((done, fail) => {
        const own = ++number;
        waiting.set(own, { done, fail });
        child.stdin.write(`${JSON.stringify({ number: own, order, ...args })}\n`);
      }),
  };
}
