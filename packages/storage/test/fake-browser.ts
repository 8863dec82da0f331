import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import type { IndexedDbPlatform } from "@coterie/storage/indexeddb";

/** Web Locks of one origin, as far as stores use them. */
function fakeLocks(): LockManager {
  const held = new Map<string, Promise<unknown>>();
  const request = async (
    name: string,
    options: LockOptions,
    work: (lock: Lock | null) => Promise<unknown>,
  ): Promise<unknown> => {
    if (held.has(name) && options.ifAvailable === true) return work(null);
    while (held.has(name)) {
      options.signal?.throwIfAborted();
      await Promise.race([
        held.get(name),
        new Promise((resolve) => options.signal?.addEventListener("abort", resolve)),
      ]);
    }
    const running = Promise.resolve(work({ name, mode: "exclusive" }));
    held.set(name, running);
    try {
      return await running;
    } finally {
      held.delete(name);
    }
  };
  return { request, query: async () => ({}) } as unknown as LockManager;
}

/** A browser's storage with nothing in it. */
export function fakeBrowser(): IndexedDbPlatform {
  return { indexedDB: new IDBFactory(), locks: fakeLocks(), subtle: crypto.subtle };
}
