import { describe, expect, test } from "vitest";
import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { storeConformance } from "@coterie/storage/conformance";
import { openSqliteStore } from "@coterie/storage/sqlite";
import type { SqliteStoreOptions } from "@coterie/storage/sqlite";
import { codeOf, key, tempPath } from "./temp.ts";

const adapters: Record<string, () => Parameters<typeof storeConformance>[0]> = {
  memory: () => async () => ({ store: createMemoryStore() }),
  "sqlite, encrypted": () => sqlite({ key }),
  "sqlite, unencrypted": () => sqlite({ unencrypted: true }),
  "sqlite, in memory": () => async () => ({ store: await openSqliteStore({ path: ":memory:" }) }),
};

function sqlite(options: Omit<SqliteStoreOptions, "path">): Parameters<typeof storeConformance>[0] {
  return async () => {
    const path = tempPath();
    let store = await openSqliteStore({ path, ...options });
    return {
      store,
      reopen: async () => {
        await store.close();
        store = await openSqliteStore({ path, ...options });
        return store;
      },
    };
  };
}

for (const [name, adapter] of Object.entries(adapters)) {
  describe(name, () => {
    for (const { name, run } of storeConformance(adapter())) test(name, run);
  });
}

test("the suite notices stores that break the port", async () => {
  const broken: Record<string, (store: Store) => Partial<Store>> = {
    "forgets the limit": (store) => ({ list: (range) => store.list({ ...range, limit: 1000 }) }),
    "ignores reverse": (store) => ({ list: (range) => store.list({ ...range, reverse: false }) }),
    "splits batches": (store) => ({
      write: async (changes) => {
        for (const change of changes) await store.write([change]);
      },
    }),
    "drops empty values": (store) => ({
      get: async (key) => {
        const value = await store.get(key);
        return value?.length === 0 ? undefined : value;
      },
    }),
    "stays open": () => ({ close: async () => {} }),
  };
  for (const make of Object.values(broken)) {
    const cases = storeConformance(async () => {
      const store = createMemoryStore();
      const whole: Store = {
        get: (key) => store.get(key),
        getMany: (keys) => store.getMany(keys),
        list: (range) => store.list(range),
        write: (changes) => store.write(changes),
        close: () => store.close(),
        ...make(store),
      };
      return { store: whole };
    });
    const codes = await Promise.all(cases.map(({ run }) => codeOf(run)));
    expect(codes).toContain("storage/conformance");
  }
});
