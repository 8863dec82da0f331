import { silentLog } from "@coterie/base";
import { loadWasmProvider } from "@coterie/crypto/wasm";
import {
  parseIdentifier,
  privateKeySigner as signerOf,
  signerIdentifier,
  toPublicIdentifier,
} from "@coterie/identity";
import { nobleProvider } from "@coterie/crypto/noble";
import type { EoaSigner, PublicIdentifier, Signer } from "@coterie/identity";
import {
  deleteIndexedDbStore,
  deleteKeptKey,
  keptKey,
  openIndexedDbStore,
} from "@coterie/storage/indexeddb";
import { createGrpcWebTransport } from "@coterie/transport/grpc-web";
import { Client as CoreClient } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";
import {
  decryptAttachment as decrypt,
  encryptAttachment as encrypt,
} from "./content/encrypt-attachment.ts";
import type { EncryptedAttachment } from "./content/encrypt-attachment.ts";
import type { Attachment } from "./content/attachment.ts";
import type { RemoteAttachment } from "./content/remote-attachment.ts";
import { deriveDatabaseKey as deriveKey, parseDatabaseKey } from "./database-key.ts";
import type { DatabaseKeyOptions } from "./database-key.ts";
import { libxmtpVersion } from "./engine/version.ts";
import { shareClient } from "./tabs/shared-client.ts";
import type { SharedClient } from "./tabs/shared-client.ts";
import type { TabMessage } from "./tabs/protocol.ts";
import type { TabChannel } from "./tabs/switchboard.ts";

export interface BrowserClientOptions extends Omit<
  ClientOptions,
  "crypto" | "store" | "transport" | "deleteStore"
> {
  /** The node, which must name this page's origin (`--web-origin`). */
  readonly apiUrl: string;
  /** Name of the IndexedDB database. By default one for each identifier and node. */
  readonly dbName?: string | undefined;
  /** 32 bytes, as many in hex, or a key that scripts cannot read. By default one that the browser keeps (`keptKey`). */
  readonly dbEncryptionKey?: Uint8Array | string | CryptoKey | undefined;
}

function transportOf({
  apiUrl,
  appVersion,
}: BrowserClientOptions): ReturnType<typeof createGrpcWebTransport> {
  return createGrpcWebTransport({
    url: apiUrl,
    metadata: {
      "x-libxmtp-version": libxmtpVersion,
      "x-app-version": appVersion ?? "coterie",
    },
  });
}

function dbNameOf(options: BrowserClientOptions, { identifier }: PublicIdentifier): string {
  return options.dbName ?? `coterie:${new URL(options.apiUrl).host}:${identifier.toLowerCase()}`;
}

function keyOf(
  options: BrowserClientOptions,
  dbName: string,
): Promise<CryptoKey> | Uint8Array | CryptoKey {
  const { dbEncryptionKey: key } = options;
  if (key === undefined) return keptKey(dbName);
  return typeof key === "string" || key instanceof Uint8Array ? parseDatabaseKey(key) : key;
}

/** `wait`: a tab that takes over may be sooner than the browser is done with the last one. */
async function opened(
  who: { readonly signer?: Signer | undefined; readonly identifier: PublicIdentifier },
  options: BrowserClientOptions,
  wait: boolean,
): Promise<CoreClient> {
  const dbName = dbNameOf(options, who.identifier);
  const key = await keyOf(options, dbName);
  const crypto = await loadWasmProvider();
  const store = await openIndexedDbStore({ name: dbName, key, wait });
  const transport = transportOf(options);
  const core: ClientOptions = {
    ...options,
    crypto,
    store,
    transport,
    deleteStore: () => deleteDatabase(dbName),
  };
  try {
    return await (who.signer
      ? CoreClient.create(who.signer, core)
      : CoreClient.build(who.identifier, core));
  } catch (error) {
    // There is no client that would close them.
    await transport.close();
    await store.close();
    throw error;
  }
}

async function identifierOf(signer: Signer): Promise<PublicIdentifier> {
  return toPublicIdentifier(await signerIdentifier(signer));
}

/** Deletes what clients of this name kept in the browser, and the key that the browser kept for it. */
export async function deleteDatabase(dbName: string): Promise<void> {
  await deleteIndexedDbStore(dbName);
  await deleteKeptKey(dbName);
}

