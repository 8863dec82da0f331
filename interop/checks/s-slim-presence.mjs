// Gate B7: heartbeats, members that go offline by a word or without one, and come back.
import { forEachCore } from "../lib/slim-matrix.mjs";
import { cameAgainStory, silenceStory, softCloseStory } from "../lib/slim-presence-story.mjs";

export default async function run({ node, check }) {
  // all at once: most of it is waiting for three heartbeats that do not come
  await forEachCore(node, async ({ core, mls, url, title, where }) => {
    const crews = [
      ["ours moderates", ["ours", core, core]],
      ["ours goes and comes", [core, "ours", core]],
      // what released apps do among themselves, for comparison
      ...(where === "ours" ? [["natives alone", [core, core, core]]] : []),
    ];
    const again = [
      ["ours away", [core, "ours", core]],
      ["ours away and moderates", ["ours", "ours", core]],
      ["ours comes again", [core, core, "ours"]],
    ];
    const oneByOne = async () => {
      // the others begin together, and then mostly wait
      await new Promise((resolve) => setTimeout(resolve, 8_000));
      for (const [what, kinds] of again) {
        await cameAgainStory({ check, title: `${title}, ${what}`, kinds, url, mls });
      }
    };
    await Promise.all([
      oneByOne(),
      ...crews.flatMap(([what, kinds]) => {
        const one = { check, title: `${title}, ${what}`, kinds, url, mls };
        return [
          softCloseStory(one),
          silenceStory({ ...one, missed: false }),
          silenceStory({ ...one, title: `${one.title}, an invitation missed`, missed: true }),
        ];
      }),
    ]);
  });
}
