// Gate B6: a way between apps and node that loses, doubles, delays and swaps messages.
import { lossStory } from "../lib/slim-loss-story.mjs";
import { forEachCore } from "../lib/slim-matrix.mjs";

export default async function run({ node, check }) {
  const crews = [
    ["ours moderates", (core) => ["ours", core, core], { nodes: ["ours"] }],
    ["ours among natives", (core) => [core, "ours", core], { nodes: ["native"] }],
    ["ours alone", () => ["ours", "ours", "ours"], { nodes: ["ours"], only: ["core 2.2"] }],
    // The proxy itself: with released apps and nobody else on a released node it may only do what it is told.
    ["natives alone", (core) => [core, core, core], { nodes: ["native"] }],
  ];
  for (const [what, kinds, more] of crews) {
    await forEachCore(
      node,
      ({ core, mls, url, title }) =>
        lossStory({ check, title: `${title}, ${what}`, kinds: kinds(core), url, mls }),
      more,
    );
  }
}
