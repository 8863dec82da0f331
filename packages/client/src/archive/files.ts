import { ClientError } from "../errors.ts";
import type { ArchiveSource } from "./import.ts";

/** Files of the platform, where it has some. */
export interface ArchiveFiles {
  /** Writes a whole file or none. */
  write(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  read(path: string): AsyncIterable<Uint8Array>;
}

/** A path, or the bytes themselves, or something that can be read more than once. */
export type ArchiveInput = string | Uint8Array | ArchiveSource;

export function sourceOf(input: ArchiveInput, files: ArchiveFiles | undefined): ArchiveSource {
  if (input instanceof Uint8Array) return { open: () => [input] };
  if (typeof input !== "string") return input;
  const readable = needFiles(files);
  return { open: () => readable.read(input) };
}

export function needFiles(files: ArchiveFiles | undefined): ArchiveFiles {
  if (files) return files;
  // Elsewhere than on Node: `exportArchive` and bytes do the same.
  throw new ClientError("client/unsupported", { what: "files" });
}
