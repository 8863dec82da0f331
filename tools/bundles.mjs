#!/usr/bin/env node
// Bundles what a browser would load of each package, minified, and prints the sizes. Fails where a node module would be needed, and where a
// bundle outgrew what it may have, gzipped.
// `node tools/bundles.mjs [--json]`
import { gzipSync } from "node:zlib";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const all = (...names) => names.map((name) => `export * from "@coterie/${name}";`).join("\n");
const bundles = [
  ["base", "base", all("base")],
  ["policy", "policy", all("policy")],
  ["wire", "wire", all("wire")],
  ["crypto: port, HPKE, X-Wing, labels", "crypto", all("crypto")],
  ["crypto with the noble provider", "crypto", all("crypto", "crypto/noble")],
  ["mls without a provider", "mls", all("mls")],
  [
    "mls with the noble provider",
    "mls",
    `${all("mls")}\nexport { nobleProvider } from "@coterie/crypto/noble";`,
  ],
  ["transport by fetch", "transport", all("transport", "transport/grpc-web")],
  ["storage in memory and in IndexedDB", "storage", all("storage", "storage/indexeddb")],
  ["dataplane", "dataplane", all("dataplane")],
  ["session for browsers, everything in it", "session", all("session")],
  ["client for browsers, everything in it", "client", all("client", "client/browser")],
  [
    "mls with noble's Curve25519",
    "mls",
    `${all("mls")}\nexport { noble25519Provider } from "@coterie/crypto/noble-25519";`,
    60_000,
  ],
  [
    "client with the noble provider",
    "client",
    `${all("client")}\nexport { nobleProvider } from "@coterie/crypto/noble";`,
  ],
];

const rows = [];
for (const [name, home, contents, most] of bundles) {
  const result = await build({
    stdin: { contents, resolveDir: join(root, "packages", home), loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: "browser",
    format: "esm",
    target: "es2023",
    conditions: ["@coterie/source"],
    logLevel: "silent",
  }).catch((error) => {
    console.error(`${name}: cannot be bundled for a browser`);
    for (const { text, location } of error.errors ?? [])
      console.error(`  ${location?.file}: ${text}`);
    process.exitCode = 1;
    return undefined;
  });
  if (!result) continue;
  const [{ contents: code }] = result.outputFiles;
  const gzipped = gzipSync(code, { level: 9 }).length;
  rows.push({ name, minified: code.length, gzipped });
  if (gzipped > most) {
    console.error(`${name}: ${gzipped} bytes gzipped, of ${most} at most`);
    process.exitCode = 1;
  }
}
if (process.argv.includes("--json")) console.log(JSON.stringify(rows));
else {
  for (const { name, minified, gzipped } of rows) {
    console.log(
      `${name.padEnd(40)} ${(minified / 1000).toFixed(1).padStart(7)} kB minified ${(gzipped / 1000).toFixed(1).padStart(7)} kB gzipped`,
    );
  }
}
