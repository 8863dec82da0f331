import { loadOpensslProvider, opensslProvider } from "@coterie/crypto/openssl";
import { verifySignedWithPublicKey as verifySigned } from "@coterie/identity";
import type { PublicIdentifier, Signer } from "@coterie/identity";
import { createH2Transport } from "@coterie/transport/h2";
import * as core from "./backend.ts";
import type { Backend as CoreBackend } from "./backend.ts";
import type { InboxState } from "./inbox-state.ts";
import { libxmtpVersion } from "./engine/version.ts";

/** Environments by name: only the node on this machine; all others are given by their URL. */
export type XmtpEnv = "local";

const urls: Readonly<Record<XmtpEnv, string>> = { local: "http://localhost:5556" };

/** Which node, by the names of §11.1. */
export interface BackendOptions {
  readonly env?: XmtpEnv | undefined;
  readonly apiUrl?: string | undefined;
  readonly appVersion?: string | undefined;
}

/** A connection to a node, for the functions that need no client. Close it when done. */
export interface Backend extends CoreBackend {
  readonly env: XmtpEnv;
  readonly apiUrl: string;
  readonly appVersion: string;
  close(): Promise<void>;
}

/** A node to ask: a {@link Backend}, which stays open, or where to find one for the length of the call. */
export type BackendOrEnv = Backend | BackendOptions | XmtpEnv;

export function transportOf(options: BackendOptions): ReturnType<typeof createH2Transport> {
  return createH2Transport({
    url: options.apiUrl ?? urls[options.env ?? "local"],
    metadata: {
      "x-libxmtp-version": libxmtpVersion,
      "x-app-version": options.appVersion ?? "coterie",
    },
  });
}

export async function createBackend(options: BackendOptions = {}): Promise<Backend> {
  const env = options.env ?? "local";
  const crypto = await loadOpensslProvider();
  const transport = transportOf(options);
  return {
    env,
    apiUrl: options.apiUrl ?? urls[env],
    appVersion: options.appVersion ?? "coterie",
    crypto,
    transport,
    close: () => transport.close(),
  };
}

async function using<T>(
  asked: BackendOrEnv | undefined,
  use: (backend: CoreBackend) => Promise<T>,
): Promise<T> {
  if (typeof asked === "object" && "transport" in asked) return use(asked);
  const backend = await createBackend(typeof asked === "string" ? { env: asked } : asked);
  try {
    return await use(backend);
  } finally {
    await backend.close();
  }
}

/** The inbox id that an identifier has, or would have, by itself (XID-01). */
export function generateInboxId(identifier: PublicIdentifier, nonce = 1n): string {
  return core.generateInboxId(opensslProvider, identifier, nonce);
}

/** The inbox that the node has for an identifier. */
export function getInboxIdForIdentifier(
  backend: BackendOrEnv,
  identifier: PublicIdentifier,
): Promise<string | null> {
  return using(backend, (open) => core.getInboxIdForIdentifier(open, identifier));
}

/** What `Client` answers without being one. */
export interface ClientStatics {
  canMessage(
    identifiers: readonly PublicIdentifier[],
    backend?: BackendOrEnv,
  ): Promise<Map<string, boolean>>;
  /** Inboxes as the node has them now, verified here; those without a log are left out. */
  fetchInboxStates(inboxIds: readonly string[], backend?: BackendOrEnv): Promise<InboxState[]>;
  fetchLatestInboxUpdatesCount(
    inboxIds: readonly string[],
    backend?: BackendOrEnv,
  ): Promise<Map<string, number>>;
  isAddressAuthorized(inboxId: string, address: string, backend?: BackendOrEnv): Promise<boolean>;
  isInstallationAuthorized(
    inboxId: string,
    installation: Uint8Array,
    backend?: BackendOrEnv,
  ): Promise<boolean>;
  /** XID-43: for somebody who lost every device; `signer` is the recovery identifier's. */
  revokeInstallations(
    signer: Signer,
    inboxId: string,
    installationIds: readonly Uint8Array[],
    backend?: BackendOrEnv,
  ): Promise<void>;
  /** Whether an installation key made a signature of `signWithInstallationKey` (XID-11). */
  verifySignedWithPublicKey(text: string, signature: Uint8Array, publicKey: Uint8Array): boolean;
}

export const clientStatics: ClientStatics = {
  canMessage: (identifiers, backend) =>
    using(backend, (open) => core.canMessage(open, identifiers)),
  fetchInboxStates: (inboxIds, backend) =>
    using(backend, (open) => core.fetchInboxStates(open, inboxIds)),
  fetchLatestInboxUpdatesCount: (inboxIds, backend) =>
    using(backend, (open) => core.fetchLatestInboxUpdatesCount(open, inboxIds)),
  isAddressAuthorized: (inboxId, address, backend) =>
    using(backend, (open) => core.isAddressAuthorized(open, inboxId, address)),
  isInstallationAuthorized: (inboxId, installation, backend) =>
    using(backend, (open) => core.isInstallationAuthorized(open, inboxId, installation)),
  revokeInstallations: (signer, inboxId, installationIds, backend) =>
    using(backend, (open) => core.revokeInstallations(open, signer, inboxId, installationIds)),
  verifySignedWithPublicKey: (text, signature, publicKey) =>
    verifySigned(opensslProvider, text, signature, publicKey),
};
