import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { toHex } from "@coterie/base";

export const childFile: string = fileURLToPath(new URL("./child.ts", import.meta.url));
/** Lets Node run the sources as they are, from its first version that can. */
export const childArgv: readonly string[] = [
  "--conditions=@coterie/source",
  "--experimental-strip-types",
  "--no-warnings",
];

interface Child {
  readonly child: ChildProcess;
  readonly line: () => Promise<string | undefined>;
  readonly ended: Promise<unknown>;
}

/** Starts a process that upgrades a plain file, and stops for ever in the midst of it if told to hang. */
export function startMigration(path: string, how: "hang" | "finish"): Child {
  return start([fileURLToPath(new URL("./migrating-child.ts", import.meta.url)), path, how]);
}

/** Starts a process that opens a store and does as told; `line` waits for what it prints next. */
export function startChild(doing: "hold" | "write", path: string, key: Uint8Array): Child {
  return start([childFile, doing, path, toHex(key)]);
}

function start(args: readonly string[]): Child {
  const child = spawn(process.execPath, [...childArgv, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
  });
  return { child, line: async () => (await lines.next()).value as string | undefined, ended };
}
