import { openEngine } from "./engine.ts";
import type { Database, Statement } from "./engine.ts";
import { systemClock } from "@coterie/base";
import type { Clock } from "@coterie/base";
import { NodeError } from "../errors.ts";
import { clampCursor, entryHash, nextTime, takePage } from "./entries.ts";
import type {
  Appended,
  GroupMessage,
  IdentifierKind,
  IdentityAppend,
  NewCommitLogEntry,
  NewGroupMessage,
  NewIdentityUpdate,
  NewWelcome,
  NodeLog,
  PageQuery,
  Watcher,
  Welcome,
} from "./log.ts";
import { schema, schemaVersion } from "./schema.ts";
import {
  sizeOfMessage,
  toCommitLogEntry,
  toGroupMessage,
  toIdentity,
  toWelcome,
} from "./sqlite-rows.ts";
import { createNewestHeads } from "./newest-heads.ts";
import { createPruner } from "./sqlite-prune.ts";
import type { IdentityRow, MessageRow } from "./sqlite-rows.ts";
import { prepareStatements } from "./sqlite-statements.ts";
import type { PagedStatements } from "./sqlite-statements.ts";
import { closedError, storageError } from "./storage-errors.ts";
import { createWriter } from "./writer.ts";
import type { WriterStats } from "./writer.ts";

export interface SqliteLogOptions {
  /** A file, or `:memory:`. */
  readonly path: string;
  readonly clock?: Clock;
  /** The file may not grow past this; writes then fail with `node/storage-full`. */
  readonly maxBytes?: number;
}

export interface SqliteLog extends NodeLog {
  readonly stats: Readonly<WriterStats>;
}

const kindNumbers: Record<IdentifierKind, number> = { ethereum: 1, passkey: 2 };

/** What a job stored, for the watchers. */
interface Stored {
  readonly appended: Appended;
  readonly groupMessages?: readonly GroupMessage[];
  readonly welcomes?: readonly Welcome[];
}

/**
 * Opens the log in one SQLite file, making its tables where it is new. One process at a time may hold it: see `lockFolder`.
 * Throws `node/storage-…` where the file cannot be used, `node/newer-data` where a later version wrote it.
 */
