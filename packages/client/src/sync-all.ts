import type { ConversationParts } from "./conversation-messages.ts";
import type { ConsentState } from "./enums.ts";
import { ClientError } from "./errors.ts";
import type { Cell } from "./groups.ts";
import { wantedConsents } from "./list-conversations.ts";
import { isBehind } from "./read-again.ts";
import { eachLimited } from "./run.ts";

/** Conversations that one request asks after. */
const perRequest = 100;

export interface SyncAllOutcome {
  readonly numEligible: number;
  readonly numSynced: number;
}

/**
 * XIN-20: welcomes, then every conversation that has news. What is known already is asked after while the welcomes come, and what they led into
 * afterwards: a conversation that a welcome began anew reads its log from another place.
 */
export async function syncAll(
  parts: ConversationParts,
  consentOf: (cell: Cell) => ConsentState,
  consentStates: readonly ConsentState[] | undefined,
): Promise<SyncAllOutcome> {
  const { context, groups, engine, welcomes } = parts;
  const wanted = wantedConsents(consentStates);
  const isEligible = (cell: Cell): boolean => {
    const { active, conversationType } = cell.record;
    if (!active || conversationType === "oneshot") return false;
    return conversationType === "sync" || wanted.includes(consentOf(cell));
  };
  const behind = async (cells: readonly Cell[]): Promise<Cell[]> => {
    const found: Cell[] = [];
    const starts = Array.from(
      { length: Math.ceil(cells.length / perRequest) },
      (_, i) => i * perRequest,
    );
    await eachLimited(starts, 8, async (start) => {
      const chunk = cells.slice(start, start + perRequest);
      const newest = await context.api.newestMessages(chunk.map(({ id }) => id));
      // At once: an answer that has aged says nothing.
      for (const [i, cell] of chunk.entries()) {
        await unlessGone(async () => {
          if (await isBehind(context, groups, cell, newest[i])) found.push(cell);
        });
      }
    });
    return found;
  };

  const before = (await groups.all()).filter(isEligible);
  const [arrived, known] = await Promise.allSettled([welcomes.sync(), behind(before)]);
  if (known.status === "rejected") {
    throw arrived.status === "rejected" ? arrived.reason : known.reason;
  }
  const eligible = (await groups.all()).filter(isEligible);
  const led = new Set(arrived.status === "fulfilled" ? arrived.value : []);
  const asked = new Set(before);
  const due = new Set(known.value);
  for (const cell of await behind(eligible.filter((cell) => led.has(cell) || !asked.has(cell)))) {
    due.add(cell);
  }
  let numSynced = 0;
  await eachLimited([...due], 10, async (cell) => {
    // A welcome may have ended what was known of it.
    if (!isEligible(cell)) return;
    await unlessGone(async () => {
      await engine.sync(cell);
      numSynced += 1;
    });
  });
  // What stands in the way of welcomes keeps nobody from reading what is here.
  if (arrived.status === "rejected") throw arrived.reason;
  return { numEligible: eligible.length, numSynced };
}

/** A conversation may be forgotten while it waits for its turn. */
async function unlessGone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== "client/not-found") throw error;
  }
}
