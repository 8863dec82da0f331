// The released native node under a controller: node slim-controlled-node.mjs CORE CONFIG. Says that it is ready; ends with its stdin.
const packages = {
  "core 2.2": "@agntcy/slim-bindings-linux-x64-gnu",
  "core 2.0 alpha": "@agntcy/slim-bindings",
};
const [core, config] = process.argv.slice(2);
const native = await import(packages[core]);
const slim = { ...native.default, ...native };
// starts what the file names, and holds it
slim.initializeFromConfigWithError(config);
const service = slim.getGlobalService();
console.log(JSON.stringify({ ready: true }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(service === undefined ? 1 : 0));
