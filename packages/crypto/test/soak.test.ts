import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("generating and exporting keys under constant collection never waits for a lock that nobody releases", () => {
  const script = fileURLToPath(new URL("soak.mjs", import.meta.url));
  const flags = ["--conditions=@coterie/source", "--experimental-strip-types", "--no-warnings"];
  const run = spawnSync(process.execPath, [...flags, "--expose-gc", script], {
    encoding: "utf8",
    timeout: 60_000,
    env: { PATH: process.env["PATH"] },
  });
  expect(run.stderr).toBe("");
  expect(run.signal).toBeNull();
  expect(run.stdout).toContain("generated 900");
}, 90_000);
