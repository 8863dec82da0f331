import { NodeError } from "../errors.ts";

/** Translates what the engine threw; errors that are ours already pass. */
export function storageError(error: unknown): NodeError {
  if (error instanceof NodeError) return error;
  const engine = String((error as { code?: unknown } | null)?.code ?? "unknown");
  const details = { engine };
  if (engine === "SQLITE_FULL") {
    return new NodeError("node/storage-full", { details, cause: error });
  }
  if (engine.startsWith("SQLITE_BUSY") || engine.startsWith("SQLITE_LOCKED")) {
    return new NodeError("node/storage-busy", { details, cause: error });
  }
  if (engine.startsWith("SQLITE_CORRUPT") || engine === "SQLITE_NOTADB") {
    return new NodeError("node/storage-corrupt", { details, cause: error });
  }
  return new NodeError("node/storage-failed", { details, cause: error });
}

export function closedError(): NodeError {
  return new NodeError("node/closed");
}
