// The released native node, for comparison: prints its address once it listens. Needs interop/ to be installed.
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const installed = createRequire(
  fileURLToPath(new URL("../../interop/package.json", import.meta.url)),
);
const released = "@agntcy/slim-bindings-linux-x64-gnu";
const native = await import(pathToFileURL(installed.resolve(released)).href);
const slim = { ...native.default, ...native };
slim.initializeWithDefaults?.();
const port = 20_000 + Math.floor(Math.random() * 20_000);
const service = new slim.Service("bench-node");
await service.runServerAsync(slim.newInsecureServerConfig(`127.0.0.1:${port}`));
console.log(`http://127.0.0.1:${port}`);
setInterval(() => {}, 60_000);
