import { fromHex } from "@coterie/base";
import type { Log } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { privateKeySigner as signerOf } from "@coterie/identity";
import type { EoaSigner, PublicIdentifier, Signer } from "@coterie/identity";
import { nodeFiles } from "./archive/node-files.ts";
import { Client as CoreClient } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";
import {
  decryptAttachment as decrypt,
  encryptAttachment as encrypt,
} from "./content/encrypt-attachment.ts";
import type { EncryptedAttachment } from "./content/encrypt-attachment.ts";
import type { Attachment } from "./content/attachment.ts";
import type { RemoteAttachment } from "./content/remote-attachment.ts";
import { createConsoleLog } from "./console-log.ts";
import type { LogLevel } from "./console-log.ts";
import { deriveDatabaseKey as deriveKey } from "./database-key.ts";
import type { DatabaseKeyOptions } from "./database-key.ts";
import { clientStatics, transportOf } from "./node-backend.ts";
import type { ClientStatics, XmtpEnv } from "./node-backend.ts";
import { nodeCrypto } from "./node-crypto.ts";
import { checkStoreOptions, deleteNodeStore, openNodeStore } from "./node-store.ts";
import type { NodeStoreOptions } from "./node-store.ts";

const historyUrls = { local: "http://localhost:5558" } as const;

/** Options by the names of §11.1. */
export interface NodeClientOptions
  extends
    Omit<ClientOptions, "crypto" | "store" | "transport" | "deleteStore" | "env">,
    NodeStoreOptions {
  /** Only `local`, the node on this machine: all others are given by `apiUrl`. */
  readonly env?: XmtpEnv | undefined;
  readonly apiUrl?: string | undefined;
  /** Threads beside the caller's for groups of hundreds; none by default. All clients of a process share them. */
  readonly threads?: number | undefined;
  /** What is written to the console, by default nothing. Never keys or content. A `log` of the caller's goes before. */
  readonly loggingLevel?: LogLevel | undefined;
  /** One JSON object a line instead of words. */
  readonly structuredLogging?: boolean | undefined;
}

function logOf({ log, loggingLevel, structuredLogging }: NodeClientOptions): Log | undefined {
  if (log !== undefined || loggingLevel === undefined) return log;
  return createConsoleLog({ level: loggingLevel, structured: structuredLogging === true });
}

async function coreOptions(options: NodeClientOptions): Promise<ClientOptions> {
  return {
    files: nodeFiles,
    // The history server of a node on this machine; others are named.
    historySyncUrl: options.apiUrl === undefined ? historyUrls[options.env ?? "local"] : undefined,
    ...options,
    log: logOf(options),
    crypto: await nodeCrypto(options.threads),
    transport: transportOf(options),
    store: (inboxId) => openNodeStore(options, inboxId),
    deleteStore: (inboxId) => deleteNodeStore(options, inboxId),
  };
}

async function opened(
  options: NodeClientOptions,
  open: (core: ClientOptions) => Promise<CoreClient>,
): Promise<CoreClient> {
  checkStoreOptions(options);
  const core = await coreOptions(options);
  try {
    return await open(core);
  } catch (error) {
    // Nobody else has it: there is no client that would close it.
    await core.transport.close();
    throw error;
  }
}

/** The client of {@link CoreClient} with OpenSSL, SQLite and gRPC over HTTP/2. */
export const Client: ClientStatics & {
  create(signer: Signer, options?: NodeClientOptions): Promise<CoreClient>;
  build(identifier: PublicIdentifier, options?: NodeClientOptions): Promise<CoreClient>;
} = {
  ...clientStatics,
  create: (signer, options = {}) => opened(options, (core) => CoreClient.create(signer, core)),
  build: (identifier, options = {}) =>
    opened(options, (core) => CoreClient.build(identifier, core)),
};
export type Client = CoreClient;

/** A signer out of a wallet's private key (32 bytes, or hex with or without 0x), for bots and scripts. */
export function privateKeySigner(privateKey: Uint8Array | string): EoaSigner {
  const key = typeof privateKey === "string" ? fromHex(privateKey.replace(/^0x/, "")) : privateKey;
  return signerOf(opensslProvider, key);
}

/** Encrypts a file for an upload anywhere: what comes back goes into a remote attachment. */
export function encryptAttachment(attachment: Attachment): EncryptedAttachment {
  return encrypt(attachment, opensslProvider);
}

/** Opens downloaded bytes with what the message says of them. Throws `client/bad-content` and `crypto/open-failed`. */
export function decryptAttachment(bytes: Uint8Array, remote: RemoteAttachment): Attachment {
  return decrypt(bytes, remote, opensslProvider);
}

/** A `dbEncryptionKey` out of a wallet's signature; what that costs and gives stands at the core's function of this name. */
export function deriveDatabaseKey(
  signer: Signer,
  options: DatabaseKeyOptions,
): Promise<Uint8Array> {
  return deriveKey(signer, options, opensslProvider);
}

export { createBackend, generateInboxId, getInboxIdForIdentifier } from "./node-backend.ts";
export type {
  Backend,
  BackendOptions,
  BackendOrEnv,
  ClientStatics,
  XmtpEnv,
} from "./node-backend.ts";
export { SignatureRequest } from "./signature-request.ts";
export type { PasskeySignature } from "./signature-request.ts";
export type { InboxState } from "./inbox-state.ts";
export type { KeyPackageStatus } from "./key-package-status.ts";
export { LogLevel } from "./console-log.ts";
export type { DatabaseKeyOptions } from "./database-key.ts";
export { ClientError } from "./errors.ts";
export { Dm } from "./dm.ts";
export { Group } from "./group.ts";
export type { Conversation } from "./conversation.ts";
export type { DecodedMessage } from "./decoded-message.ts";
export type {
  EoaSigner,
  PasskeyAssertion,
  PasskeySigner,
  PublicIdentifier,
  ScwSigner,
  Signer,
} from "@coterie/identity";
