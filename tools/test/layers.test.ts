import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const project = join(import.meta.dirname, "../..");
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), "coterie-layers-"));
  for (const folder of ["packages", "apps"]) {
    cpSync(join(project, folder), join(copy, folder), {
      recursive: true,
      filter: (source) => !/node_modules|dist$/.test(source),
    });
  }
  mkdirSync(join(copy, "tools"));
  symlinkSync(join(project, "node_modules"), join(copy, "node_modules"));
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

const check = () => {
  const run = spawnSync(process.execPath, [join(project, "tools/layers.mjs"), copy], {
    encoding: "utf8",
  });
  return { status: run.status, said: run.stderr };
};
const plant = (file: string, text: string) => writeFileSync(join(copy, file), text);

test("the tree as it stands holds its layers", () => {
  expect(check()).toEqual({ status: 0, said: "" });
});

test("an import that goes up a layer fails", () => {
  plant(
    "packages/policy/src/planted.ts",
    'import { Client } from "@coterie/client";\nexport { Client };\n',
  );
  const { status, said } = check();
  expect(status).toBe(1);
  expect(said).toContain("import goes up: policy (layer 1) → client (layer 3)");
});

test("an import that goes sideways fails", () => {
  plant("packages/policy/src/planted.ts", 'export type { Store } from "@coterie/storage";\n');
  const { status, said } = check();
  expect(status).toBe(1);
  expect(said).toContain("import goes sideways: policy → storage");
});

test("an import past a package's entry points fails, by name or by path", () => {
  plant(
    "packages/mls/src/planted.ts",
    'import "@coterie/crypto/src/labels.ts";\nimport "../../crypto/src/labels.ts";\n',
  );
  const { status, said } = check();
  expect(status).toBe(1);
  expect(said).toContain("past the entry points of @coterie/crypto");
  expect(said).toContain("relative import leaves the package");
});

test("a circle between files fails, types included", () => {
  plant(
    "packages/base/src/one.ts",
    'import type { Two } from "./two.ts";\nexport type One = Two;\n',
  );
  plant(
    "packages/base/src/two.ts",
    'import type { One } from "./one.ts";\nexport type Two = One;\n',
  );
  const { status, said } = check();
  expect(status).toBe(1);
  expect(said).toMatch(/circle: .*one\.ts → .*two\.ts → .*one\.ts/);
});

test("a node module behind an entry for browsers fails", () => {
  plant("packages/base/src/index.ts", 'export { readFileSync } from "node:fs";\n');
  const { status, said } = check();
  expect(status).toBe(1);
  expect(said).toContain("node:fs is reached from @coterie/base");
});
