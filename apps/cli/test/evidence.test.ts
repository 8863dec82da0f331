import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { filesHolding } from "../src/demo/evidence.ts";
import { Transcript } from "../src/demo/transcript.ts";

test("the search of the disk finds a text wherever it stands, and nothing where it does not", () => {
  const folder = mkdtempSync(join(tmpdir(), "coterie-evidence-"));
  try {
    mkdirSync(join(folder, "deep"));
    writeFileSync(
      join(folder, "deep", "a"),
      Buffer.concat([Buffer.of(0, 255), Buffer.from("the old mill")]),
    );
    writeFileSync(join(folder, "b"), "nothing here");
    const found = filesHolding(folder, ["old mill", "bridge"]);
    expect(found).toMatchObject({ files: 2, hits: [join("deep", "a")] });
    expect(filesHolding(folder, ["bridge"]).hits).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the transcript counts what held and what did not", () => {
  const lines: string[] = [];
  const paper = new Transcript({ write: (text: string) => lines.push(text) > 0 } as never);
  paper.check("holds", true);
  paper.check("breaks", false, "because");
  expect([paper.held, paper.broken]).toEqual([1, 1]);
  expect(lines.join("")).toContain("✗ breaks: because");
});
