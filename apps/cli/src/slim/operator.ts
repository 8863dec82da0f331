import { CoterieError } from "@coterie/base";
import type { Command } from "commander";
import { CliError } from "../errors.ts";
import { createOutput, harmless, toJson } from "../output.ts";
import type { Output } from "../output.ts";
import { withCalls } from "./calls.ts";
import type { Calls } from "./calls.ts";
import { readSettings } from "./settings.ts";
import { defaultEndpoints, resolveTarget, withEnvironment } from "./target.ts";
import type { OperatorFlags, Target } from "./target.ts";

/** What the trees for operators share. */
export interface Operator {
  readonly program: Command;
  /** Wraps an action: failures become one line `Error: …` on stderr, and exit code 1 (specification 10.2). */
  run<A extends unknown[]>(
    action: (output: Output, ...args: A) => Promise<void> | void,
  ): (...args: A) => Promise<void>;
  /** The same with calls to the server that the options name. */
  calling<A extends unknown[]>(
    server: keyof typeof defaultEndpoints,
    action: (env: { readonly output: Output; readonly calls: Calls }, ...args: A) => Promise<void>,
  ): (...args: A) => Promise<void>;
  flags(): OperatorFlags;
  target(server: keyof typeof defaultEndpoints): Target;
}

/** `failed` hears of each failure: the exit code is the program's. */
export function createOperator(
  program: Command,
  wantsJson: () => boolean,
  failed: (exitCode: number) => void,
): Operator {
  const flags = (): OperatorFlags => withEnvironment(program.opts(), process.env);
  const target: Operator["target"] = (server) => {
    const typed = flags();
    return resolveTarget(typed, readSettings(typed.config), defaultEndpoints[server]);
  };
  const run: Operator["run"] =
    (action) =>
    async (...args) => {
      const json = wantsJson();
      try {
        await action(createOutput(json), ...args);
      } catch (error) {
        process.stderr.write(json ? asJson(error) : `Error: ${harmless(wordsOf(error))}\n`);
        failed(1);
      }
    };
  return {
    program,
    run,
    flags,
    target,
    calling: (server, action) =>
      run((output, ...args) =>
        withCalls(target(server), (calls) => action({ output, calls }, ...args)),
      ),
  };
}

/** A refusal in the server's words. */
export function refused(words: string): CliError {
  return new CliError("cli/refused", words);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function asJson(error: unknown): string {
  const known = error instanceof CoterieError ? error : undefined;
  const { code = "cli/unexpected", disposition, details } = known ?? {};
  return `${toJson({ error: { code, disposition, message: wordsOf(error), details } })}\n`;
}
