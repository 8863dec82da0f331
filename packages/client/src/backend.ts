import { silentLog, systemClock, toHex } from "@coterie/base";
import type { InboxId, InstallationId } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import {
  beginUpdate,
  ethereumIdentifier,
  inboxIdOf,
  installationMember,
  memberKey,
  parseIdentifier,
  planRevoke,
} from "@coterie/identity";
import type {
  AssociationState,
  PublicIdentifier,
  Signer,
  SmartContractVerifier,
} from "@coterie/identity";
import { createMemoryStore } from "@coterie/storage";
import type { Transport } from "@coterie/transport";
import { createApi } from "./api.ts";
import type { Api } from "./api.ts";
import { ClientError } from "./errors.ts";
import { findInboxIds } from "./identifiers.ts";
import { createIdentityStore } from "./identity-store.ts";
import type { IdentityStore } from "./identity-store.ts";
import { countInboxUpdates } from "./inbox-updates.ts";
import { toInboxState } from "./inbox-state.ts";
import type { InboxState } from "./inbox-state.ts";
import { SignatureRequest } from "./signature-request.ts";

/** A node and the means to check what it says: enough for every question about people, without being one of them. */
export interface Backend {
  /** Stays open: it is the caller's. */
  readonly transport: Transport;
  readonly crypto: CryptoProvider;
  /** Asks chains about contract wallets; without it the node is asked (XID-12). */
  readonly contracts?: SmartContractVerifier | undefined;
}

/** The inbox id that an identifier has, or would have, by itself (XID-01). */
export function generateInboxId(
  crypto: CryptoProvider,
  identifier: PublicIdentifier,
  nonce = 1n,
): string {
  return inboxIdOf(crypto, parseIdentifier(identifier), nonce);
}

/** The inbox that the node has for an identifier. */
export async function getInboxIdForIdentifier(
  backend: Backend,
  identifier: PublicIdentifier,
): Promise<string | null> {
  const [found] = await findInboxIds(createApi(backend.transport), [parseIdentifier(identifier)]);
  return found ?? null;
}

/** By identifier as given: whether it belongs to an inbox. */
export function canMessage(
  backend: Pick<Backend, "transport">,
  identifiers: readonly PublicIdentifier[],
): Promise<Map<string, boolean>> {
  return whoIsKnown(createApi(backend.transport), identifiers);
}

export async function whoIsKnown(
  api: Api,
  identifiers: readonly PublicIdentifier[],
): Promise<Map<string, boolean>> {
  const found = await findInboxIds(api, identifiers.map(parseIdentifier));
  return new Map(identifiers.map(({ identifier }, i) => [identifier, found[i] !== undefined]));
}

/** Inboxes as the node has them now, verified here; those without a log are left out. */
export async function fetchInboxStates(
  backend: Backend,
  inboxIds: readonly string[],
): Promise<InboxState[]> {
  const { identity } = open(backend);
  await identity.refresh(inboxIds);
  const states = await Promise.all(inboxIds.map((inboxId) => identity.state(inboxId)));
  return states.flatMap((state) => (state ? [toInboxState(state)] : []));
}

/** How many updates the log of each inbox has; 0 where there is none. */
export function fetchLatestInboxUpdatesCount(
  backend: Pick<Backend, "transport">,
  inboxIds: readonly string[],
): Promise<Map<string, number>> {
  return countInboxUpdates(createApi(backend.transport), inboxIds);
}

/** Whether a wallet is a member of an inbox now, by a log that is verified here. Throws `client/not-found`. */
export async function isAddressAuthorized(
  backend: Backend,
  inboxId: string,
  address: string,
): Promise<boolean> {
  const state = await stateOf(open(backend).identity, inboxId);
  return state.members.has(memberKey(ethereumIdentifier(address)));
}

/** Whether an installation (32 bytes) is a member of an inbox now, by a log that is verified here. Throws `client/not-found`. */
export async function isInstallationAuthorized(
  backend: Backend,
  inboxId: string,
  installation: Uint8Array,
): Promise<boolean> {
  const state = await stateOf(open(backend).identity, inboxId);
  return state.members.has(memberKey(memberOf(installation)));
}

/** XID-43: revokes installations with nothing but the recovery identifier's signer, for somebody who lost every device. */
export async function revokeInstallations(
  backend: Backend,
  signer: Signer,
  inboxId: string,
  installationIds: readonly Uint8Array[],
): Promise<void> {
  const recovery = await signer.getIdentifier();
  const request = await revokeInstallationsSignatureRequest(
    backend,
    recovery,
    inboxId,
    installationIds,
  );
  await request.sign(signer);
  await applySignatureRequest(backend, request);
}

/**
 * The revocation that {@link revokeInstallations} has signed, to be signed by hand. Throws `client/inbox-mismatch` where `recovery` is not
 * the recovery identifier, and `client/not-found`.
 */
export async function revokeInstallationsSignatureRequest(
  backend: Backend,
  recovery: PublicIdentifier,
  inboxId: string,
  installationIds: readonly Uint8Array[],
): Promise<SignatureRequest> {
  if (installationIds.length === 0) {
    throw new ClientError("client/bad-argument", { rule: "XID-43", what: "installation ids" });
  }
  const { identity } = open(backend);
  const state = await stateOf(identity, inboxId);
  if (memberKey(state.recovery) !== memberKey(parseIdentifier(recovery))) {
    throw new ClientError("client/inbox-mismatch", { rule: "XID-28", inboxId });
  }
  return new SignatureRequest({
    crypto: backend.crypto,
    contracts: identity.contracts,
    pending: beginUpdate({
      inboxId: inboxId as InboxId,
      clientTimestampNs: systemClock.nowNs(),
      actions: planRevoke(state, installationIds.map(memberOf)),
    }),
  });
}

/** Checks a signed request over the inbox's log (XID-44) and publishes it. */
export async function applySignatureRequest(
  backend: Backend,
  request: SignatureRequest,
): Promise<void> {
  const { api, identity } = open(backend);
  const { update, verdicts } = request.complete();
  await identity.refresh([request.inboxId]);
  await identity.check(update, verdicts);
  await api.publishIdentityUpdate(update);
}

function open({ transport, crypto, contracts }: Backend): {
  readonly api: Api;
  readonly identity: IdentityStore;
} {
  const api = createApi(transport);
  const ports = { crypto, store: createMemoryStore(), log: silentLog, contracts };
  return { api, identity: createIdentityStore(ports, api) };
}

async function stateOf(identity: IdentityStore, inboxId: string): Promise<AssociationState> {
  await identity.refresh([inboxId]);
  const state = await identity.state(inboxId);
  if (!state) throw new ClientError("client/not-found", { rule: "XND-21", inboxId });
  return state;
}

function memberOf(installation: Uint8Array) {
  return installationMember(toHex(installation) as InstallationId);
}
