import { StorageError } from "../errors.ts";

export interface Lock {
  release(): void;
}

/**
 * Takes the one place of a store's holder among all pages of the origin. The browser gives it back when the page ends,
 * however it ends. Throws `storage/in-use` unless told to wait.
 */
export function takeLock(
  locks: LockManager,
  name: string,
  options: { readonly wait: boolean; readonly signal?: AbortSignal | undefined },
): Promise<Lock> {
  const { wait, signal } = options;
  // The standard allows a signal only where there is something to wait for.
  const how: LockOptions = wait ? (signal ? { signal } : {}) : { ifAvailable: true };
  return new Promise((resolve, reject) => {
    locks
      .request(`coterie-storage:${name}`, how, (lock) => {
        if (lock === null) {
          reject(new StorageError("storage/in-use", { name }));
          return undefined;
        }
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch((cause: unknown) => reject(new StorageError("storage/in-use", { name }, cause)));
  });
}
