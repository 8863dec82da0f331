import { join } from "node:path";
import { openEngine } from "./engine.ts";
import type { Database } from "./engine.ts";
import { NodeError } from "../errors.ts";
import { storageError } from "./storage-errors.ts";

/**
 * Keeps a data folder for this process alone; throws `node/data-in-use` where another process has it. The lock is a
 * transaction left open on a file of its own, so the system lets go of it whatever way the process ends, and the database itself
 * stays readable for backups.
 */
export function lockFolder(folder: string): { release(): void } {
  let db: Database;
  try {
    db = openEngine(join(folder, "node.lock"), { timeout: 0 });
  } catch (error) {
    throw storageError(error);
  }
  try {
    db.pragma("journal_mode = DELETE");
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    const failure = storageError(error);
    if (failure.code !== "node/storage-busy") throw failure;
    throw new NodeError("node/data-in-use", {
      message: `${folder} is in use by another node`,
      cause: error,
    });
  }
  return { release: () => void db.close() };
}
