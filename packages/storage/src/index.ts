export type { Change, Entry, Range, Store, WriteOptions } from "./store.ts";
export { createMemoryStore } from "./memory.ts";
export { StorageError } from "./errors.ts";
export type { StorageErrorCode } from "./errors.ts";
export { decodeKey, encodeKey, prefixRange } from "./keys.ts";
export type { KeyPart } from "./keys.ts";
