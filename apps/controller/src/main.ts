#!/usr/bin/env node
import { CoterieError, silentLog } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import { parseCommand, usage } from "./config.ts";
import type { Command } from "./config.ts";
import { startController } from "./server.ts";

/** JSON lines on stderr. */
const lines: Logger = {
  write(level, event, fields = {}) {
    if (level === "debug") return;
    process.stderr.write(`${JSON.stringify({ level, event, ...fields }, plainly)}\n`);
  },
};

const command = readCommand();
if (command.kind === "help") process.stdout.write(usage);
else await run(command);

function readCommand(): Command {
  try {
    return parseCommand(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

async function run({ options, quiet }: Extract<Command, { kind: "run" }>): Promise<void> {
  try {
    const logger = quiet ? silentLog : lines;
    const controller = await startController({ ...options, logger });
    const { southbound, northbound, channelManager } = controller;
    process.stdout.write(
      `${JSON.stringify({ ready: true, southbound, northbound, channelManager, pid: process.pid })}\n`,
    );
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => void controller.close().then(() => process.exit(0)));
    }
  } catch (error) {
    const words = error instanceof CoterieError ? `${error.code}: ${error.message}` : String(error);
    process.stderr.write(`${words}\n`);
    process.exit(1);
  }
}

function plainly(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Error ? value.message : value;
}
