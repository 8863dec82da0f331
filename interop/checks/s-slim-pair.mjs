// Gate B5: point-to-point sessions in both directions.
import { forEachCore } from "../lib/slim-matrix.mjs";
import { pairStory } from "../lib/slim-pair-story.mjs";

export default async function run({ node, check }) {
  await forEachCore(node, async ({ core, mls, url, title }) => {
    const say = (what, kinds) => pairStory({ check, title: `${title}, ${what}`, kinds, url, mls });
    await Promise.all([
      say("ours asks", ["ours", core]),
      say("ours is asked", [core, "ours"]),
      say("natives alone", [core, core]),
    ]);
  });
}
