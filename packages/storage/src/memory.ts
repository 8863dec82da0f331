import { checkBytes, checkRange, copy, copyChanges } from "./checks.ts";
import { StorageError } from "./errors.ts";
import { OrderedMap } from "./ordered.ts";
import type { Change, Entry, Range, Store } from "./store.ts";

/**
 * A store that lives as long as the object: for tests, and for browsers that keep nothing. Values that are replaced, deleted or
 * left at closing are overwritten.
 */
export function createMemoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  #map = new OrderedMap<Uint8Array>((value) => value.fill(0));
  #closed = false;
  /** Batches in the order they were asked for, as in the stores that must wait for a disk. */
  #writing: Promise<void> = Promise.resolve();

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#open();
    checkBytes(key, "key");
    const value = this.#map.get(key);
    return value && copy(value);
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#open();
    return keys.map((key) => {
      checkBytes(key, "key");
      const value = this.#map.get(key);
      return value && copy(value);
    });
  }

  async list(range: Range): Promise<Entry[]> {
    this.#open();
    checkRange(range);
    const { from, to, reverse = false, limit = Number.POSITIVE_INFINITY } = range;
    const out: Entry[] = [];
    if (limit === 0) return out;
    for (const [key, value] of this.#map.range(from, to, reverse)) {
      out.push({ key: copy(key), value: copy(value) });
      if (out.length === limit) break;
    }
    return out;
  }

  async write(changes: readonly Change[]): Promise<void> {
    this.#open();
    // All that can fail fails here, so that a batch is applied whole.
    const copied = copyChanges(changes);
    this.#writing = this.#writing.then(() => this.#apply(copied));
    return this.#writing;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    this.#map.clear();
  }

  #apply(changes: readonly Change[]): void {
    for (const change of changes) {
      switch (change.kind) {
        case "put":
          this.#map.set(change.key, change.value);
          break;
        case "delete":
          this.#map.delete(change.key);
          break;
        case "delete-range":
          this.#map.deleteRange(change.from, change.to);
          break;
        default:
          change satisfies never;
      }
    }
  }

  #open(): void {
    if (this.#closed) throw new StorageError("storage/closed");
  }
}
