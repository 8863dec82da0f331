import { StorageError } from "../errors.ts";

/** One sealed value a record, by a random number. */
export const VALUES = "values";
/** Sealed lists of which key each of those numbers stands for, by a running number. */
export const NAMES = "names";
/** How this store is sealed. */
export const META = "meta";

/** The version of a store's tables. Raise it together with a step in `migrations`. */
const VERSION = 1;

/** The step at index i leads from version i to version i + 1. All that are due run in the browser's one upgrade transaction. */
const migrations: readonly ((db: IDBDatabase) => void)[] = [
  (db) => {
    for (const table of [VALUES, NAMES, META]) db.createObjectStore(table);
  },
];

/** Opens the database, or makes it and calls `filled` to write its first rows in the same transaction. */
export function openDatabase(
  factory: IDBFactory,
  name: string,
  filled: (meta: IDBObjectStore) => void,
): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, VERSION);
    request.onupgradeneeded = ({ oldVersion }) => {
      for (const step of migrations.slice(oldVersion)) step(request.result);
      if (oldVersion === 0) filled((request.transaction as IDBTransaction).objectStore(META));
    };
    // Holders are kept apart by their lock, so whoever blocks us is not one of ours.
    request.onblocked = () => reject(new StorageError("storage/in-use", { name }));
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const db = request.result;
      if ([VALUES, NAMES, META].every((table) => db.objectStoreNames.contains(table))) {
        resolve(db);
        return;
      }
      db.close();
      reject(new StorageError("storage/not-a-store", { name }));
    };
  });
}

export function deleteDatabase(factory: IDBFactory, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = factory.deleteDatabase(name);
    request.onblocked = () => reject(new StorageError("storage/in-use", { name }));
    request.onerror = () => reject(request.error);
    request.onsuccess = () => resolve();
  });
}

/** The answer of one request. */
export function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Settles with the transaction: done is durable. */
export function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
