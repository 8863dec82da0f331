// Gate B7: heartbeats, members that go offline by a word or without one, and come back.
import { forEachCore } from "../lib/slim-matrix.mjs";
import { silenceStory, softCloseStory } from "../lib/slim-presence-story.mjs";

export default async function run({ node, check }) {
  // all at once: most of it is waiting for three heartbeats that do not come
  await forEachCore(node, ({ core, mls, url, title }) => {
    const one = { check, title: `${title}, natives alone`, kinds: [core, core, core], url, mls };
    return Promise.all([
      softCloseStory(one),
      silenceStory({ ...one, missed: false }),
      silenceStory({ ...one, title: `${one.title}, an invitation missed`, missed: true }),
    ]);
  });
}
