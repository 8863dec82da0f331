import { closeSync, openSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { toHex, toUtf8, wipe } from "@coterie/base";
import { StorageError } from "../errors.ts";
import type { Store } from "../store.ts";
import { openEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { migrate, readVersion } from "./format.ts";
import { createSalt, inspect, saltFits } from "./header.ts";
import { takeLock } from "./lock.ts";
import type { Lock } from "./lock.ts";
import { SqliteStore } from "./store.ts";
import { translate } from "./translate.ts";

/** Where a store lives and what opens it. */
export interface SqliteStoreOptions {
  /** The file, created where there is none (its folder is not), or ":memory:" for a database that is gone when closed. */
  readonly path: string;
  /** 32 bytes that the app keeps elsewhere. The store does not keep the array. */
  readonly key?: Uint8Array | undefined;
  /** Writes everything in the clear. Only for what is no secret, or where something below encrypts. */
  readonly unencrypted?: boolean | undefined;
  /** The size at which the file stops growing and `write` fails with `storage/full`. Unlimited by default. */
  readonly maxBytes?: number | undefined;
}

const pageSize = 4096;
const keyLength = 32;

/**
 * Opens a store in one SQLite file, encrypted and authenticated page by page (ChaCha20-Poly1305) unless told otherwise. One
 * holder per file. Throws `storage/bad-key`, `storage/bad-path`, `storage/in-use`, `storage/wrong-key`, `storage/corrupt`,
 * `storage/not-a-store`, `storage/newer-version`, `storage/unavailable`, `storage/io`.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, key, unencrypted = false, maxBytes } = options;
  checkCap(maxBytes);
  if (path === ":memory:") return openMemory(maxBytes);
  checkKey(key, unencrypted);
  const file = checkPath(path);
  const lock = takeLock(file);
  let engine: Engine | undefined;
  try {
    const salt = fitKey(file, key);
    createPrivately(file);
    engine = openEngine(file);
    if (key !== undefined && salt !== undefined) useKey(engine, key, salt);
    // First of all: it keeps other programs out of the file, and the log's index in our own memory.
    engine.pragma("locking_mode = EXCLUSIVE");
    const version = readVersion(engine);
    configure(engine, maxBytes);
    migrate(engine, version);
    return new SqliteStore(engine, lock);
  } catch (cause) {
    closeQuietly(engine, lock);
    throw translate(cause, "open");
  }
}

/** The absolute path of a store's file. Throws `storage/bad-path` for what the engine would take for something else. */
export function checkPath(path: unknown): string {
  // The engine trims names, takes an empty one for a temporary database, and ends a name at its first zero.
  if (typeof path !== "string" || path.trim() !== path || path === "" || path.includes("\0")) {
    throw new StorageError("storage/bad-path", { found: typeof path });
  }
  const absolute = resolve(path);
  // One file has one lock, whatever link leads to it.
  return (
    realPath(absolute) ?? join(realPath(dirname(absolute)) ?? dirname(absolute), basename(absolute))
  );
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function checkKey(key: Uint8Array | undefined, unencrypted: boolean): void {
  if (unencrypted !== (key === undefined)) {
    throw new StorageError("storage/bad-key", { found: unencrypted ? "key and none" : "no key" });
  }
  if (key !== undefined && !(key instanceof Uint8Array)) {
    throw new StorageError("storage/bad-key", { found: typeof key });
  }
  if (key !== undefined && key.length !== keyLength) {
    throw new StorageError("storage/bad-key", { limit: keyLength, size: key.length });
  }
}

function checkCap(maxBytes: number | undefined): void {
  if (maxBytes !== undefined && (!Number.isSafeInteger(maxBytes) || maxBytes < pageSize)) {
    throw new StorageError("storage/bad-argument", { what: "maxBytes", limit: pageSize });
  }
}

/** Settles whether key and file belong together before the engine touches either. The salt to use, if there is a key. */
function fitKey(path: string, key: Uint8Array | undefined): Uint8Array | undefined {
  const file = inspect(path);
  if (file.kind === "foreign") throw new StorageError("storage/not-a-store");
  if (key === undefined) {
    if (file.kind === "encrypted") throw new StorageError("storage/wrong-key", { file: file.kind });
    return undefined;
  }
  if (file.kind === "new") return createSalt(key);
  if (file.kind === "plain" || !saltFits(file.salt, key)) {
    throw new StorageError("storage/wrong-key", { file: file.kind });
  }
  return file.salt;
}

/** A new file is readable by its owner alone; the engine gives its companions the same rights. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (cause) {
    const system = (cause as { code?: string }).code;
    if (system === "EEXIST") return;
    const code = system === "ENOSPC" ? "storage/full" : "storage/bad-path";
    throw new StorageError(code, { system }, cause);
  }
}

function useKey(engine: Engine, key: Uint8Array, salt: Uint8Array): void {
  engine.pragma("cipher = 'chacha20'");
  // As bytes through the engine's own door: in SQL text the key could end up in an error or a log.
  // Without "raw:" it would be taken for a passphrase and stretched.
  const secret = Buffer.from(toUtf8(`raw:${toHex(key)}${toHex(salt)}`));
  try {
    const result = engine.key(secret);
    if (result !== 0) throw new StorageError("storage/io", { engine: result });
  } finally {
    wipe(secret);
  }
}

function configure(engine: Engine, maxBytes: number | undefined): void {
  engine.pragma(`page_size = ${pageSize}`);
  engine.pragma("journal_mode = WAL");
  engine.pragma("synchronous = FULL");
  // Where the system distinguishes, "written" shall mean the medium and not its cache.
  engine.pragma("fullfsync = ON");
  engine.pragma("checkpoint_fullfsync = ON");
  engine.pragma("secure_delete = ON");
  engine.pragma("temp_store = MEMORY");
  engine.pragma("trusted_schema = OFF");
  engine.pragma("cell_size_check = ON");
  engine.pragma("journal_size_limit = 4194304");
  if (maxBytes !== undefined) {
    engine.pragma(`max_page_count = ${Math.min(Math.floor(maxBytes / pageSize), 4_294_967_294)}`);
  }
}

function openMemory(maxBytes: number | undefined): Store {
  const engine = openEngine(":memory:");
  try {
    configure(engine, maxBytes);
    migrate(engine, 0n);
  } catch (cause) {
    engine.close();
    throw translate(cause, "open");
  }
  return new SqliteStore(engine, undefined);
}

function closeQuietly(engine: Engine | undefined, lock: Lock): void {
  try {
    engine?.close();
  } catch {
    // The first failure is the one to tell.
  } finally {
    lock.release();
  }
}
