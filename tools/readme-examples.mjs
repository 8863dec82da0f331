#!/usr/bin/env node
// Runs the example of every README: the TypeScript blocks whose first line is `// example`. Each is written into a folder inside its
// package, type-checked under the workspace's own options and run from source, so that what a reader copies works.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const homes = ["packages", "apps"]
  .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name)))
  .filter((dir) => existsSync(join(dir, "package.json")));
/** A guide to one package resolves from it; others from an app that has nearly all. */
const packageOf = { slim: "session", "slim-identity": "session", "slim-rpc": "session" };
function guideHome(name) {
  const guide = name.replace(/\.md$/, "");
  const own = join(root, "packages", packageOf[guide] ?? guide);
  return existsSync(own) ? own : join(root, "apps/cli");
}
const pages = [
  // The front page's example uses client and node, so it resolves from an app that has both.
  { page: join(root, "README.md"), home: join(root, "apps/cli") },
  ...readdirSync(join(root, "docs/guides"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => ({ page: join(root, "docs/guides", name), home: guideHome(name) })),
  ...homes.map((home) => ({ page: join(home, "README.md"), home })),
];

let failed = 0;
let passed = 0;
const run = (command, args, cwd) => spawnSync(command, args, { cwd, encoding: "utf8" });

for (const { page, home } of pages) {
  const name = relative(root, page);
  if (!existsSync(page)) {
    console.error(`${name}: missing`);
    failed++;
    continue;
  }
  const blocks = [...readFileSync(page, "utf8").matchAll(/```ts\n(\/\/ example[\s\S]*?)```/g)].map(
    (match) => match[1],
  );
  if (blocks.length === 0 && home.includes("packages") && !home.endsWith("testkit")) {
    console.error(`${name}: no block starts with "// example"`);
    failed++;
  }
  const folder = join(home, ".readme");
  rmSync(folder, { recursive: true, force: true });
  for (const [index, block] of blocks.entries()) {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `example-${index}.ts`);
    writeFileSync(file, block);
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: join(root, "tsconfig.base.json"),
        compilerOptions: {
          noEmit: true,
          composite: false,
          isolatedDeclarations: false,
          declaration: false,
          declarationMap: false,
          sourceMap: false,
          types: ["node"],
          typeRoots: [join(root, "node_modules/@types")],
        },
        files: [file],
      }),
    );
    const compiled = run("tsc", ["-p", folder], home);
    const ran =
      compiled.status === 0
        ? run(
            process.execPath,
            [
              "--experimental-strip-types",
              "--conditions=@coterie/source",
              "--disable-warning=ExperimentalWarning",
              file,
            ],
            home,
          )
        : compiled;
    if (ran.status === 0) passed++;
    else {
      failed++;
      console.error(`${name}, example ${index + 1}:\n${ran.stdout}${ran.stderr}`);
    }
  }
}
console.log(`readme examples: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
