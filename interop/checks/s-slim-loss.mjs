// Gate B6: a way between apps and node that loses, doubles, delays and swaps messages.
import { lossStory } from "../lib/slim-loss-story.mjs";
import { forEachCore } from "../lib/slim-matrix.mjs";

export default async function run({ node, check }) {
  // First the proxy itself: with released apps and nobody else on a released node it may only do what it is told.
  await forEachCore(
    node,
    ({ core, mls, url, title }) =>
      lossStory({ check, title: `${title}, natives alone`, kinds: [core, core, core], url, mls }),
    { nodes: ["native"] },
  );
}
