import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { expect, test } from "vitest";
import { openRecords } from "../src/records.ts";

/** A store that can be told to fail the next writes. */
function failing() {
  const store = createMemoryStore();
  const state = { failures: 0 };
  const shaky: Store = {
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    list: (range) => store.list(range),
    close: () => store.close(),
    async write(changes) {
      if (state.failures-- > 0) throw new Error("the disk is full");
      await store.write(changes);
    },
  };
  return { shaky, state };
}

const domain = (name: string, secret: string) => ({ name, secret });

test("SCT-07: what could not be written is written with the next change, as it is by then", async () => {
  const { shaky, state } = failing();
  const records = await openRecords(shaky);
  records.domains.put("kept", domain("kept", "0"));
  records.domains.put("gone", domain("gone", "0"));
  await records.saved();
  state.failures = 1;
  records.domains.put("kept", domain("kept", "1"));
  records.domains.put("new", domain("new", "1"));
  records.domains.delete("gone");
  const first = records.saved();
  // changed while the failing write runs
  records.domains.put("kept", domain("kept", "2"));
  await expect(first).rejects.toThrow("the disk is full");
  await records.saved();
  const all = async () => [...(await openRecords(shaky)).domains.values()];
  expect(await all()).toEqual([domain("kept", "2"), domain("new", "1")]);
});

test("SCT-07: what failed twice waits for a third time", async () => {
  const { shaky, state } = failing();
  const records = await openRecords(shaky);
  state.failures = 2;
  records.domains.put("a", domain("a", "1"));
  await expect(records.saved()).rejects.toThrow();
  records.domains.put("b", domain("b", "1"));
  await expect(records.saved()).rejects.toThrow();
  await records.saved();
  expect((await openRecords(shaky)).domains.size).toBe(2);
});
