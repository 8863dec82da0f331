import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createH2Transport } from "@coterie/transport/h2";
import { SortDirection } from "@coterie/wire";
import type { GroupMessageV1 } from "@coterie/wire";
import type { Transport } from "@coterie/transport";
import { launch } from "./node-process.ts";
import { contentOf, query, send } from "./world.ts";

const rounds = Number(process.env["COTERIE_CRASH_ROUNDS"] ?? 20);
const groups = [1, 2, 3] as const;

/** Where in a round the node dies, in acknowledged messages: early, late, and never at the same place twice. */
const deathAfter = (round: number): number => 5 + ((round * 37) % 90);

async function readAll(client: Transport, group: number): Promise<GroupMessageV1[]> {
  const all: GroupMessageV1[] = [];
  for (let idCursor = 0n; ;) {
    const page = await query(client, group, { direction: SortDirection.ascending, idCursor });
    all.push(...page.messages);
    idCursor = page.paging.idCursor;
    if (idCursor === 0n) return all;
  }
}

test(
  `XND-33: what was acknowledged survives ${rounds} deaths under load, in order and once`,
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "coterie-crash-"));
    const acknowledged = new Map<number, Set<number>>(groups.map((group) => [group, new Set()]));
    let content = 0;
    try {
      for (let round = 0; round <= rounds; round++) {
        const node = launch("--data", folder, "--xmtp", "127.0.0.1:0", "--log-level", "silent");
        const client = createH2Transport({ url: (await node.ready).xmtp });
        try {
          for (const group of groups) {
            const all = await readAll(client, group);
            const contents = all.map(contentOf);
            expect(new Set(contents).size).toBe(contents.length);
            for (const wanted of acknowledged.get(group) ?? []) expect(contents).toContain(wanted);
            all.slice(1).forEach((message, at) => {
              expect(message.id > (all[at]?.id as bigint)).toBe(true);
              expect(message.createdNs > (all[at]?.createdNs as bigint)).toBe(true);
            });
          }
          if (round === rounds) break;
          let count = 0;
          const publisher = async (): Promise<void> => {
            for (;;) {
              const group = groups[content % groups.length] as number;
              const mine = content++;
              await send(client, { group, content: mine });
              acknowledged.get(group)?.add(mine);
              if (++count === deathAfter(round)) node.child.kill("SIGKILL");
            }
          };
          const outcomes = await Promise.allSettled(Array.from({ length: 8 }, publisher));
          expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
        } finally {
          await client.close();
          node.child.kill("SIGKILL");
          await node.ended;
        }
      }
      expect([...acknowledged.values()].reduce((sum, { size }) => sum + size, 0)).toBeGreaterThan(
        rounds * 5,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
