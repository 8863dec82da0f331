#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { CoterieError } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import { parseCommand, usage } from "./config.ts";
import type { Command, Config } from "./config.ts";
import { createLogger } from "./logger.ts";
import { startFromFile } from "./from-file.ts";
import type { RunningFile } from "./from-file.ts";
import { startNode } from "./server.ts";
import { loadYamlFile } from "./yaml/load.ts";
import { readNodeFile } from "./yaml/node-file.ts";

const command = readCommand();
if (command.kind === "help") process.stdout.write(usage);
else if (command.kind === "version") process.stdout.write(`${version()}\n`);
else if (command.kind === "file") await runFile(command.path);
else {
  const { config } = command;
  const { logLevel, graceMs, data } = config;
  await run({ logLevel, graceMs, data, start: (logger) => startNode({ ...config, logger }) });
}

function readCommand(): Command {
  try {
    return parseCommand(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

async function runFile(path: string): Promise<void> {
  try {
    const loaded = loadYamlFile(path);
    const file = readNodeFile(loaded);
    const { logLevel = "info", graceMs = 5_000, data } = file;
    await run({
      logLevel,
      graceMs,
      data,
      start(logger) {
        if (loaded.notes.length > 0) {
          logger.write("warn", "node.keys-without-effect", { keys: loaded.notes });
        }
        return startFromFile(file, logger);
      },
    });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

interface Run extends Pick<Config, "logLevel" | "graceMs"> {
  readonly data: string | undefined;
  readonly start: (logger: Logger) => Promise<RunningFile>;
}

async function run(config: Run): Promise<void> {
  const logger = createLogger(config.logLevel);
  let askedAt: number | undefined;
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        // one Ctrl-C may arrive twice, from the terminal and through npm; whoever asks again later does not want to wait
        if (askedAt !== undefined && Date.now() - askedAt > 1000) process.exit(1);
        askedAt ??= Date.now();
        resolve(signal);
      });
    }
  });
  process.on("uncaughtException", (error) => {
    logger.write("error", "node.crashed", { error });
    process.exit(1);
  });
  // a reader that went away must not take the node with it
  process.stdout.on("error", () => {});
  try {
    const node = await config.start(logger);
    const { xmtp, slim, slimServers, control, admin, history } = node;
    logger.write("info", "node.ready", {
      xmtp,
      slim: slimServers,
      control,
      admin,
      history,
      data: config.data,
      version: version(),
    });
    process.stdout.write(
      `${JSON.stringify({ ready: true, xmtp, slim, control, admin, history, pid: process.pid })}\n`,
    );
    const signal = await stopped;
    logger.write("info", "node.stopping", { signal, graceMs: config.graceMs });
    await node.close({ graceMs: config.graceMs });
    logger.write("info", "node.stopped", {});
    process.exit(0);
  } catch (error) {
    const words = error instanceof CoterieError ? `${error.code}: ${error.message}` : String(error);
    if (config.logLevel === "silent") process.stderr.write(`${words}\n`);
    else logger.write("error", words, { error });
    process.exit(1);
  }
}

function version(): string {
  const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return String((JSON.parse(file) as { version: unknown }).version);
}
