import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

interface Allocation {
  readonly seal: number;
  readonly open: number;
}

interface Report {
  readonly heap: {
    readonly created: number;
    readonly joined: number;
    readonly restored: number;
    readonly epochBytes: number;
  };
  readonly allocation: Readonly<Record<"100" | "4000", Allocation>>;
}

let report: Report | undefined;

function measured(): Report {
  if (report !== undefined) return report;
  const script = fileURLToPath(new URL("memory-child.ts", import.meta.url));
  const flags = [
    "--conditions=@coterie/source",
    "--experimental-strip-types",
    "--no-warnings",
    "--expose-gc",
    // Nothing is collected while allocations are counted.
    "--min-semi-space-size=64",
    "--max-semi-space-size=64",
  ];
  const run = spawnSync(process.execPath, [...flags, script], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  report = JSON.parse(run.stdout) as Report;
  console.log(run.stdout.trim());
  return report;
}

test("size: a group of 1,000 takes less than 3 MB of memory, created, joined or restored, and its epoch entry less than 450 KB", () => {
  const { heap } = measured();
  expect(heap.joined).toBeLessThan(3_000_000);
  expect(heap.created).toBeLessThan(3_000_000);
  expect(heap.restored).toBeLessThan(3_000_000);
  expect(heap.joined).toBeGreaterThan(200_000);
  expect(heap.epochBytes).toBeLessThan(450_000);
});

test("size: what one application message allocates does not grow with the group, but for its way through a tree", () => {
  const { allocation } = measured();
  // Five more levels, and a node copied on each. A pointer for each of 4,000 would be 32 KB.
  expect(allocation["4000"].seal - allocation["100"].seal).toBeLessThan(16_384);
  expect(allocation["4000"].open - allocation["100"].open).toBeLessThan(16_384);
  expect(allocation["4000"].open).toBeLessThan(64_000);
});
