import { StorageError } from "../errors.ts";

/** What a browser gives a page over HTTPS or from localhost. */
export interface IndexedDbPlatform {
  readonly indexedDB: IDBFactory;
  readonly locks: LockManager;
  readonly subtle: SubtleCrypto;
}

/** The page's own, or what the caller has instead. Throws `storage/unavailable` where the page is not a secure context. */
export function platformOf(given: Partial<IndexedDbPlatform> = {}): IndexedDbPlatform {
  const found = {
    indexedDB: given.indexedDB ?? globalThis.indexedDB,
    locks: given.locks ?? globalThis.navigator?.locks,
    subtle: given.subtle ?? globalThis.crypto?.subtle,
  };
  for (const [name, value] of Object.entries(found)) {
    if (value === undefined) throw new StorageError("storage/unavailable", { missing: name });
  }
  return found;
}
