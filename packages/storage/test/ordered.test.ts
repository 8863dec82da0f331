import fc from "fast-check";
import { expect, test } from "vitest";
import { compare, toHex } from "@coterie/base";
import { createMemoryStore } from "@coterie/storage";
import type { Change, Store } from "@coterie/storage";
import { openSqliteStore } from "@coterie/storage/sqlite";

// Few enough keys that changes meet, many enough that blocks split and empty.
const key = fc.nat(2000).map((n) => Uint8Array.of(n >>> 8, n & 255).subarray(n % 7 === 0 ? 1 : 0));
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      key,
      value: fc.uint8Array({ maxLength: 3 }),
    }),
    weight: 12,
  },
  { arbitrary: fc.record({ kind: fc.constant("delete" as const), key }), weight: 4 },
  {
    arbitrary: fc.record({ kind: fc.constant("delete-range" as const), from: key, to: key }),
    weight: 1,
  },
);
const batches = fc.array(fc.array(change, { maxLength: 300, size: "max" }), { maxLength: 8 });

/** The slow, plain way. */
class Model {
  pairs: { key: Uint8Array; value: Uint8Array }[] = [];
  apply(change: Change): void {
    this.pairs = this.pairs.filter(({ key }) =>
      change.kind === "delete-range"
        ? compare(key, change.from) < 0 || compare(key, change.to) >= 0
        : compare(key, change.key) !== 0,
    );
    if (change.kind === "put") this.pairs.push({ key: change.key, value: change.value });
    this.pairs.sort((a, b) => compare(a.key, b.key));
  }
}

const show = (pairs: readonly { key: Uint8Array; value: Uint8Array }[]): string[] =>
  pairs.map(({ key, value }) => `${toHex(key)}=${toHex(value)}`);

async function agrees(open: () => Promise<Store>, runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      batches,
      fc.array(fc.record({ from: key, to: key, reverse: fc.boolean(), limit: fc.nat(20) }), {
        maxLength: 10,
      }),
      async (batches, ranges) => {
        const store = await open();
        const model = new Model();
        for (const batch of batches) {
          await store.write(batch);
          for (const change of batch) model.apply(change);
        }
        const everything = { from: new Uint8Array(), to: Uint8Array.of(255, 255) };
        expect(show(await store.list(everything))).toEqual(show(model.pairs));
        for (const range of ranges) {
          const expected = model.pairs.filter(
            ({ key }) => compare(key, range.from) >= 0 && compare(key, range.to) < 0,
          );
          if (range.reverse) expected.reverse();
          expect(show(await store.list(range))).toEqual(show(expected.slice(0, range.limit)));
        }
        await store.close();
      },
    ),
    { numRuns: runs, seed: 7 },
  );
}

test("the memory store agrees with a plain model over random batches", async () => {
  await agrees(async () => createMemoryStore(), 60);
});

test("the SQLite store agrees with the same model", async () => {
  await agrees(() => openSqliteStore({ path: ":memory:" }), 30);
});
