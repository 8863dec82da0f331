// Gate B5: point-to-point sessions in both directions.
import { forEachCore } from "../lib/slim-matrix.mjs";
import { pairStory } from "../lib/slim-pair-story.mjs";

export default async function run({ node, check }) {
  await forEachCore(node, ({ core, mls, url, title }) =>
    pairStory({ check, title: `${title}, natives alone`, kinds: [core, core], url, mls }),
  );
}
