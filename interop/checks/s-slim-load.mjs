// Gate B12: 1,000 messages of 16 KiB, pipelined, in groups of three, without loss and without growth of the node's memory.
import { readFileSync } from "node:fs";
import { assert } from "../lib/check.mjs";
import { cores } from "../lib/slim-kinds.mjs";
import { openTeam } from "../lib/slim-team.mjs";

const size = 16_384;
const batch = 250;

export default async function run({ node, check }) {
  const memory = () =>
    process.platform === "linux"
      ? Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${node.pid}/status`, "utf8"))[1]) / 1024
      : 0;
  for (const core of cores) {
    for (const mls of [100, undefined]) {
      for (const [who, kinds] of [
        ["ours publishes", ["ours", core, "ours"]],
        ["a released app publishes", [core, "ours", core]],
      ]) {
        const title = `${core}, ${mls === undefined ? "plain" : "mls"}: ${who} 1,000 times 16 KiB`;
        await check(title, async () => {
          const team = await openTeam({
            kinds,
            url: node.slimUrl,
            mls,
            interval: 5000,
            retries: 10,
          });
          const [from, ...to] = team.sessions;
          const after = [];
          for (let sent = 0; sent < 1000; sent += batch) {
            await from.publishMany({ count: batch, size });
            for (const session of to) {
              const items = await session.readMany(batch);
              assert.deepEqual(
                [items.length, items.every((item) => item.size === size)],
                [batch, true],
              );
            }
            after.push(memory());
          }
          await team.end();
          assert.ok(after[3] < after[0] + 48, `the node's memory in MB: ${after.map(Math.round)}`);
        });
      }
    }
  }
}
