import { Command, CommanderError, Option } from "commander";
import { addSlimVerbs } from "./slim/verbs.ts";

interface OutputOptions {
  readonly json?: boolean;
  readonly output?: string;
}

/** Runs a command line; the value is the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const ended = (code: number): void => {
    exitCode = code;
  };
  let program = createProgram();
  const wantsJson = (): boolean => {
    const { json = false, output } = program.opts<OutputOptions>();
    return json || output === "json";
  };
  try {
    addSlimVerbs(program, wantsJson, ended);
    if (!namesCommandOf(program, args)) {
      // Conversations are most of what there is to load: the other commands do without.
      const { addChatVerbs } = await import("./chat-verbs.ts");
      program = createProgram();
      addChatVerbs(program, wantsJson, ended);
      addSlimVerbs(program, wantsJson, ended);
    }
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are no failures; what was wrong has been printed.
    return error.exitCode === 0 ? 0 : 2;
  }
  return exitCode;
}

function createProgram(): Command {
  return new Command("coterie")
    .description("End-to-end encrypted group messaging")
    .version("0.1.0")
    .option("--home <folder>", "folder of the identity (default: COTERIE_HOME or ~/.coterie)")
    .option("--url <url>", "the node (default: COTERIE_URL, or what init was given)")
    .option("--json", "one line of JSON a result, and for a failure one on stderr")
    .addOption(
      new Option("--output <form>", "text or json; json is what --json says").choices([
        "text",
        "json",
      ]),
    )
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 may go better later (SLIM commands: 1).",
    )
    .exitOverride();
}

function namesCommandOf(program: Command, args: readonly string[]): boolean {
  const { operands } = program.parseOptions([...args]);
  return program.commands.some(
    (command) =>
      operands[0] !== undefined && [command.name(), ...command.aliases()].includes(operands[0]),
  );
}
