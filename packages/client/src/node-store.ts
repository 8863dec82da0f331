import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { deleteSqliteStore, openSqliteStore } from "@coterie/storage/sqlite";
import { parseDatabaseKey } from "./database-key.ts";
import { ClientError } from "./errors.ts";

/** Where a client of Node keeps what it knows. */
export interface NodeStoreOptions {
  /** A file, null for memory only, or a file by inbox. Default `xmtp-<env>-<inbox id>.db3` in the working directory. */
  readonly dbPath?: string | null | ((inboxId: string) => string) | undefined;
  /** 32 bytes, or as many in hex with or without 0x. Needed for every file. */
  readonly dbEncryptionKey?: Uint8Array | string | undefined;
  /** Taken and without effect, as are the two below: one connection serves a file. */
  readonly maxDbPoolSize?: number | undefined;
  readonly minDbPoolSize?: number | undefined;
  readonly useSingleConnection?: boolean | undefined;
  /** Leaves messages and private keys readable to whoever gets hold of the file. For throw-away data alone. */
  readonly unsafePlaintextDatabase?: boolean | undefined;
}

interface Named extends NodeStoreOptions {
  readonly env?: string | undefined;
}

/** Refuses a file without a key before anything is opened. Throws `client/database-key-missing`, `client/bad-argument`. */
export function checkStoreOptions(options: Named): void {
  const { dbPath, dbEncryptionKey, unsafePlaintextDatabase } = options;
  if (dbEncryptionKey !== undefined) {
    parseDatabaseKey(dbEncryptionKey);
    if (unsafePlaintextDatabase === true) {
      throw new ClientError("client/bad-argument", { argument: "unsafePlaintextDatabase" });
    }
  } else if (dbPath !== null && unsafePlaintextDatabase !== true) {
    throw new ClientError("client/database-key-missing", { option: "dbEncryptionKey" });
  }
}

function fileOf({ dbPath, env = "local" }: Named, inboxId: string): string | undefined {
  if (dbPath === null) return undefined;
  if (typeof dbPath === "function") return dbPath(inboxId);
  return dbPath ?? `xmtp-${env}-${inboxId}.db3`;
}

/** Opens the store of an inbox. Throws a StorageError: `storage/wrong-key`, `storage/in-use` where another client has the file open, … */
export async function openNodeStore(options: Named, inboxId: string): Promise<Store> {
  const path = fileOf(options, inboxId);
  if (path === undefined) return createMemoryStore();
  const { dbEncryptionKey: key } = options;
  return key === undefined
    ? openSqliteStore({ path, unencrypted: true })
    : openSqliteStore({ path, key: parseDatabaseKey(key) });
}

/** Deletes the file of an inbox with its companions. */
export async function deleteNodeStore(options: Named, inboxId: string): Promise<void> {
  const path = fileOf(options, inboxId);
  if (path !== undefined) await deleteSqliteStore(path);
}
