#!/usr/bin/env node
import { Command } from "commander";
import { runDemo } from "./demo/story.ts";

const program = new Command("coterie")
  .description("End-to-end encrypted group messaging")
  .version("0.1.0");

program
  .command("demo")
  .description(
    "a node and four people, each in a process of their own: what each can and cannot see",
  )
  .option("--keep", "leave the data folder in place and print where it is")
  .action(async (options: { keep?: boolean }) => {
    process.exitCode = await runDemo({ keep: options.keep ?? false, out: process.stdout });
  });

await program.parseAsync();
