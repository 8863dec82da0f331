import { compare } from "@coterie/base";

interface Pair<V> {
  readonly key: Uint8Array;
  value: V;
}

const blockSize = 256;

/**
 * Keys in byte order, in blocks of a few hundred: finding is a binary search twice, inserting moves one block, a range is
 * walked from its first key. Mutable, and private to this package.
 */
export class OrderedMap<V> {
  /** Never holds an empty block. */
  #blocks: Pair<V>[][] = [];
  readonly #dropped: (value: V) => void;

  /** `dropped` hears of each value that is replaced or deleted: it may have been a secret. */
  constructor(dropped: (value: V) => void = () => {}) {
    this.#dropped = dropped;
  }

  get(key: Uint8Array): V | undefined {
    const { block, index, found } = this.#find(key);
    return found ? this.#blocks[block]?.[index]?.value : undefined;
  }

  set(key: Uint8Array, value: V): void {
    const { block: at, index, found } = this.#find(key);
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push([{ key, value }]);
      return;
    }
    if (found) {
      const pair = block[index] as Pair<V>;
      this.#dropped(pair.value);
      pair.value = value;
      return;
    }
    block.splice(index, 0, { key, value });
    if (block.length > blockSize) {
      this.#blocks.splice(at + 1, 0, block.splice(block.length >>> 1));
    }
  }

  /** Deletes from `from` (included) to `to` (excluded). */
  deleteRange(from: Uint8Array, to: Uint8Array): void {
    if (compare(from, to) >= 0) return;
    const first = this.#find(from);
    const last = this.#find(to);
    const kept: Pair<V>[][] = [];
    for (let at = first.block; at <= last.block && at < this.#blocks.length; at++) {
      const block = this.#blocks[at] as Pair<V>[];
      const start = at === first.block ? first.index : 0;
      const end = at === last.block ? last.index : block.length;
      for (const pair of block.splice(start, end - start)) this.#dropped(pair.value);
      if (block.length > 0) kept.push(block);
    }
    this.#blocks.splice(first.block, last.block - first.block + 1, ...kept);
  }

  delete(key: Uint8Array): void {
    const { block: at, index, found } = this.#find(key);
    const block = this.#blocks[at];
    if (!found || block === undefined) return;
    for (const pair of block.splice(index, 1)) this.#dropped(pair.value);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** Walks from `from` (included) to `to` (excluded), in order or against it. Nothing may change meanwhile. */
  *range(
    from: Uint8Array,
    to: Uint8Array,
    reverse: boolean,
  ): Generator<readonly [key: Uint8Array, value: V]> {
    if (compare(from, to) >= 0) return;
    const first = this.#find(from);
    const last = this.#find(to);
    const blocks = this.#blocks;
    if (reverse) {
      for (let at = Math.min(last.block, blocks.length - 1); at >= first.block; at--) {
        const block = blocks[at] as Pair<V>[];
        const start = at === first.block ? first.index : 0;
        const end = at === last.block ? last.index : block.length;
        for (let i = end - 1; i >= start; i--) {
          const pair = block[i] as Pair<V>;
          yield [pair.key, pair.value];
        }
      }
      return;
    }
    for (let at = first.block; at <= last.block && at < blocks.length; at++) {
      const block = blocks[at] as Pair<V>[];
      const end = at === last.block ? last.index : block.length;
      for (let i = at === first.block ? first.index : 0; i < end; i++) {
        const pair = block[i] as Pair<V>;
        yield [pair.key, pair.value];
      }
    }
  }

  /** All values in the order of their keys. Nothing may change meanwhile. */
  *values(): Generator<V> {
    for (const block of this.#blocks) for (const { value } of block) yield value;
  }

  /** Forgets everything. */
  clear(): void {
    for (const block of this.#blocks) for (const pair of block) this.#dropped(pair.value);
    this.#blocks = [];
  }

  /** Where a key is, or where it would be inserted: in the last block whose first key is not greater. */
  #find(key: Uint8Array): { block: number; index: number; found: boolean } {
    const blocks = this.#blocks;
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const [head] = blocks[middle] as [Pair<V>];
      if (compare(head.key, key) <= 0) low = middle + 1;
      else high = middle;
    }
    const at = Math.max(0, low - 1);
    const block = blocks[at] ?? [];
    low = 0;
    high = block.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compare((block[middle] as Pair<V>).key, key);
      if (order === 0) return { block: at, index: middle, found: true };
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return { block: at, index: low, found: false };
  }
}
