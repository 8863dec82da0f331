import { StorageError } from "../errors.ts";
import type { Store } from "../store.ts";
import { META, NAMES, VALUES, answerOf, deleteDatabase, openDatabase } from "./database.ts";
import { takeLock } from "./lock.ts";
import { addList, createNames, decodeList } from "./names.ts";
import type { Names } from "./names.ts";
import { platformOf } from "./platform.ts";
import type { IndexedDbPlatform } from "./platform.ts";
import { createHeader, masterKey, openHeader } from "./seal.ts";
import type { Header, Sealers } from "./seal.ts";
import { IndexedDbStore } from "./store.ts";
import { translate } from "./translate.ts";

export type { IndexedDbPlatform } from "./platform.ts";

/** Which store of the origin, and what opens it. */
export interface IndexedDbStoreOptions {
  /** The database's name: one store each, made where there is none. */
  readonly name: string;
  /** 32 bytes that the app keeps elsewhere, or a key that no script can read (`keptKey`): HKDF with the usage deriveKey. */
  readonly key: Uint8Array | CryptoKey;
  /** Wait until the holder is gone instead of failing with `storage/in-use`. */
  readonly wait?: boolean | undefined;
  /** Gives up waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Instead of the page's own. */
  readonly platform?: Partial<IndexedDbPlatform> | undefined;
}

/**
 * Opens a store in the browser's IndexedDB: values and keys sealed (AES-256-GCM), one holder among all tabs of the origin.
 * Throws `storage/wrong-key`, `storage/in-use`, `storage/bad-key`, `storage/bad-path`, `storage/corrupt`, `storage/not-a-store`,
 * `storage/newer-version`, `storage/unavailable`, `storage/io`.
 */
export async function openIndexedDbStore(options: IndexedDbStoreOptions): Promise<Store> {
  const name = checkName(options.name);
  const { indexedDB, locks, subtle } = platformOf(options.platform);
  const master = await masterKey(subtle, options.key);
  const lock = await takeLock(locks, name, { wait: options.wait === true, signal: options.signal });
  let db: IDBDatabase | undefined;
  try {
    const header = await createHeader(subtle, master);
    db = await openDatabase(indexedDB, name, (meta) => meta.put(header, "header"));
    const sealers = await openHeader(subtle, master, await readHeader(db));
    return new IndexedDbStore(db, sealers, await readNames(db, sealers), lock);
  } catch (cause) {
    db?.close();
    lock.release();
    throw translate(cause);
  }
}

/** Deletes a store that nobody holds; one that does not exist is no failure. Throws `storage/in-use`. */
export async function deleteIndexedDbStore(
  name: string,
  given: Partial<IndexedDbPlatform> = {},
): Promise<void> {
  const { indexedDB, locks } = platformOf(given);
  const lock = await takeLock(locks, checkName(name), { wait: false });
  try {
    await deleteDatabase(indexedDB, name);
  } catch (cause) {
    throw translate(cause);
  } finally {
    lock.release();
  }
}

function checkName(name: unknown): string {
  if (typeof name === "string" && name !== "") return name;
  throw new StorageError("storage/bad-path", { found: typeof name });
}

function readHeader(db: IDBDatabase): Promise<Header | undefined> {
  const meta = db.transaction(META, "readonly").objectStore(META);
  return answerOf(meta.get("header") as IDBRequest<Header | undefined>);
}

async function readNames(db: IDBDatabase, sealers: Sealers): Promise<Names> {
  const transaction = db.transaction([VALUES, NAMES], "readonly");
  const table = transaction.objectStore(NAMES);
  const [ids, numbers, lists] = await Promise.all([
    answerOf(transaction.objectStore(VALUES).getAllKeys()),
    answerOf(table.getAllKeys()),
    answerOf(table.getAll() as IDBRequest<unknown[]>),
  ]);
  const stored = new Set(ids as number[]);
  const opened = await Promise.all(
    lists.map((sealed, i) => sealers.names.open(numbers[i] as number, sealed)),
  );
  const names = createNames();
  for (const [i, bytes] of opened.entries()) {
    addList(names, numbers[i] as number, decodeList(bytes), stored);
  }
  if (names.ids.size !== stored.size) {
    throw new StorageError("storage/corrupt", {
      table: NAMES,
      found: stored.size - names.ids.size,
    });
  }
  return names;
}
