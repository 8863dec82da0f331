import { StorageError } from "../errors.ts";
import type { Engine } from "./engine.ts";

/** The version of what is inside a store's file. Raise it together with a step in `migrations`. */
const FORMAT = 1n;

/** The step at index i leads from version i to version i + 1. Each runs in the transaction that records its version. */
const migrations: readonly ((engine: Engine) => void)[] = [
  (engine) => {
    engine.exec(`
      CREATE TABLE coterie (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE entries (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
    `);
  },
];

/** Brings a database from its version to the current one. */
export function migrate(engine: Engine, version: bigint): void {
  if (version === FORMAT) return;
  // An open that fails closes the database, and with it the transaction.
  engine.exec("BEGIN IMMEDIATE");
  for (const step of migrations.slice(Number(version))) step(engine);
  engine.prepare("REPLACE INTO coterie (name, value) VALUES ('format', ?)").run(FORMAT);
  engine.exec("COMMIT");
}

/**
 * The version of a database, 0 for an empty one. Throws `storage/newer-version` for one that a later release wrote, and
 * `storage/not-a-store` for one that holds something else. Changes nothing.
 */
export function readVersion(engine: Engine): bigint {
  const tables = engine.prepare<[], string>("SELECT name FROM sqlite_schema").pluck().all();
  if (tables.length === 0) return 0n;
  if (!tables.includes("coterie")) throw new StorageError("storage/not-a-store");
  const version = engine
    .prepare<[], unknown>("SELECT value FROM coterie WHERE name = 'format'")
    .pluck()
    .safeIntegers()
    .get();
  if (typeof version !== "bigint" || version < 1n) throw new StorageError("storage/not-a-store");
  if (version > FORMAT) {
    throw new StorageError("storage/newer-version", { found: version, known: FORMAT });
  }
  return version;
}
