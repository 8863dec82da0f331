import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

async function bundle(contents: string) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL("..", import.meta.url)), loader: "ts" },
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2023",
    conditions: ["@coterie/source"],
    logLevel: "silent",
  });
  const code = outputFiles[0]?.contents as Uint8Array;
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const inputs = Object.keys(metafile.inputs);
  return { size: code.length, gzipped: gzipSync(code, { level: 9 }).length, inputs, imports };
}

const entries = [
  { path: "@coterie/crypto", noble: false },
  { path: "@coterie/crypto/noble", noble: true },
  { path: "@coterie/crypto/noble-25519", noble: true },
];

test.each(entries)("$path bundles for a browser without any module of Node", async (entry) => {
  // esbuild fails the build on a module that a browser lacks.
  const { size, gzipped, inputs, imports } = await bundle(
    `export * from ${JSON.stringify(entry.path)};`,
  );
  console.log(`${entry.path}: ${size} bytes minified, ${gzipped} gzipped`);
  expect(inputs.some((input) => input.includes("/openssl"))).toBe(false);
  expect(inputs.some((input) => input.includes("@noble"))).toBe(entry.noble);
  expect(imports).toEqual([]);
});

test("@coterie/crypto/openssl does need Node", async () => {
  const asked = bundle(`export * from "@coterie/crypto/openssl";`);
  await expect(asked).rejects.toThrow(/node:crypto/);
});
