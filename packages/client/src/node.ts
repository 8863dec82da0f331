import { fromHex } from "@coterie/base";
import type { InboxId } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { privateKeySigner as signerOf } from "@coterie/identity";
import type { EoaSigner, PublicIdentifier, Signer } from "@coterie/identity";
import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { openSqliteStore } from "@coterie/storage/sqlite";
import { createH2Transport } from "@coterie/transport/h2";
import { Client as CoreClient } from "./client.ts";
import type { ClientOptions } from "./client.ts";
import { libxmtpVersion } from "./engine/version.ts";

const urls = { local: "http://localhost:5556" } as const;

/** Options by the names of §11.1. */
export interface NodeClientOptions extends Omit<ClientOptions, "crypto" | "store" | "transport"> {
  /** Only `local`, the node on this machine: all others are given by `apiUrl`. */
  readonly env?: keyof typeof urls | undefined;
  readonly apiUrl?: string | undefined;
  /** A file, null for memory only, or a file by inbox. Default `xmtp-<env>-<inbox id>.db3` in the working directory. */
  readonly dbPath?: string | null | ((inboxId: string) => string) | undefined;
  /** 32 bytes, or as many in hex with or without 0x. Without a key the file is plain. */
  readonly dbEncryptionKey?: Uint8Array | string | undefined;
}

function keyOf(key: Uint8Array | string | undefined): Uint8Array | undefined {
  return typeof key === "string" ? fromHex(key.replace(/^0x/, "")) : key;
}

function transportOf(options: NodeClientOptions): ReturnType<typeof createH2Transport> {
  return createH2Transport({
    url: options.apiUrl ?? urls[options.env ?? "local"],
    metadata: {
      "x-libxmtp-version": libxmtpVersion,
      "x-app-version": options.appVersion ?? "coterie",
    },
  });
}

function coreOptions(options: NodeClientOptions): ClientOptions {
  return {
    ...options,
    crypto: opensslProvider,
    transport: transportOf(options),
    store: async (inboxId: InboxId): Promise<Store> => {
      if (options.dbPath === null) return createMemoryStore();
      const file =
        typeof options.dbPath === "function"
          ? options.dbPath(inboxId)
          : (options.dbPath ?? `xmtp-${options.env ?? "local"}-${inboxId}.db3`);
      const key = keyOf(options.dbEncryptionKey);
      return openSqliteStore({ path: file, key, unencrypted: key === undefined });
    },
  };
}

/** The client of {@link CoreClient} with OpenSSL, SQLite and gRPC over HTTP/2. */
export const Client: {
  create(signer: Signer, options?: NodeClientOptions): Promise<CoreClient>;
  build(identifier: PublicIdentifier, options?: NodeClientOptions): Promise<CoreClient>;
  canMessage(
    identifiers: readonly PublicIdentifier[],
    options?: NodeClientOptions,
  ): Promise<Map<string, boolean>>;
} = {
  create: (signer, options = {}) => CoreClient.create(signer, coreOptions(options)),
  build: (identifier, options = {}) => CoreClient.build(identifier, coreOptions(options)),
  async canMessage(identifiers, options = {}) {
    const transport = transportOf(options);
    try {
      return await CoreClient.canMessage(identifiers, transport);
    } finally {
      await transport.close();
    }
  },
};
export type Client = CoreClient;

/** A signer out of a wallet's private key (32 bytes, or hex with or without 0x), for bots and scripts. */
export function privateKeySigner(privateKey: Uint8Array | string): EoaSigner {
  const key = typeof privateKey === "string" ? fromHex(privateKey.replace(/^0x/, "")) : privateKey;
  return signerOf(opensslProvider, key);
}

export { ClientError } from "./errors.ts";
export { Dm } from "./dm.ts";
export { Group } from "./group.ts";
export type { Conversation } from "./conversation.ts";
export type { DecodedMessage } from "./decoded-message.ts";
export type { EoaSigner, PublicIdentifier, Signer } from "@coterie/identity";
