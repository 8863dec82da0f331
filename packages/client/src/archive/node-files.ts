import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { ClientError } from "../errors.ts";
import type { ArchiveFiles } from "./files.ts";

/** Archives as files that only their owner may read. A file that is there is replaced once the new one is whole. */
export const nodeFiles: ArchiveFiles = {
  async write(path, chunks) {
    const part = `${path}.part`;
    try {
      const file = await open(part, "w", 0o600);
      try {
        for await (const chunk of chunks) await file.appendFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw fileError(error);
    }
  },
  async *read(path) {
    try {
      for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
    } catch (error) {
      throw fileError(error);
    }
  },
};

/** What the file system says, as a code; everything else passes. */
function fileError(error: unknown): unknown {
  const reason = (error as { readonly code?: unknown; readonly syscall?: unknown }) ?? {};
  if (typeof reason.syscall !== "string") return error;
  return new ClientError("client/bad-argument", { file: String(reason.code) }, { cause: error });
}
