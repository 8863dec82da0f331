import type { Database } from "./engine.ts";
import { closedError, storageError } from "./storage-errors.ts";

interface Job {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface WriterStats {
  transactions: number;
  writes: number;
}

/** Runs writes in order; those that were asked for in one turn of the event loop share a transaction, hence an fsync. */
export interface Writer {
  /** `work` runs inside the transaction and must not wait. Its changes are kept whole or not at all. */
  write<T>(work: () => T): Promise<T>;
  readonly stats: Readonly<WriterStats>;
  close(): void;
}

/** `committed` runs after a transaction became durable and before its writers hear of it. */
export function createWriter(db: Database, committed: (results: unknown[]) => void): Writer {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  const savepoint = db.prepare("SAVEPOINT job");
  const release = db.prepare("RELEASE job");
  const undo = db.prepare("ROLLBACK TO job");
  const stats: WriterStats = { transactions: 0, writes: 0 };
  let queue: Job[] = [];
  let scheduled = false;
  let closed = false;

  /** One job fails alone, unless SQLite gave up the whole transaction. */
  const runJob = (job: Job): { job: Job; value: unknown } | undefined => {
    savepoint.run();
    try {
      const value = job.run();
      release.run();
      return { job, value };
    } catch (error) {
      if (!db.inTransaction) throw error;
      undo.run();
      release.run();
      job.reject(storageError(error));
      return undefined;
    }
  };

  const flush = (): void => {
    scheduled = false;
    const jobs = queue;
    queue = [];
    const done: { job: Job; value: unknown }[] = [];
    try {
      begin.run();
      for (const job of jobs) {
        const outcome = runJob(job);
        if (outcome !== undefined) done.push(outcome);
      }
      commit.run();
    } catch (error) {
      if (db.inTransaction) rollback.run();
      const failure = storageError(error);
      for (const job of jobs) job.reject(failure);
      return;
    }
    stats.transactions++;
    stats.writes += done.length;
    committed(done.map(({ value }) => value));
    for (const { job, value } of done) job.resolve(value);
  };

  return {
    stats,
    write<T>(work: () => T): Promise<T> {
      if (closed) return Promise.reject(closedError());
      return new Promise<T>((resolve, reject) => {
        queue.push({ run: work, resolve: resolve as (value: unknown) => void, reject });
        if (!scheduled) {
          scheduled = true;
          setImmediate(flush);
        }
      });
    },
    close() {
      closed = true;
      if (queue.length > 0) flush();
    },
  };
}
