import { wipe } from "@coterie/base";
import { checkBytes, checkRange, copyChanges } from "../checks.ts";
import { StorageError } from "../errors.ts";
import type { Change, Entry, Range, Store, WriteOptions } from "../store.ts";
import type { Engine, Statement } from "./engine.ts";
import type { Lock } from "./lock.ts";
import { translate } from "./translate.ts";

interface Batch {
  readonly changes: readonly Change[];
  readonly durable: boolean;
  readonly resolve: () => void;
  readonly reject: (error: StorageError) => void;
}

type Row = readonly [key: Buffer, value: Buffer];

/**
 * A store on an open database. Batches asked for in one turn of the event loop share one transaction and thus one wait for the
 * disk; where that transaction fails, each batch gets its own, so that a bad one fails alone.
 */
export class SqliteStore implements Store {
  readonly #engine: Engine;
  readonly #lock: Lock | undefined;
  readonly #statements: Statements;
  #queue: Batch[] = [];
  /** As the database is opened. */
  #waits = true;
  #flushing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(engine: Engine, lock: Lock | undefined) {
    this.#engine = engine;
    this.#lock = lock;
    this.#statements = prepare(engine);
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    checkBytes(key, "key");
    return this.#read(() => this.#value(key));
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    for (const key of keys) checkBytes(key, "key");
    return this.#read(() => keys.map((key) => this.#value(key)));
  }

  async list(range: Range): Promise<Entry[]> {
    checkRange(range);
    const { from, to, reverse = false, limit } = range;
    const statement = reverse ? this.#statements.descending : this.#statements.ascending;
    // To SQLite a negative limit is none.
    const rows = this.#read(() => statement.all(from, to, limit ?? -1));
    return rows.map(([key, value]) => ({ key: plain(key), value: plain(value) }));
  }

  async write(changes: readonly Change[], options: WriteOptions = {}): Promise<void> {
    this.#checkOpen();
    const copied = copyChanges(changes);
    return new Promise((resolve, reject) => {
      const durable = options.durability !== "ordered";
      this.#queue.push({ changes: copied, durable, resolve, reject });
      this.#flushing ??= new Promise((done) => {
        // After everything else that runs in this turn, so that its writes are here too.
        setImmediate(() => {
          this.#flushing = undefined;
          this.#flush();
          done();
        });
      });
    });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#flushing;
    try {
      this.#engine.close();
    } catch (cause) {
      throw translate(cause, "close");
    } finally {
      this.#lock?.release();
    }
  }

  #flush(): void {
    const batches = this.#queue;
    this.#queue = [];
    const failure = this.#transact(batches);
    for (const batch of batches) {
      // Alone, a batch has just had its own transaction.
      const own = failure && batches.length > 1 ? this.#transact([batch]) : failure;
      forget(batch.changes);
      if (own) batch.reject(own);
      else batch.resolve();
    }
  }

  /** Writes batches in one transaction, which is durable when this returns. The failure, if nothing of it was written. */
  #transact(batches: readonly Batch[]): StorageError | undefined {
    const engine = this.#engine;
    try {
      this.#awaitMedium(batches.some(({ durable }) => durable));
      engine.exec("BEGIN IMMEDIATE");
      for (const { changes } of batches) for (const change of changes) this.#apply(change);
      engine.exec("COMMIT");
      return undefined;
    } catch (cause) {
      try {
        // Some failures have rolled back already.
        if (engine.inTransaction) engine.exec("ROLLBACK");
      } catch {
        // The transaction is not committed, and the first failure is the one to tell.
      }
      return translate(cause, "write");
    }
  }

  /** In WAL mode FULL waits for the medium at each commit, which takes the commits before along; NORMAL leaves it to the next one. */
  #awaitMedium(wait: boolean): void {
    if (this.#waits === wait) return;
    this.#engine.pragma(`synchronous = ${wait ? "FULL" : "NORMAL"}`);
    this.#waits = wait;
  }

  #apply(change: Change): void {
    const { put, remove, removeRange } = this.#statements;
    switch (change.kind) {
      case "put":
        put.run(change.key, change.value);
        break;
      case "delete":
        remove.run(change.key);
        break;
      case "delete-range":
        removeRange.run(change.from, change.to);
        break;
      default:
        change satisfies never;
    }
  }

  #value(key: Uint8Array): Uint8Array | undefined {
    const value = this.#statements.get.get(key);
    return value && plain(value);
  }

  #read<T>(read: () => T): T {
    this.#checkOpen();
    try {
      return read();
    } catch (cause) {
      throw translate(cause, "read");
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StorageError("storage/closed");
  }
}

interface Statements {
  readonly get: Statement<[Uint8Array], Buffer>;
  readonly put: Statement<[Uint8Array, Uint8Array], never>;
  readonly remove: Statement<[Uint8Array], never>;
  readonly removeRange: Statement<[Uint8Array, Uint8Array], never>;
  readonly ascending: Statement<[Uint8Array, Uint8Array, number], Row>;
  readonly descending: Statement<[Uint8Array, Uint8Array, number], Row>;
}

function prepare(engine: Engine): Statements {
  const list = (order: "ASC" | "DESC"): Statements["ascending"] =>
    engine
      .prepare<[Uint8Array, Uint8Array, number], Row>(
        `SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key ${order} LIMIT ?`,
      )
      .raw();
  return {
    get: engine.prepare<[Uint8Array], Buffer>("SELECT value FROM entries WHERE key = ?").pluck(),
    put: engine.prepare("REPLACE INTO entries (key, value) VALUES (?, ?)"),
    remove: engine.prepare("DELETE FROM entries WHERE key = ?"),
    removeRange: engine.prepare("DELETE FROM entries WHERE key >= ? AND key < ?"),
    ascending: list("ASC"),
    descending: list("DESC"),
  };
}

/** The bytes of a Buffer of the engine as a plain array that owns its memory. */
function plain(bytes: Buffer): Uint8Array {
  const owned = bytes.byteOffset === 0 && bytes.buffer.byteLength === bytes.length;
  return owned ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}

/** The copies of values may hold secrets, and the database has them now. */
function forget(changes: readonly Change[]): void {
  for (const change of changes) if (change.kind === "put") wipe(change.value);
}