/** The client of {@link CoreClient} with WebAssembly or noble, IndexedDB and gRPC-web. For one tab: a second gets `storage/in-use`. */
export const Client: {
  create(signer: Signer, options: BrowserClientOptions): Promise<CoreClient>;
  build(identifier: PublicIdentifier, options: BrowserClientOptions): Promise<CoreClient>;
  canMessage(
    identifiers: readonly PublicIdentifier[],
    options: BrowserClientOptions,
  ): Promise<Map<string, boolean>>;
} = {
  create: async (signer, options) =>
    opened({ signer, identifier: await identifierOf(signer) }, options, false),
  build: (identifier, options) => opened({ identifier }, options, false),
  async canMessage(identifiers, options) {
    const transport = transportOf(options);
    try {
      return await CoreClient.canMessage(identifiers, transport);
    } finally {
      await transport.close();
    }
  },
};
export type Client = CoreClient;

/**
 * The client for pages that may be open in several tabs: one tab runs it, the others are served by it, and the next takes over
 * when it is gone. By a signer, or by the identifier of an installation that is registered.
 */
export async function openSharedClient(
  who: Signer | PublicIdentifier,
  options: BrowserClientOptions,
): Promise<SharedClient> {
  const signer = "getIdentifier" in who ? who : undefined;
  const identifier = signer
    ? await identifierOf(signer)
    : toPublicIdentifier(parseIdentifier(who as PublicIdentifier));
  return shareClient({
    name: dbNameOf(options, identifier),
    open: () => opened({ signer, identifier }, options, true),
    platform: {
      locks: navigator.locks,
      openChannel: openBroadcastChannel,
    },
    log: options.log ?? silentLog,
  });
}

function openBroadcastChannel(name: string): TabChannel {
  const channel = new BroadcastChannel(name);
  return {
    // Only tabs of the page's own origin hear it.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    send: (message) => channel.postMessage(message),
    listen(listener) {
      channel.addEventListener("message", ({ data }) => listener(data as TabMessage));
    },
    close: () => channel.close(),
  };
}

/** A signer out of a wallet's private key, for pages that keep one themselves. */
export function privateKeySigner(privateKey: Uint8Array): EoaSigner {
  return signerOf(nobleProvider, privateKey);
}

/** Encrypts a file for an upload anywhere: what comes back goes into a remote attachment. */
export function encryptAttachment(attachment: Attachment): EncryptedAttachment {
  return encrypt(attachment, nobleProvider);
}

/** Opens downloaded bytes with what the message says of them. Throws `client/bad-content` and `crypto/open-failed`. */
export function decryptAttachment(bytes: Uint8Array, remote: RemoteAttachment): Attachment {
  return decrypt(bytes, remote, nobleProvider);
}

/** A `dbEncryptionKey` out of a wallet's signature; what that costs and gives stands at the core's function of this name. */
export function deriveDatabaseKey(
  signer: Signer,
  options: DatabaseKeyOptions,
): Promise<Uint8Array> {
  return deriveKey(signer, options, nobleProvider);
}

export type { DatabaseKeyOptions } from "./database-key.ts";
export { ClientError } from "./errors.ts";
export { Dm } from "./dm.ts";
export { Group } from "./group.ts";
export type { Conversation } from "./conversation.ts";
export type { DecodedMessage } from "./decoded-message.ts";
export { shareClient } from "./tabs/shared-client.ts";
export type { SharedClient, ShareOptions, TabPlatform } from "./tabs/shared-client.ts";
export type { TabChannel } from "./tabs/switchboard.ts";
export type { TabMessage } from "./tabs/protocol.ts";
export type {
  ServedClient,
  ServedConversations,
  ServedDm,
  ServedGroup,
  ServedPreferences,
} from "./tabs/served.ts";
export type {
  EoaSigner,
  PasskeyAssertion,
  PasskeySigner,
  PublicIdentifier,
  Signer,
} from "@coterie/identity";
export { createPasskey, passkeySigner } from "./web-authn.ts";
export type { Passkey, PasskeyOptions } from "./web-authn.ts";
export { deleteKeptKey, keptKey } from "@coterie/storage/indexeddb";
