import { StorageError } from "./errors.ts";
import type { Change, Range } from "./store.ts";

/** Refuses anything but bytes: a database would store a string as something else without a word. */
export function checkBytes(value: unknown, what: string): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new StorageError("storage/bad-argument", { what, found: typeof value });
  }
}

/** Refuses ranges whose ends are no bytes or whose limit is no count. */
export function checkRange(range: Range): void {
  checkBytes(range.from, "from");
  checkBytes(range.to, "to");
  const { limit } = range;
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw new StorageError("storage/bad-argument", { what: "limit", limit: String(limit) });
  }
}

/** Checks and copies a batch: what the caller does with their arrays afterwards changes nothing that is written. */
export function copyChanges(changes: readonly Change[]): Change[] {
  return changes.map((change): Change => {
    switch (change.kind) {
      case "put":
        checkBytes(change.key, "key");
        checkBytes(change.value, "value");
        return { kind: "put", key: copy(change.key), value: copy(change.value) };
      case "delete":
        checkBytes(change.key, "key");
        return { kind: "delete", key: copy(change.key) };
      case "delete-range":
        checkBytes(change.from, "from");
        checkBytes(change.to, "to");
        return { kind: "delete-range", from: copy(change.from), to: copy(change.to) };
      default:
        return unknownChange(change);
    }
  });
}

/** A plain copy, also of Node's Buffers, whose `slice` would share memory. */
export function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function unknownChange(change: never): never {
  throw new StorageError("storage/bad-argument", {
    what: "kind",
    found: typeof (change as { kind?: unknown } | undefined)?.kind,
  });
}
