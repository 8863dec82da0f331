import type { Command } from "commander";
import type { Operator } from "./operator.ts";
import type { BenchOptions, BenchRole } from "./run-bench.ts";

/** SND-08: load between processes, by the names that SLIM's own tool uses, so that either side may be that tool. */
export function addBenchVerb(operator: Operator): void {
  const bench = operator.program
    .command("bench")
    .description("send and receive as fast as it goes; start `sub` before `pub`");
  add(bench, operator, "sub", "receive in conversations of two");
  add(bench, operator, "pub", "send in conversations of two, worker N to subscriber N");
  const channel = bench.command("channel").description("the same in one group");
  add(channel, operator, "channel-sub", "join the group and receive");
  add(channel, operator, "channel-pub", "found the group, invite all subscribers and send");
}

function add(parent: Command, { run, flags }: Operator, role: BenchRole, words: string): void {
  const isPublisher = role.endsWith("pub");
  const command = parent
    .command(isPublisher ? "pub" : "sub")
    .description(words)
    .option(
      "--count <workers>",
      "apps, each on a connection of its own",
      role.startsWith("ch") ? "2" : "1",
    )
    .option(
      "-n, --msgs <messages>",
      "messages of all workers together; of a group, of each",
      "100000",
    )
    .option("--size <bytes>", "of a payload: 512, 16kib, 1mb", "128")
    .option("--secret <secret>", "what both sides share (env: COTERIE_SLIM_SECRET)")
    .option("--prefix <org/ns>", "of all names", "bench/test")
    .option("--start-index <number>", "of the first worker", "0");
  if (isPublisher) command.option("--reliable", "acknowledged, one after another");
  if (role === "pub")
    command.option("--request", "wait for an echo of each; the other side needs --reply");
  if (role === "sub") command.option("--reply", "echo what comes");
  command.action(
    run(async (output, options: BenchOptions) => {
      const { runBench } = await import("./run-bench.ts");
      await runBench(output, role, options, flags());
    }),
  );
}
