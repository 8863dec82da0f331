import { Command, CommanderError, Option } from "commander";
import { runDemo } from "./demo/story.ts";
import { exitCodeOf } from "./errors.ts";
import { homeFolder, readHome } from "./home.ts";
import { createOutput } from "./output.ts";
import { withClient } from "./session.ts";
import type { Verbs } from "./verbs.ts";
import { addConversationVerbs } from "./verbs/conversations.ts";
import { addIdentityVerbs } from "./verbs/identity.ts";
import { addMessageVerbs } from "./verbs/messages.ts";
import { addSlimVerbs } from "./slim/verbs.ts";

interface GlobalOptions {
  readonly home?: string;
  readonly url?: string;
  readonly json?: boolean;
  readonly output?: string;
}

/** Runs a command line; the value is the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const wantsJson = (): boolean => {
    const { json = false, output } = program.opts<GlobalOptions>();
    return json || output === "json";
  };
  const program = new Command("coterie")
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

  const run: Verbs["run"] =
    (action) =>
    async (...all) => {
      const options = program.opts<GlobalOptions>();
      const output = createOutput(wantsJson());
      try {
        await action(
          {
            folder: homeFolder(options.home),
            url: options.url,
            output,
          },
          ...all,
        );
      } catch (error) {
        output.failure(error);
        exitCode = exitCodeOf(error);
      }
    };
  const verbs: Verbs = {
    program,
    run,
    withClient: (action) =>
      run((env, ...all) =>
        withClient(readHome(env.folder, env.url), (client) => action({ ...env, client }, ...all)),
      ),
  };
  addIdentityVerbs(verbs);
  addConversationVerbs(verbs);
  addMessageVerbs(verbs);
  program
    .command("demo")
    .description(
      "a node and four people, each in a process of their own: what each can and cannot see",
    )
    .option("--keep", "leave the data folder in place and print where it is")
    .action(async (options: { keep?: boolean }) => {
      exitCode = await runDemo({ keep: options.keep ?? false, out: process.stdout });
    });
  addSlimVerbs(program, wantsJson, (code) => (exitCode = code));

  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are no failures; what was wrong has been printed.
    return error.exitCode === 0 ? 0 : 2;
  }
  return exitCode;
}
