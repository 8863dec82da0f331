// Gate B13: hand-over among our own apps with natives in the group, and history for our newcomers beside them.
import { forEachCore } from "../lib/slim-matrix.mjs";
import { handOverStory, historyStory, lossStory } from "../lib/slim-succession-story.mjs";

export default async function run({ node, check }) {
  // all at once: most of it is waiting for a moderator that does not come back
  await forEachCore(node, async ({ core, mls, url, title }) => {
    const one = { check, core, url, mls };
    await Promise.all([
      handOverStory({ ...one, title: `${title}, handed over` }),
      lossStory({ ...one, title: `${title}, lost` }),
      historyStory({ ...one, title: `${title}, history` }),
    ]);
  });
}
