import { createRequire } from "node:module";
import { NodeError } from "../errors.ts";

/** What we use of the engine, whose own declarations its `exports` hide. */
export interface Database {
  readonly inTransaction: boolean;
  prepare(source: string): Statement;
  exec(source: string): void;
  pragma(source: string, options?: { readonly simple: boolean }): unknown;
  defaultSafeIntegers(on: boolean): void;
  close(): void;
}

/** Integers come as bigint, blobs as Buffers. */
export interface Statement {
  run(...values: readonly unknown[]): {
    readonly changes: number;
    readonly lastInsertRowid: number | bigint;
  };
  get(...values: readonly unknown[]): unknown;
  all(...values: readonly unknown[]): unknown[];
  iterate(...values: readonly unknown[]): IterableIterator<unknown>;
}

type Engine = new (path: string, options: { readonly timeout: number }) => Database;

const require = createRequire(import.meta.url);

/** The Node-API version that the engine is built for: 22.14 is the first Node that has it, and an older one would crash. */
const neededNodeApi = 10;

/** Opens a file; `timeout` is how many milliseconds to wait for another process's lock. */
export function openEngine(path: string, options: { readonly timeout: number }): Database {
  if (Number(process.versions["napi"]) < neededNodeApi) {
    throw new NodeError("node/storage-failed", { details: { neededNode: "22.14" } });
  }
  const engine = require("better-sqlite3-multiple-ciphers") as Engine;
  return new engine(path, options);
}
