#!/usr/bin/env node
// Serves the built page with a strict policy: it may load itself, and talk to one node.
// `node serve.mjs [--node URL] [--port N] [--host HOST]`
import { createServer } from "node:http";
import { readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const dist = fileURLToPath(new URL("dist", import.meta.url));
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** The headers of every answer. WebAssembly may be compiled, scripts may not be made out of text. */
export function policy(nodeUrl) {
  return {
    "content-security-policy": [
      "default-src 'none'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ${new URL(nodeUrl).origin}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ].join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
  };
}

/** Starts the server; resolves with its address once it listens. */
export async function serve({ nodeUrl, port = 0, host = "127.0.0.1" }) {
  // Read once: what is not in the folder now is never served.
  const files = new Map(
    readdirSync(dist, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(dist.length).replaceAll("\\", "/"), readFileSync(path)]),
  );
  files.set("/config.json", Buffer.from(JSON.stringify({ nodeUrl })));
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").replace(/[?#].*$/, "");
    const name = path === "/" ? "/index.html" : path;
    const file = request.method === "GET" ? files.get(name) : undefined;
    response.writeHead(file ? 200 : 404, {
      ...policy(nodeUrl),
      "content-type": file ? types[extname(name)] : "text/plain",
    });
    response.end(file ?? "not found\n");
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${host}:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      node: { type: "string", default: "http://127.0.0.1:5556" },
      port: { type: "string", default: "5173" },
      host: { type: "string", default: "127.0.0.1" },
    },
  });
  const { url } = await serve({
    nodeUrl: values.node,
    port: Number(values.port),
    host: values.host,
  });
  console.log(`${url} (the node needs --web-origin ${url})`);
}
