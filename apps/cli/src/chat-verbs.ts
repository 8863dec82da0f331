import type { Command } from "commander";
import { runDemo } from "./demo/story.ts";
import { exitCodeOf } from "./errors.ts";
import { homeFolder, readHome } from "./home.ts";
import { createOutput } from "./output.ts";
import { withClient } from "./session.ts";
import type { Verbs } from "./verbs.ts";
import { addConversationVerbs } from "./verbs/conversations.ts";
import { addIdentityVerbs } from "./verbs/identity.ts";
import { addMessageVerbs } from "./verbs/messages.ts";

/** The verbs of conversations, and the demo. */
export function addChatVerbs(
  program: Command,
  wantsJson: () => boolean,
  ended: (exitCode: number) => void,
): void {
  const run: Verbs["run"] =
    (action) =>
    async (...all) => {
      const options = program.opts<{ home?: string; url?: string }>();
      const output = createOutput(wantsJson());
      try {
        await action({ folder: homeFolder(options.home), url: options.url, output }, ...all);
      } catch (error) {
        output.failure(error);
        ended(exitCodeOf(error));
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
      ended(await runDemo({ keep: options.keep ?? false, out: process.stdout }));
    });
}
