import { systemRandom } from "@coterie/base";
import { checkBytes, checkRange, copy, copyChanges } from "../checks.ts";
import { StorageError } from "../errors.ts";
import { OrderedMap } from "../ordered.ts";
import type { Change, Entry, Range, Store, WriteOptions } from "../store.ts";
import { NAMES, VALUES, answerOf, committed } from "./database.ts";
import type { Lock } from "./lock.ts";
import { addName, encodeList, freshId, listsToMerge, namesPerList, removeName } from "./names.ts";
import type { Name, NameList, Names } from "./names.ts";
import type { Sealers } from "./seal.ts";
import { translate } from "./translate.ts";

interface Batch {
  readonly changes: readonly Change[];
  readonly durable: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** What a key will be once the batches under way are written: a value, or undefined for none. */
type Outcome = { readonly key: Uint8Array; readonly value: Uint8Array | undefined };

/** A number below 2^53 that nobody can guess. */
function drawId(): number {
  const view = new DataView(systemRandom.bytes(8).buffer);
  return (view.getUint32(0) & 0x1f_ffff) * 2 ** 32 + view.getUint32(4);
}

/**
 * One page's hold on a database. Keys live in memory, in order; the browser sees random numbers and sealed bytes. One transaction
 * is written at a time and readers wait for it, so that the keys in memory and the records in the database are of one moment.
 */
export class IndexedDbStore implements Store {
  readonly #db: IDBDatabase;
  readonly #sealers: Sealers;
  readonly #names: Names;
  readonly #lock: Lock;
  #queue: Batch[] = [];
  #writing: Promise<void> | undefined;
  /** The transaction that is being written, as opposed to what is still being sealed. */
  #committing: Promise<unknown> | undefined;
  #closing: Promise<void> | undefined;
  #lost = false;

  constructor(db: IDBDatabase, sealers: Sealers, names: Names, lock: Lock) {
    this.#db = db;
    this.#sealers = sealers;
    this.#names = names;
    this.#lock = lock;
    // The browser gave the database up: its files were deleted, or broke.
    db.onclose = () => {
      this.#lost = true;
    };
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return (await this.getMany([key]))[0];
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#open();
    for (const key of keys) checkBytes(key, "key");
    const wanted = keys.map(copy);
    return this.#read(() => wanted.map((key) => this.#names.ordered.get(key)));
  }

