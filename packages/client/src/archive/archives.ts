import type { DeviceSyncParts } from "../device-sync/device-sync.ts";
import { archiveMetadataFor, exportElements } from "./export.ts";
import { needFiles, sourceOf } from "./files.ts";
import type { ArchiveFiles, ArchiveInput } from "./files.ts";
import { writeArchive } from "./frames.ts";
import { importArchive, readArchiveMetadata } from "./import.ts";
import type { ImportSummary } from "./import.ts";
import { toArchiveMetadata } from "./options.ts";
import type { ArchiveMetadata, ArchiveOptions } from "./options.ts";

/** History as files or bytes: no server and no connection are needed (XHS-08 to XHS-10). */
export interface Archives {
  write(key: Uint8Array, options: ArchiveOptions): AsyncGenerator<Uint8Array>;
  create(path: string, key: Uint8Array, options: ArchiveOptions): Promise<void>;
  import(input: ArchiveInput, key: Uint8Array): Promise<ImportSummary>;
  metadata(input: ArchiveInput, key: Uint8Array): Promise<ArchiveMetadata>;
}

export function createArchives(parts: DeviceSyncParts, files: ArchiveFiles | undefined): Archives {
  const { context } = parts;
  const { crypto, random } = context.ports;

  function write(key: Uint8Array, options: ArchiveOptions): AsyncGenerator<Uint8Array> {
    const metadata = archiveMetadataFor(context, options);
    const elements = exportElements(context, metadata, options);
    return writeArchive(crypto, key, random.bytes(12), elements);
  }
  return {
    write,
    create: async (path, key, options) => needFiles(files).write(path, write(key, options)),
    import: async (input, key) => importArchive(parts, sourceOf(input, files), key),
    metadata: async (input, key) =>
      toArchiveMetadata(await readArchiveMetadata(context, sourceOf(input, files), key)),
  };
}
