import { openEngine } from "./engine.ts";
import { translate } from "./translate.ts";

/** A lock that one holder has until they release it or their process ends, however it ends. */
export interface Lock {
  release(): void;
}

/** The file whose lock stands for the store at `path`. It stays behind, empty: deleting a lock file lets two holders in. */
export function lockPath(path: string): string {
  return `${path}-lock`;
}

/**
 * Takes the lock of the store at `path`, or throws `storage/in-use`. It is the exclusive transaction of an empty database beside
 * the store: the operating system releases it with the process, and the engine keeps two connections of one process apart.
 *
 * @NOTE With the lock held, the store's file may be opened and closed by other means. Without it that would be a trap: closing any
 * handle of a file drops all locks that the process has on it.
 */
export function takeLock(path: string): Lock {
  const engine = openEngine(lockPath(path));
  try {
    // No journal file: nothing is ever written.
    engine.pragma("journal_mode = memory");
    engine.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    engine.close();
    throw translate(cause, "open");
  }
  return {
    release: () => {
      engine.close();
    },
  };
}
