import { createRequire } from "node:module";
import { StorageError } from "../errors.ts";
import { translate } from "./translate.ts";

/** What we use of one open database of the native engine. Its calls block. */
export interface Engine {
  readonly inTransaction: boolean;
  prepare<Arguments extends readonly unknown[], Result>(sql: string): Statement<Arguments, Result>;
  exec(sql: string): unknown;
  pragma(sql: string): unknown;
  /** Hands over key material; 0 means taken. Whether it fits shows at the first read. */
  key(secret: Uint8Array): number;
  close(): unknown;
}

/** A prepared statement, which binds typed arrays as blobs. */
export interface Statement<Arguments extends readonly unknown[], Result> {
  run(...values: Arguments): unknown;
  get(...values: Arguments): Result | undefined;
  all(...values: Arguments): Result[];
  /** Gives the first column instead of a row. */
  pluck(): Statement<Arguments, Result>;
  /** Gives rows as arrays. */
  raw(): Statement<Arguments, Result>;
  /** Gives integers as bigint. */
  safeIntegers(): Statement<Arguments, Result>;
}

type EngineConstructor = new (path: string, options: { readonly timeout: number }) => Engine;

const require = createRequire(import.meta.url);
let Loaded: EngineConstructor | undefined;

/** Opens a database file of the native engine, which is loaded at first use. Never waits for locks. */
export function openEngine(path: string): Engine {
  Loaded ??= load();
  try {
    return new Loaded(path, { timeout: 0 });
  } catch (cause) {
    throw translate(cause, "open");
  }
}

/** The Node-API version that the engine is built for: 22.14 is the first Node that has it, and an older one would crash. */
const neededNodeApi = 10;

function load(): EngineConstructor {
  if (Number(process.versions["napi"]) < neededNodeApi) {
    throw new StorageError("storage/unavailable", { engine: "sqlite", neededNode: "22.14" });
  }
  try {
    return require("better-sqlite3-multiple-ciphers") as EngineConstructor;
  } catch (cause) {
    throw new StorageError("storage/unavailable", { engine: "sqlite" }, cause);
  }
}
