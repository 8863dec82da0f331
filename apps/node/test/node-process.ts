import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

export interface Process {
  readonly child: ChildProcess;
  /** The line that says where it serves; rejects with what was written where the process ended before. */
  readonly ready: Promise<{
    readonly xmtp: string;
    readonly slim?: string;
    readonly admin?: string;
    readonly pid: number;
  }>;
  readonly ended: Promise<Ended>;
}

/** The node from its sources, as a process of its own. */
export function launch(...args: readonly string[]): Process {
  const flags = ["--experimental-strip-types", "--no-warnings", "--conditions=@coterie/source"];
  const child = spawn(process.execPath, [...flags, main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stdout: string[] = [];
  const stderr: string[] = [];
  const lines = createInterface({ input: child.stdout }).on("line", (line) => stdout.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const first = new Promise<string>((resolve) => lines.once("line", resolve));
  const ready = Promise.race([
    first.then((line) => JSON.parse(line) as { xmtp: string; admin?: string; pid: number }),
    ended.then((end) => Promise.reject(new Error(JSON.stringify(end)))),
  ]);
  ready.catch(() => {});
  return { child, ready, ended };
}
