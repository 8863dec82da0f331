import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL("..", import.meta.url));
let program = "";

/** The program as one file, which starts five times as fast as hundreds; test files run beside each other, each with its own. */
export async function buildProgram(testFile: string): Promise<void> {
  // In here, so that the database engine is found.
  program = join(here, `node_modules/.cache/coterie-under-test-${testFile}.mjs`);
  await build({
    entryPoints: [join(here, "src/main.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@coterie/source"],
    external: ["better-sqlite3-multiple-ciphers"],
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    logLevel: "error",
  });
}

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The real program, without what the machine's owner has set for it. */
export function startProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcessWithoutNullStreams {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(COTERIE|SLIMCTL)_/.test(name)),
  );
  return spawn(process.execPath, [program, ...args], {
    env: { ...clean, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** Runs it to its end. */
export function runProgram(
  args: readonly string[],
  { input = "", env = {} }: RunOptions = {},
): Promise<Ran> {
  const child = startProgram(args, env);
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, out, err })));
}
