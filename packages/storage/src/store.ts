/** One stored pair. Both are copies: changing them changes nothing stored. */
export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** One change of a batch. Later changes of the same key win. */
export type Change =
  | { readonly kind: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: "delete"; readonly key: Uint8Array }
  /** Deletes every key from `from` (included) to `to` (excluded). */
  | { readonly kind: "delete-range"; readonly from: Uint8Array; readonly to: Uint8Array };

/** Keys from `from` (included) to `to` (excluded), ordered byte by byte. */
export interface Range {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** How much of a power cut a batch survives. */
export interface WriteOptions {
  /**
   * `durable`, the default: on the medium when `write` resolves. `ordered`: on it no later than the next durable batch; until then a
   * power cut may take the newest ordered batches back, each whole, never one without those after it. Without a power cut the two
   * are the same, also where the process is killed.
   */
  readonly durability?: "durable" | "ordered" | undefined;
}

/**
 * An ordered map of bytes to bytes with atomic batches: all that the layers above ask of a database. One writer per store;
 * a second opener of the same file is refused with `storage/in-use`. When `write` resolves the batch is durable, whole, unless it asked for less.
 *
 * Failures are `StorageError`s: `storage/wrong-key`, `storage/corrupt`, `storage/in-use`, `storage/closed`, `storage/full`, …
 */
export interface Store {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Values in the order of the keys. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** The whole range as it was at one moment. Callers page with `limit`. */
  list(range: Range): Promise<Entry[]>;
  /** All changes or none. An empty batch is allowed and does nothing. */
  write(changes: readonly Change[], options?: WriteOptions): Promise<void>;
  /** Waits for writes under way, then releases the database. Closing twice is harmless. */
  close(): Promise<void>;
}
