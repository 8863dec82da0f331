import { StorageError } from "../errors.ts";
import type { StorageErrorCode } from "../errors.ts";

const codes: Readonly<Record<string, StorageErrorCode>> = {
  QuotaExceededError: "storage/full",
  VersionError: "storage/newer-version",
  DataError: "storage/too-large",
  DataCloneError: "storage/too-large",
  NotReadableError: "storage/corrupt",
};

/** Turns what the browser throws into an error of this package. */
export function translate(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const name = (cause as { name?: unknown } | null | undefined)?.name;
  const engine = typeof name === "string" ? name : "unknown";
  return new StorageError(codes[engine] ?? "storage/io", { engine }, cause);
}
