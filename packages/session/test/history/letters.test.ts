import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeAsk,
  decodeEntry,
  decodeTell,
  encodeAsk,
  encodeEntry,
  encodeTell,
} from "../../src/history/letters.ts";
import type { HistoryEntry } from "../../src/history/letters.ts";

const entries: fc.Arbitrary<HistoryEntry> = fc.record({
  source: fc.bigInt({ min: 0n, max: 2n ** 128n - 2n }).map((id) => ({
    organization: "agntcy",
    namespace: "ns",
    service: "bob",
    id,
  })),
  messageId: fc.nat(),
  timeMs: fc.nat(),
  payloadType: fc.string(),
  metadata: fc.array(fc.tuple(fc.string(), fc.string())).map((pairs) => new Map(pairs)),
  payload: fc.uint8Array(),
});

test("what is asked and told of earlier messages reads back as it was", () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.integer({ min: 0, max: 500 }), (entry, at, limit) => {
      expect(decodeEntry(encodeEntry(entry))).toEqual(entry);
      const ask = { request: "r", limit, sinceMs: at };
      expect(decodeAsk(encodeAsk(ask).payload)).toEqual(ask);
      for (const tell of [
        { kind: "entry", request: "r", at, entry },
        { kind: "done", request: "r", count: at },
        { kind: "refused", request: "r" },
      ] as const) {
        expect(decodeTell(encodeTell(tell).payload)).toEqual(tell);
      }
    }),
  );
});

test("no other bytes read as anything else than a whole letter, and none throw", () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.nat(255), (entry, at, byte) => {
      const whole = encodeTell({ kind: "entry", request: "r", at: 1, entry }).payload;
      const spoilt = whole.slice();
      spoilt[at % spoilt.length] = byte;
      expect(() => decodeTell(spoilt)).not.toThrow();
      expect(() => decodeEntry(spoilt)).not.toThrow();
      expect(() => decodeAsk(spoilt)).not.toThrow();
      const heads = whole.length - entry.payload.length;
      for (let length = 0; length < heads; length += 1) {
        expect(decodeTell(whole.subarray(0, length))).toBeUndefined();
      }
    }),
    { numRuns: 1000 },
  );
  expect(decodeAsk(encodeAsk({ request: "r", limit: 9999, sinceMs: 0 }).payload)?.limit).toBe(500);
});
