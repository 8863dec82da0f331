import { systemRandom, wipe } from "@coterie/base";
import { answerOf, committed, deleteDatabase } from "./database.ts";
import { platformOf } from "./platform.ts";
import type { IndexedDbPlatform } from "./platform.ts";
import { masterKey } from "./seal.ts";
import { translate } from "./translate.ts";

const database = "coterie-keys";
const table = "keys";

/**
 * The key of this name that the browser keeps for the origin, made at the first asking. Scripts can use it and cannot read it.
 * It protects a copy of the store, not against who uses this browser's profile: for that, derive a key from what its user knows.
 */
export async function keptKey(
  name: string,
  given: Partial<IndexedDbPlatform> = {},
): Promise<CryptoKey> {
  const platform = platformOf(given);
  try {
    const bytes = systemRandom.bytes(32);
    const fresh = await masterKey(platform.subtle, bytes);
    wipe(bytes);
    return await withKeys(platform.indexedDB, async (transaction) => {
      // Looking and storing are one transaction: two tabs that ask at once get the same key.
      const keys = transaction.objectStore(table);
      const found = await answerOf(keys.get(name) as IDBRequest<CryptoKey | undefined>);
      if (found === undefined) keys.put(fresh, name);
      return found ?? fresh;
    });
  } catch (cause) {
    throw translate(cause);
  }
}

/** Forgets a key. What it sealed can never be opened again. */
export async function deleteKeptKey(
  name: string,
  given: Partial<IndexedDbPlatform> = {},
): Promise<void> {
  const { indexedDB } = platformOf(given);
  try {
    const left = await withKeys(indexedDB, async (transaction) => {
      const keys = transaction.objectStore(table);
      keys.delete(name);
      return answerOf(keys.count());
    });
    if (left === 0) await deleteDatabase(indexedDB, database);
  } catch (cause) {
    throw translate(cause);
  }
}

async function withKeys<T>(
  factory: IDBFactory,
  work: (transaction: IDBTransaction) => Promise<T>,
): Promise<T> {
  const request = factory.open(database, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(table);
  const db = await answerOf(request);
  // Deleting elsewhere must not wait for us.
  db.onversionchange = () => db.close();
  try {
    const transaction = db.transaction(table, "readwrite", { durability: "strict" });
    const done = committed(transaction);
    const result = await work(transaction);
    await done;
    return result;
  } finally {
    db.close();
  }
}
