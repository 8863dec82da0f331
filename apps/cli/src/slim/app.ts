import type { Command } from "commander";
import type { Output } from "../output.ts";
import type { Operator } from "./operator.ts";
import type { AppOptions } from "./run-app.ts";

/** `slim app`: an app of sessions at the terminal, so that a tutorial needs no code. */
export function addAppVerb(slim: Command, { run, flags }: Operator): void {
  slim
    .command("app")
    .description("be an app: join sessions, show messages, send lines that are typed (/help)")
    .requiredOption("--local <name>", "who you are: org/ns/app")
    .option("--secret <secret>", "what all apps share, 32 bytes or more (env: COTERIE_SLIM_SECRET)")
    .option("--channel <name>", "found a group on this channel: org/ns/channel")
    .option("--invite <name...>", "apps to take into the group")
    .option("--mls", "messages of a founded group are encrypted between its members", true)
    .option("--no-mls", "every node on the way can read them")
    .option("--count <messages>", "go after so many messages")
    .action(
      run(async (output: Output, options: AppOptions) => {
        // Sessions are much to load: other commands do without.
        const { runApp } = await import("./run-app.ts");
        await runApp(output, options, flags());
      }),
    );
}
