import { expect, test } from "vitest";
import * as fc from "fast-check";
import { dataIdAfter, isDataIdAfter, lastDataId } from "../../src/core/reliability/ids.ts";
import { createNetwork, text } from "./network.ts";
import type { Event, Fate } from "./network.ts";

const timers = { intervalMs: 100, maxRetries: 4 };
/** All retries of a message, and then those of a request for it, of at most 60 messages in turns of 32. */
const bound = 4 * 100 * (4 + 1);

/** Loses, repeats and delays, by a list of numbers that is gone through again and again. */
function faults(draws: readonly number[], lossPercent: number): () => Fate {
  let at = 0;
  const draw = (): number => draws[at++ % draws.length] as number;
  return () => {
    if (draw() % 100 < lossPercent) return { delaysMs: [] };
    const copies = draw() % 8 === 0 ? 2 : 1;
    return { delaysMs: Array.from({ length: copies }, () => draw() % 150) };
  };
}

/** Each id of a source once and in order: delivered, or lost. */
function inOrder(events: readonly Event[]): string[] {
  const delivered: string[] = [];
  let next: number | undefined;
  for (const event of events) {
    if (next !== undefined) expect(event.id).toBe(next);
    if (event.kind === "message") delivered.push(event.text);
    next = dataIdAfter(event.id, event.kind === "message" ? 1 : event.count);
  }
  return delivered;
}

const draws = fc.array(fc.nat(9999), { minLength: 50, maxLength: 400 });

test("SRL-01, SRL-10, SRL-14: whatever the network loses, repeats and reorders, each message comes once and in order or is told lost", () => {
  fc.assert(
    fc.property(
      draws,
      fc.integer({ min: 0, max: 60 }),
      fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(300)), { maxLength: 60 }),
      fc.constantFrom(1, lastDataId - 10),
      (numbers, loss, publishes, nextId) => {
        const keys = ["a", "b", "c"];
        const healed = { now: false };
        const fates = faults(numbers, loss);
        const network = createNetwork(
          keys,
          timers,
          () => (healed.now ? { delaysMs: [1] } : fates()),
          nextId,
        );
        for (const key of keys) {
          network.nodes.get(key)?.sender.join(
            keys.filter((one) => one !== key),
            0,
          );
        }
        let handle = 0;
        const published = new Map(keys.map((key) => [key, [] as string[]]));
        const handles = new Map(keys.map((key) => [key, [] as number[]]));
        for (const [key, waitMs] of publishes) {
          handle += 1;
          published.get(key)?.push(`${handle}`);
          handles.get(key)?.push(handle);
          network.nodes.get(key)?.sender.publish(handle, text(`${handle}`), network.nowMs);
          network.run(network.nowMs + waitMs);
        }
        network.run(network.nowMs + bound);
        // SRL-02: what found nobody waits for somebody
        healed.now = true;
        for (const { sender, silent } of network.nodes.values()) {
          sender.join(silent.splice(0), network.nowMs);
        }
        network.run(network.nowMs + bound);
        for (const key of keys) {
          const node = network.nodes.get(key);
          expect(node?.sender.unsettled).toBe(0);
          expect([...(node?.settled.keys() ?? [])].sort((a, b) => a - b)).toEqual(handles.get(key));
          for (const other of keys) {
            if (other === key) continue;
            const events = node?.events.get(other) ?? [];
            const sent = published.get(other) ?? [];
            const delivered = inOrder(events);
            // what was delivered is a selection of what was published, in its order
            expect(sent.filter((one) => delivered.includes(one))).toEqual(delivered);
            // what a member acknowledged, or asked for, it was given or told of
            const told = new Set(
              events.flatMap((event) =>
                event.kind === "message"
                  ? [event.id]
                  : Array.from({ length: event.count }, (_, n) => dataIdAfter(event.id, n)),
              ),
            );
            const results = network.nodes.get(other)?.settled;
            handles.get(other)?.forEach((one, index) => {
              const id = dataIdAfter(nextId, index);
              const base = events[0]?.id ?? id;
              if (results?.get(one)?.acked.includes(key) && !isDataIdAfter(base, id)) {
                expect(told).toContain(id);
              }
            });
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
