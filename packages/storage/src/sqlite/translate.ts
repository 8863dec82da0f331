import { StorageError } from "../errors.ts";
import type { StorageErrorCode } from "../errors.ts";

// By the first word of the engine's result code; extended codes (SQLITE_IOERR_FSYNC) follow their family.
const families: Readonly<Record<string, StorageErrorCode>> = {
  BUSY: "storage/in-use",
  LOCKED: "storage/in-use",
  CORRUPT: "storage/corrupt",
  NOTADB: "storage/corrupt",
  // A damaged schema shows itself as a missing table or a broken statement.
  ERROR: "storage/corrupt",
  FORMAT: "storage/corrupt",
  FULL: "storage/full",
  TOOBIG: "storage/too-large",
  CANTOPEN: "storage/bad-path",
  PERM: "storage/bad-path",
  READONLY: "storage/bad-path",
  AUTH: "storage/bad-path",
};

/** Turns an error of the engine into ours, once, at the door. Its text names no key: keys never pass through SQL. */
export function translate(
  cause: unknown,
  doing: "open" | "read" | "write" | "close",
): StorageError {
  if (cause instanceof StorageError) return cause;
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (typeof code === "string" && code.startsWith("SQLITE_")) {
    const family = code.slice("SQLITE_".length).split("_", 1)[0] as string;
    // A short read means that the file ends before its pages do.
    const short = code === "SQLITE_IOERR_SHORT_READ" || code === "SQLITE_IOERR_DATA";
    const ours = short ? "storage/corrupt" : (families[family] ?? "storage/io");
    return new StorageError(ours, { doing, engine: code }, cause);
  }
  // The engine's own checks of paths and of the size of values come without a code.
  if (cause instanceof TypeError && doing === "open") {
    return new StorageError("storage/bad-path", { doing }, cause);
  }
  if (cause instanceof RangeError) return new StorageError("storage/too-large", { doing }, cause);
  return new StorageError("storage/io", { doing }, cause);
}
