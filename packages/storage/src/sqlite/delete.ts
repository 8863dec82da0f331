import { rmSync } from "node:fs";
import { StorageError } from "../errors.ts";
import { lockPath, takeLock } from "./lock.ts";
import { checkPath } from "./open.ts";

/**
 * Deletes a store with all its files; one that is not there is no error. Throws `storage/in-use` while somebody holds it.
 * The bytes may stay on the medium: what makes them unreadable is forgetting the key.
 */
export async function deleteSqliteStore(path: string): Promise<void> {
  const file = checkPath(path);
  const lock = takeLock(file);
  try {
    // The database first: without it the log is worth nothing, the other way round it would be an old state.
    remove(file);
    for (const ending of ["-wal", "-shm", "-journal"]) remove(`${file}${ending}`);
  } finally {
    lock.release();
  }
  remove(lockPath(file));
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (cause) {
    const system = (cause as { code?: string }).code;
    throw new StorageError("storage/bad-path", { system }, cause);
  }
}
