#!/usr/bin/env node
import { parseArgs } from "node:util";
import { CoterieError } from "@coterie/base";
import type { Log } from "@coterie/base";
import { loadYamlFile } from "@coterie/node/yaml";
import { readManagerConfig } from "./config.ts";
import { startChannelManager } from "./start.ts";

const usage = "usage: channel-manager --config-file FILE\n";

/** JSON lines on stderr. */
const log: Log = {
  write(level, event, fields = {}) {
    if (level === "debug") return;
    process.stderr.write(`${JSON.stringify({ level, event, ...fields }, plainly)}\n`);
  },
};

function plainly(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Error ? value.message : value;
}

const file = readFile();
try {
  const manager = await startChannelManager(readManagerConfig(loadYamlFile(file)), log);
  const { api, name } = manager;
  process.stdout.write(`${JSON.stringify({ ready: true, api, name, pid: process.pid })}\n`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      void manager.close().then(() => process.exit(0));
    });
  }
} catch (error) {
  const words = error instanceof CoterieError ? error.message : String(error);
  process.stderr.write(`Error: ${words}\n`);
  process.exit(1);
}

function readFile(): string {
  try {
    const { values } = parseArgs({
      options: {
        "config-file": { type: "string", short: "c" },
        config: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help === true) {
      process.stdout.write(usage);
      process.exit(0);
    }
    const given = values["config-file"] ?? values.config;
    if (given !== undefined) return given;
  } catch {
    // Whatever else was typed is answered by how it is done.
  }
  process.stderr.write(usage);
  process.exit(2);
}
