import { expect, test } from "vitest";
import type { AppEffect } from "@coterie/session";
import { createOutlet } from "../../src/runtime/outlet.ts";
import { settle } from "./time.ts";

const persist = (key: string): AppEffect => ({
  kind: "persist",
  session: 1,
  puts: [[key, new Uint8Array()]],
  deletes: [],
});
const refused = (reason: string): AppEffect => ({ kind: "refused", reason });

function world() {
  const performed: string[] = [];
  const batches: string[][] = [];
  const disk: { done: () => void; fail: (error: Error) => void }[] = [];
  const failures: unknown[] = [];
  const outlet = createOutlet(
    {
      write(effects) {
        batches.push(
          effects.map((one) => (one.kind === "persist" ? (one.puts[0]?.[0] ?? "") : "-")),
        );
        return new Promise((done, fail) => disk.push({ done, fail }));
      },
    },
    (effect) => performed.push(effect.kind === "refused" ? effect.reason : effect.kind),
    (error) => failures.push(error),
  );
  return { outlet, performed, batches, disk, failures };
}

test("SHB-17: what has to be stored first is stored before anything that follows it happens", async () => {
  const { outlet, performed, batches, disk } = world();
  outlet.put([refused("a"), persist("1"), refused("b")]);
  outlet.put([refused("c")]);
  await settle();
  expect([performed, batches]).toEqual([["a"], [["1"]]]);
  disk[0]?.done();
  await settle();
  expect(performed).toEqual(["a", "b", "c"]);
});

test("SHB-17: what comes while the disk works is one batch, and nothing overtakes it", async () => {
  const { outlet, performed, batches, disk } = world();
  outlet.put([persist("1"), refused("a")]);
  outlet.put([persist("2"), refused("b")]);
  outlet.put([persist("3"), refused("c")]);
  disk[0]?.done();
  await settle();
  expect([performed, batches]).toEqual([["a"], [["1"], ["2", "3"]]]);
  disk[1]?.done();
  await outlet.flushed();
  expect(performed).toEqual(["a", "b", "c"]);
});

test("SHB-17: what could not be stored is not followed by anything", async () => {
  const { outlet, performed, disk, failures } = world();
  outlet.put([persist("1"), refused("a")]);
  disk[0]?.fail(new Error("full"));
  await settle();
  expect([performed, failures.length]).toEqual([[], 1]);
});

test("what an effect brings about comes after what is there already", () => {
  const performed: string[] = [];
  const outlet = createOutlet(
    undefined,
    (effect) => {
      const { reason } = effect as { readonly reason: string };
      performed.push(reason);
      if (reason === "a") outlet.put([refused("late")]);
    },
    () => {},
  );
  outlet.put([refused("a"), persist("1"), refused("b")]);
  expect(performed).toEqual(["a", "b", "late"]);
});
