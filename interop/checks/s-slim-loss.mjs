// Gate B6: a way between apps and node that loses, doubles, delays and swaps messages.
import { lossStory } from "../lib/slim-loss-story.mjs";
import { sharedNativeNode } from "../lib/slim-hosts.mjs";
import { forEachCore } from "../lib/slim-matrix.mjs";

export default async function run({ node, check }) {
  const crews = [
    ["ours moderates", (core) => ["ours", core, core], { nodes: ["ours"] }],
    ["ours among natives", (core) => [core, "ours", core], { nodes: ["native"] }],
    ["ours alone", () => ["ours", "ours", "ours"], { nodes: ["ours"], only: ["core 2.2"] }],
  ];
  // The proxy itself: with released apps and nobody else on a released node it may only do what it is told.
  const core = "core 2.2";
  const { slimUrl: url } = await sharedNativeNode(core);
  // What becomes of a change that they lose is their own affair, and now and then it is lost.
  const own = { title: "natives alone", kinds: [core, core, core], interval: 1000, talkOnly: true };
  const proof = lossStory({ check, url, mls: 100, ...own });
  for (const [what, kinds, more] of crews) {
    await forEachCore(
      node,
      ({ core, mls, url, title }) =>
        lossStory({ check, title: `${title}, ${what}`, kinds: kinds(core), url, mls }),
      more,
    );
  }
  await proof;
}
