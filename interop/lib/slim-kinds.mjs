/** The two released native cores, unmodified, and ours. One native core a process: two do not share one. */
const packages = {
  "core 2.2": "@agntcy/slim-bindings-linux-x64-gnu",
  "core 2.0 alpha": "@agntcy/slim-bindings",
};
export const cores = Object.keys(packages);

/** What an app is written with: the names are those of the bindings on either side. */
export async function bindings(kind) {
  if (kind === "ours") {
    return import(new URL("../../packages/session/dist/node.js", import.meta.url).href);
  }
  const native = await import(packages[kind]);
  const slim = { ...native.default, ...native };
  slim.initializeWithDefaults?.();
  return slim;
}

/** Calls over sessions: with ours an entry of its own, with the natives beside everything else. */
export async function rpcOf(kind) {
  if (kind === "ours") {
    return import(new URL("../../packages/session/dist/rpc/index.js", import.meta.url).href);
  }
  const native = await import(packages[kind]);
  return { ...native.default?.slim_rpc, ...native };
}
