// Gate B3: ours as a participant of a group that a released app moderates, invited before and after another released one.
import { groupStory } from "../lib/slim-group-story.mjs";
import { forEachCore } from "../lib/slim-matrix.mjs";

export default async function run({ node, check }) {
  await forEachCore(node, async ({ core, mls, url, title }) => {
    const say = (what, kinds) => groupStory({ check, title: `${title}, ${what}`, kinds, url, mls });
    await Promise.all([
      say("ours invited first", [core, "ours", core]),
      say("ours invited second", [core, core, "ours"]),
    ]);
  });
  // what released apps do among themselves, for comparison
  await forEachCore(
    node,
    ({ core, mls, url, title }) =>
      groupStory({ check, title: `${title}, natives alone`, kinds: [core, core, core], url, mls }),
    { nodes: ["ours"] },
  );
}
