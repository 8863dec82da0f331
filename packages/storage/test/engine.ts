import { createRequire } from "node:module";

interface Raw {
  exec(sql: string): unknown;
  pragma(sql: string): unknown;
  close(): void;
}

/** The native engine itself, to make files that are not ours. */
export function rawEngine(path: string): Raw {
  const require = createRequire(import.meta.url);
  const Engine = require("better-sqlite3-multiple-ciphers") as new (path: string) => Raw;
  return new Engine(path);
}
