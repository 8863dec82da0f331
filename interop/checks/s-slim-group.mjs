// Gates B2, B3 and B4: the life of a group, whoever moderates it, on a node of ours and on a released one.
import { groupStory } from "../lib/slim-group-story.mjs";
import { forEachCore } from "../lib/slim-matrix.mjs";

export default async function run({ node, check }) {
  await forEachCore(node, ({ core, mls, url, title }) =>
    groupStory({ check, title: `${title}, natives alone`, kinds: [core, core, core], url, mls }),
  );
}
