#!/usr/bin/env node
// Everything that is generated and checked in. `--check` writes nothing and fails where a file differs.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
for (const tool of ["proto.mjs", "errors.mjs"]) {
  const { status } = spawnSync(process.execPath, [join(here, tool), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}
