export { deleteIndexedDbStore, openIndexedDbStore } from "./indexeddb/open.ts";
export type { IndexedDbPlatform, IndexedDbStoreOptions } from "./indexeddb/open.ts";
export { deleteKeptKey, keptKey } from "./indexeddb/kept-key.ts";