export function openSqliteLog(options: SqliteLogOptions): SqliteLog {
  const clock = options.clock ?? systemClock;
  const db = openDatabase(options);
  const statements = prepareStatements(db);
  let prune = createPruner(statements);
  const watchers = new Set<Watcher>();
  const heads = createNewestHeads();
  let closed = false;

  const writer = createWriter(db, (results) => {
    const stored = results.filter((result): result is Stored => isStored(result));
    const messages = stored.flatMap((one) => one.groupMessages ?? []);
    for (const message of messages) heads.put(message);
    if (watchers.size === 0) return;
    const welcomes = stored.flatMap((one) => one.welcomes ?? []);
    for (const watcher of watchers) {
      if (messages.length > 0) watcher.groupMessages?.(messages);
      if (welcomes.length > 0) watcher.welcomes?.(welcomes);
    }
  });

  const read = async <T>(work: () => T): Promise<T> => {
    if (closed) throw closedError();
    try {
      return work();
    } catch (error) {
      throw storageError(error);
    }
  };

  const page = <Row, Entry>(
    queries: PagedStatements,
    query: PageQuery,
    fromRow: (row: Row) => Entry,
    sizeOf: (entry: Entry) => number,
  ): Promise<{ entries: Entry[]; full: boolean }> =>
    read(() => {
      const ascending = query.direction === "ascending";
      const cursor = clampCursor(query.cursor ?? (ascending ? 0n : clampCursor(1n << 64n)));
      const rows = queries[query.direction].iterate(query.topic, cursor, query.limit);
      return takePage(map(rows as Iterable<Row>, fromRow), query, sizeOf);
    });

  const lastTime = (statement: Statement, topic: Uint8Array | string): bigint | undefined =>
    (statement.get(topic) as { t: bigint } | undefined)?.t;

  return {
    stats: writer.stats,

    async appendGroupMessages(messages: readonly NewGroupMessage[]): Promise<Appended> {
      const hashes = messages.map((message) => entryHash(message.groupId, message.data));
      const { appended } = await writer.write((): Stored => {
        const stored: GroupMessage[] = [];
        messages.forEach((message, index) => {
          const createdNs = nextTime(
            clock.nowNs(),
            lastTime(statements.lastMessageTime, message.groupId),
          );
          const { changes, lastInsertRowid } = statements.insertMessage.run(
            message.groupId,
            createdNs,
            message.data,
            message.senderHmac,
            message.shouldPush ? 1 : 0,
            message.isCommit ? 1 : 0,
            hashes[index],
          );
          if (changes > 0) stored.push({ ...message, id: BigInt(lastInsertRowid), createdNs });
        });
        return { appended: count(messages.length, stored.length), groupMessages: stored };
      });
      return appended;
    },

    groupMessages: (query) => page(statements.messages, query, toGroupMessage, sizeOfMessage),

    newestGroupMessages: (groupIds, { content }) =>
      read(() => {
        const statement = content ? statements.newestMessage : statements.newestMessageHead;
        return groupIds.map((groupId) => {
          const head = content ? undefined : heads.get(groupId);
          if (head !== undefined) return head;
          const row = statement.get(groupId) as MessageRow | undefined;
          if (row === undefined) return undefined;
          const message = toGroupMessage(row);
          heads.put(message);
          return message;
        });
      }),

    async appendWelcomes(welcomes: readonly NewWelcome[]): Promise<Appended> {
      const hashes = welcomes.map((welcome) => entryHash(welcome.installationKey, welcome.data));
      const { appended } = await writer.write((): Stored => {
        const stored: Welcome[] = [];
        welcomes.forEach((welcome, index) => {
          const createdNs = nextTime(
            clock.nowNs(),
            lastTime(statements.lastWelcomeTime, welcome.installationKey),
          );
          const { changes, lastInsertRowid } = statements.insertWelcome.run(
            welcome.installationKey,
            createdNs,
            welcome.kind === "pointer" ? 1 : 0,
            welcome.data,
            welcome.hpkePublicKey,
            welcome.wrapperAlgorithm,
            welcome.welcomeMetadata,
            hashes[index],
          );
          if (changes > 0) stored.push({ ...welcome, id: BigInt(lastInsertRowid), createdNs });
        });
        return { appended: count(welcomes.length, stored.length), welcomes: stored };
      });
      return appended;
    },

    welcomes: (query) =>
      page(statements.welcomes, query, toWelcome, (welcome) => welcome.data.length + 256),

    async putKeyPackage(installationKey, keyPackage) {
      await writer.write(() => {
        statements.putKeyPackage.run(installationKey, keyPackage, clock.nowNs());
      });
    },

    keyPackages: (keys) =>
      read(() =>
        keys.map((key) => (statements.keyPackage.get(key) as { k: Uint8Array } | undefined)?.k),
      ),

    appendIdentityUpdate: (update: NewIdentityUpdate): Promise<IdentityAppend> =>
      writer.write((): IdentityAppend => {
        const last = statements.lastIdentity.get(update.inboxId) as
          | { sequence_id: bigint; t: bigint }
          | undefined;
        if ((last?.sequence_id ?? 0n) !== update.expectedLast) return { kind: "conflict" };
        const sequenceId = BigInt(
          statements.insertIdentity.run(
            update.inboxId,
            nextTime(clock.nowNs(), last?.t),
            update.update,
          ).lastInsertRowid,
        );
        for (const { kind, text } of update.revoked) {
          statements.revoke.run(sequenceId, kindNumbers[kind], text, update.inboxId);
        }
        for (const { kind, text } of update.added) {
          statements.associate.run(kindNumbers[kind], text, sequenceId, update.inboxId);
        }
        return { kind: "appended", sequenceId };
      }),

    identityUpdates: (inboxId, after) =>
      read(() =>
        (statements.identities.all(inboxId, clampCursor(after)) as IdentityRow[]).map(toIdentity),
      ),

    inboxIds: (identifiers) =>
      read(() =>
        identifiers.map(
          ({ kind, text }) =>
            (statements.inboxId.get(kindNumbers[kind], text) as { i: string } | undefined)?.i,
        ),
      ),

    async appendCommitLog(entries: readonly NewCommitLogEntry[]) {
      await writer.write(() => {
        for (const { groupId, entry, signature, publicKey } of entries) {
          statements.insertCommitLog.run(groupId, clock.nowNs(), entry, signature, publicKey);
        }
      });
    },

    commitLog: (query) =>
      page(statements.commitLog, query, toCommitLogEntry, ({ entry }) => entry.length + 128),

    async prune(limits) {
      try {
        return await writer.write(() => {
          heads.clear();
          return prune(limits);
        });
      } catch (error) {
        // it is not where it was: what was deleted is there again
        prune = createPruner(statements);
        throw error;
      }
    },

    watch(watcher) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },

    async close() {
      if (closed) return;
      writer.close();
      closed = true;
      db.close();
    },
  };
}

function openDatabase({ path, maxBytes }: SqliteLogOptions): Database {
  let db: Database | undefined;
  try {
    db = openEngine(path, { timeout: 5000 });
    db.pragma("journal_mode = WAL");
    // FULL: a commit that was acknowledged is on the disk (NORMAL would lose it with the power)
    db.pragma("synchronous = FULL");
    // checkpoints run inside a commit: fewer of them, each over more pages
    db.pragma("wal_autocheckpoint = 4000");
    db.pragma("temp_store = MEMORY");
    db.pragma("cache_size = -65536");
    db.defaultSafeIntegers(true);
    const version = Number(db.pragma("user_version", { simple: true }));
    if (version > schemaVersion) {
      throw new NodeError("node/newer-data", {
        details: { version, known: schemaVersion },
      });
    }
    if (version === 0) {
      db.exec(`BEGIN; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT;`);
    }
    if (maxBytes !== undefined) {
      const pageSize = Number(db.pragma("page_size", { simple: true }));
      db.pragma(`max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize))}`);
    }
    return db;
  } catch (error) {
    db?.close();
    throw storageError(error);
  }
}

function isStored(result: unknown): result is Stored {
  return typeof result === "object" && result !== null && "appended" in result;
}

function count(asked: number, stored: number): Appended {
  return { stored, duplicates: asked - stored };
}

function* map<Row, Entry>(rows: Iterable<Row>, fromRow: (row: Row) => Entry): Iterable<Entry> {
  for (const row of rows) yield fromRow(row);
}
