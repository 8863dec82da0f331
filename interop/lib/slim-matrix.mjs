import { cores } from "./slim-kinds.mjs";
import { sharedNativeNode } from "./slim-hosts.mjs";

/** Each released core with MLS and without, on a node of ours and on its own: a story for each of them, all at once. */
export async function forEachCore(node, story, { nodes = ["ours", "native"], only = cores } = {}) {
  const runs = [];
  for (const core of only) {
    for (const where of nodes) {
      const at = where === "ours" ? node : await sharedNativeNode(core);
      for (const mls of [100, undefined]) {
        const title = `${core}, ${mls === undefined ? "plain" : "mls"}, ${where === "ours" ? "our" : "its"} node`;
        runs.push(story({ core, mls, title, url: at.slimUrl, where }));
      }
    }
  }
  await Promise.all(runs);
}
