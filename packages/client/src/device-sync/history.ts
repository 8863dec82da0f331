import { fromHex } from "@coterie/base";
import { archiveMetadataFor, exportElements } from "../archive/export.ts";
import { archiveKeyBytes, writeArchive } from "../archive/frames.ts";
import { importArchive } from "../archive/import.ts";
import type { ImportParts, ImportSummary } from "../archive/import.ts";
import { encodeOptions, toArchiveMetadata } from "../archive/options.ts";
import type { ArchiveMetadata, ArchiveOptions } from "../archive/options.ts";
import { maxTransferBytes } from "../archive/transfer.ts";
import type { HistoryServer } from "../archive/transfer.ts";
import { readRowsBetween } from "../archive/rows-of.ts";
import { ClientError } from "../errors.ts";
import { keys } from "../keys.ts";
import { decodeDeviceSync, usableReply } from "./content.ts";
import type { UsableReply } from "./content.ts";
import type { SyncGroups } from "./sync-groups.ts";

/** An archive that another installation has offered (XHS-07). */
export interface AvailableArchiveInfo {
  readonly pin: string;
  readonly metadata: ArchiveMetadata;
  readonly sentByInstallation: Uint8Array;
}

/** Asking the other installations for history, and giving it (XHS-06, XHS-07). */
export interface History {
  /** Answers with the pin that replies will carry. */
  request(serverUrl: string, options: ArchiveOptions): Promise<string>;
  /** Whether this installation asked with this pin. */
  asked(pin: string): Promise<boolean>;
  /** Exports, uploads and tells the others where. */
  reply(pin: string, serverUrl: string, options: ArchiveOptions): Promise<void>;
  /** Replies in the sync groups, the newest first. */
  available(sinceNs: bigint): Promise<(AvailableArchiveInfo & { readonly reply: UsableReply })[]>;
  /** Downloads and imports. */
  take(reply: Pick<UsableReply, "url" | "key">): Promise<ImportSummary>;
}

export interface HistoryParts extends ImportParts {
  readonly syncGroups: SyncGroups;
  readonly server: HistoryServer;
}

const pinLetters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

function newPin(bytes: (length: number) => Uint8Array): string {
  let pin = "";
  while (pin.length < 5) {
    // Bytes that would favour some letters are drawn again.
    const [byte] = bytes(1) as unknown as [number];
    if (byte < 256 - (256 % pinLetters.length)) pin += pinLetters[byte % pinLetters.length];
  }
  return pin;
}

export function createHistory(parts: HistoryParts): History {
  const { context, syncGroups, server, welcomes } = parts;
  const { store, crypto, random } = context.ports;

  async function archive(
    key: Uint8Array,
    metadata: ReturnType<typeof archiveMetadataFor>,
    options: ArchiveOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const elements = exportElements(context, metadata, options);
    for await (const chunk of writeArchive(crypto, key, random.bytes(12), elements)) {
      size += chunk.length;
      if (size > maxTransferBytes) {
        throw new ClientError(
          "client/transfer-failed",
          { reason: "too large", limit: maxTransferBytes },
          { disposition: "reject" },
        );
      }
      chunks.push(chunk);
    }
    const out = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      out.set(chunk, at);
      at += chunk.length;
    }
    return out;
  }

  return {
    async request(serverUrl, options) {
      const pin = newPin((length) => random.bytes(length));
      const value = { pin, serverUrl, options: encodeOptions(options) };
      const key = keys.deviceSync("pin", pin);
      await store.write([{ kind: "put", key, value: Uint8Array.of(1) }]);
      await syncGroups.send({ kind: "request", value });
      return pin;
    },
    asked: async (pin) => (await store.get(keys.deviceSync("pin", pin))) !== undefined,
    async reply(pin, serverUrl, options) {
      const key = random.bytes(archiveKeyBytes);
      const metadata = archiveMetadataFor(context, options);
      const url = await server.upload(serverUrl, await archive(key, metadata, options));
      const encryptionKey = { kind: "aes256Gcm", value: key } as const;
      const value = { requestId: pin, url, encryptionKey, metadata, kind: 0 };
      await syncGroups.send({ kind: "reply", value });
    },
    async available(sinceNs) {
      const found: (AvailableArchiveInfo & {
        readonly reply: UsableReply;
        readonly atNs: bigint;
      })[] = [];
      for (const cell of await syncGroups.all()) {
        for (const row of await readRowsBetween(store, cell.id, { fromNs: sinceNs })) {
          const content = decodeDeviceSync(row, context.inboxId);
          const reply = content?.kind === "reply" ? usableReply(content.value) : undefined;
          if (!reply) continue;
          const { pin, metadata } = reply;
          found.push({
            pin,
            metadata: toArchiveMetadata(metadata),
            sentByInstallation: fromHex(row.senderInstallationId),
            reply,
            atNs: row.sentAtNs,
          });
        }
      }
      return found.toSorted((a, b) => (a.atNs > b.atNs ? -1 : 1));
    },
    async take({ url, key }) {
      const bytes = await server.download(url);
      // XHS-07: a welcome that is waiting is worth more than a placeholder.
      await welcomes.sync();
      return importArchive(parts, { open: () => [bytes] }, key);
    },
  };
}
