import { StorageError } from "../errors.ts";
import type { Engine } from "./engine.ts";

/** Leads from one version of what is inside a store's file to the next. */
type Migration = (engine: Engine) => void;

/** The step at index i leads from version i to version i + 1. All that are due run in the transaction that records the version. */
const migrations: readonly Migration[] = [
  (engine) => {
    engine.exec(`
      CREATE TABLE coterie (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE entries (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
    `);
  },
];

const FORMAT = BigInt(migrations.length);

/** Brings a database from its version to the last one that the steps lead to: whole, or not at all, also where the process is killed. */
export function migrate(
  engine: Engine,
  version: bigint,
  steps: readonly Migration[] = migrations,
): void {
  const last = BigInt(steps.length);
  if (version === last) return;
  // An open that fails closes the database, and with it the transaction.
  engine.exec("BEGIN IMMEDIATE");
  for (const step of steps.slice(Number(version))) step(engine);
  engine.prepare("REPLACE INTO coterie (name, value) VALUES ('format', ?)").run(last);
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
