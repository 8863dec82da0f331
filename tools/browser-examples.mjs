#!/usr/bin/env node
// Runs in Chromium, bundled from source, the same examples that tools/readme-examples.mjs runs in Node: those of packages whose examples need
// nothing but what a browser has.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { launchChromium } from "./lib/chromium.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const pages = [
  { page: "packages/mls/README.md", home: "packages/mls" },
  { page: "docs/guides/mls.md", home: "packages/mls" },
  { page: "packages/base/README.md", home: "packages/base" },
  { page: "packages/policy/README.md", home: "packages/policy" },
  { page: "packages/wire/README.md", home: "packages/wire" },
];

async function bundled(contents, home) {
  const result = await build({
    stdin: { contents, resolveDir: join(root, home), loader: "ts" },
    bundle: true,
    write: false,
    platform: "browser",
    format: "esm",
    target: "es2023",
    conditions: ["@coterie/source"],
    logLevel: "silent",
  });
  return result.outputFiles[0].text;
}

let passed = 0;
let failed = 0;
const { context, close } = await launchChromium();
try {
  for (const { page, home } of pages) {
    const text = readFileSync(join(root, page), "utf8");
    const blocks = [...text.matchAll(/```ts\n(\/\/ example[\s\S]*?)```/g)].map(
      ([, block]) => block,
    );
    if (blocks.length === 0) {
      failed++;
      console.error(`${page}: no block starts with "// example"`);
    }
    for (const block of blocks) {
      const tab = await context.newPage();
      try {
        const code = await bundled(block, home);
        await tab.evaluate(async (source) => {
          const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
          await import(url);
        }, code);
        passed++;
      } catch (error) {
        failed++;
        console.error(`${page}: ${error.stack ?? error}`);
      }
      await tab.close();
    }
  }
} finally {
  await close();
}
console.log(`browser examples: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
