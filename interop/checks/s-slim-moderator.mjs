// Gate B4: ours as the moderator of released apps, and of its own kind.
import { groupStory } from "../lib/slim-group-story.mjs";
import { forEachCore } from "../lib/slim-matrix.mjs";

export default async function run({ node, check }) {
  await forEachCore(node, async ({ core, mls, url, title }) => {
    const say = (what, kinds) => groupStory({ check, title: `${title}, ${what}`, kinds, url, mls });
    await Promise.all([
      say("two natives", ["ours", core, core]),
      say("a native and ours", ["ours", core, "ours"]),
    ]);
  });
  await forEachCore(
    node,
    ({ mls, url, title }) =>
      groupStory({
        check,
        title: `${title}, ours alone`,
        kinds: ["ours", "ours", "ours"],
        url,
        mls,
      }),
    { only: ["core 2.2"] },
  );
}
