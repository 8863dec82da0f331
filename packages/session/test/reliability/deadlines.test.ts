import { expect, test } from "vitest";
import * as fc from "fast-check";
import { createDeadlines } from "../../src/core/reliability/deadlines.ts";

test("deadlines come due soonest first, each once, and cancelled ones never", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean())), fc.nat(60), (entries, nowMs) => {
      const deadlines = createDeadlines<number>();
      const added = entries.map(([at], index) => deadlines.add(index, at));
      entries.forEach(([, cancelled], index) => {
        if (cancelled) deadlines.cancel(added[index] as (typeof added)[number]);
      });
      const expected = entries
        .map(([at, cancelled], index) => ({ at, cancelled, index }))
        .filter(({ cancelled }) => !cancelled)
        .sort((a, b) => a.at - b.at || a.index - b.index);
      expect(deadlines.size).toBe(expected.length);
      expect(deadlines.next).toBe(expected[0]?.at);
      const due: number[] = [];
      for (
        let item = deadlines.takeDue(nowMs);
        item !== undefined;
        item = deadlines.takeDue(nowMs)
      ) {
        due.push(item);
      }
      expect(due).toEqual(expected.filter(({ at }) => at <= nowMs).map(({ index }) => index));
    }),
  );
});