  async list(range: Range): Promise<Entry[]> {
    this.#open();
    checkRange(range);
    const { reverse = false, limit = Number.POSITIVE_INFINITY } = range;
    const [from, to] = [copy(range.from), copy(range.to)];
    const found: Name[] = [];
    const values = await this.#read(() => {
      if (limit === 0) return found;
      for (const [, name] of this.#names.ordered.range(from, to, reverse)) {
        found.push(name);
        if (found.length === limit) break;
      }
      return found;
    });
    return found.map(({ key }, i) => ({ key: copy(key), value: values[i] as Uint8Array }));
  }

  async write(changes: readonly Change[], options: WriteOptions = {}): Promise<void> {
    this.#open();
    const copied = copyChanges(changes);
    if (copied.length === 0) return this.#writing;
    return new Promise((resolve, reject) => {
      const durable = options.durability !== "ordered";
      this.#queue.push({ changes: copied, durable, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#writing;
      // The browser lets reads that began come to their end.
      this.#db.close();
      this.#lock.release();
    })();
    return this.#closing;
  }

  #open(): void {
    if (this.#closing) throw new StorageError("storage/closed");
    if (this.#lost) throw new StorageError("storage/io", { engine: "closed by the browser" });
  }

  async #read(choose: () => readonly (Name | undefined)[]): Promise<(Uint8Array | undefined)[]> {
    while (this.#committing) await this.#committing;
    this.#open();
    try {
      // From here to the last request nothing may wait: a transaction ends with the turn that asks nothing of it.
      const names = choose();
      if (names.every((name) => name === undefined)) return names.map(() => undefined);
      const table = this.#db.transaction(VALUES, "readonly").objectStore(VALUES);
      const records = await Promise.all(
        names.map((name) => name && answerOf(table.get(name.id) as IDBRequest<unknown>)),
      );
      return await Promise.all(
        names.map((name, i) => name && this.#sealers.values.open(name.id, records[i])),
      );
    } catch (cause) {
      throw translate(cause);
    }
  }

  async #writeAll(): Promise<void> {
    // Batches of the same turn come along.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batches = this.#queue;
      this.#queue = [];
      try {
        await this.#writeTogether(batches);
        for (const { resolve } of batches) resolve();
      } catch (cause) {
        if (batches.length === 1) (batches[0] as Batch).reject(translate(cause));
        else await this.#writeApart(batches);
      }
    }
    this.#writing = undefined;
  }

  /** One that fails, fails alone. */
  async #writeApart(batches: readonly Batch[]): Promise<void> {
    for (const batch of batches) {
      try {
        await this.#writeTogether([batch]);
        batch.resolve();
      } catch (cause) {
        batch.reject(translate(cause));
      }
    }
  }

  async #writeTogether(batches: readonly Batch[]): Promise<void> {
    const names = this.#names;
    const puts: { readonly id: number; readonly value: Uint8Array }[] = [];
    const added: { readonly key: Uint8Array; readonly id: number }[] = [];
    const removed: Name[] = [];
    for (const { key, value } of this.#outcomes(batches)) {
      const name = names.ordered.get(key);
      if (value === undefined) {
        if (name) removed.push(name);
        continue;
      }
      const id = name?.id ?? freshId(names, drawId);
      if (!name) added.push({ key, id });
      puts.push({ id, value });
    }
    const merged = added.length > 0 ? listsToMerge(names) : [];
    const gone = new Set(removed);
    const moved = merged.flatMap(({ live }) => [...live].filter((name) => !gone.has(name)));
    const lists = chunked([...moved, ...added]).map((entries, i) => ({
      number: names.nextList + i,
      entries,
    }));
    // Sealing waits, and a transaction does not wait with it: all bytes are ready before it begins.
    const sealedValues = await Promise.all(
      puts.map(({ id, value }) => this.#sealers.values.seal(id, value)),
    );
    const sealedLists = await Promise.all(
      lists.map(({ number, entries }) => this.#sealers.names.seal(number, encodeList(entries))),
    );
    if (this.#lost) throw new StorageError("storage/io", { engine: "closed by the browser" });
    const transaction = this.#db.transaction([VALUES, NAMES], "readwrite", {
      // The browser's log is in order: waiting for one transaction takes those before along.
      durability: batches.some(({ durable }) => durable) ? "strict" : "relaxed",
    });
    const done = committed(transaction);
    this.#committing = done.catch(() => undefined);
    try {
      const values = transaction.objectStore(VALUES);
      const table = transaction.objectStore(NAMES);
      for (const [i, { id }] of puts.entries()) values.put(sealedValues[i], id);
      for (const { id } of removed) values.delete(id);
      for (const [i, { number }] of lists.entries()) table.put(sealedLists[i], number);
      for (const { number } of merged) table.delete(number);
      await done;
      this.#adopt({ added, removed, moved, merged, lists });
    } catch (cause) {
      // A request that is refused at once ends nothing by itself: those before it would be kept.
      abort(transaction);
      await this.#committing;
      throw cause;
    } finally {
      this.#committing = undefined;
    }
  }

  /** What is true in the database becomes true in memory. */
  #adopt(written: {
    readonly added: readonly { readonly key: Uint8Array; readonly id: number }[];
    readonly removed: readonly Name[];
    readonly moved: readonly Name[];
    readonly merged: readonly NameList[];
    readonly lists: readonly {
      readonly number: number;
      readonly entries: readonly { readonly id: number }[];
    }[];
  }): void {
    const names = this.#names;
    const home = new Map<number, NameList>();
    for (const { number, entries } of written.lists) {
      const list: NameList = { number, live: new Set() };
      names.lists.add(list);
      names.nextList = Math.max(names.nextList, number + 1);
      for (const { id } of entries) home.set(id, list);
    }
    for (const name of written.removed) removeName(names, name);
    for (const name of written.moved) {
      name.list = home.get(name.id) as NameList;
      name.list.live.add(name);
    }
    for (const list of written.merged) names.lists.delete(list);
    for (const { key, id } of written.added) {
      addName(names, { key, id, list: home.get(id) as NameList });
    }
  }

  /** What the batches come to, one after the other: a key at most once. */
  #outcomes(batches: readonly Batch[]): Outcome[] {
    const after = new OrderedMap<Outcome>();
    for (const change of batches.flatMap(({ changes }) => changes)) {
      if (change.kind === "put") {
        after.set(change.key, { key: change.key, value: change.value });
      } else if (change.kind === "delete") {
        after.set(change.key, { key: change.key, value: undefined });
      } else {
        const { from, to } = change;
        const keys = [
          ...[...this.#names.ordered.range(from, to, false)].map(([key]) => key),
          ...[...after.range(from, to, false)].map(([key]) => key),
        ];
        for (const key of keys) after.set(key, { key, value: undefined });
      }
    }
    return [...after.values()];
  }
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It was over already.
  }
}

function chunked<T>(entries: readonly T[]): (readonly T[])[] {
  const out: (readonly T[])[] = [];
  for (let at = 0; at < entries.length; at += namesPerList) {
    out.push(entries.slice(at, at + namesPerList));
  }
  return out;
}
