import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("../e2e/run.mjs", import.meta.url));

// A step of its own in .ci/run, because it needs a browser and built packages.
test.skipIf(process.env["COTERIE_E2E"] === undefined)(
  "the page in a real Chromium (npm run e2e, or COTERIE_E2E=1)",
  async () => {
    const child = spawn(process.execPath, [program], { stdio: "inherit" });
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
  },
  600_000,
);
