import type { InboxId } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import {
  createInstallation,
  identifierKindOf,
  identifierText,
  inboxIdOf,
  toPublicIdentifier,
} from "@coterie/identity";
import type { Identifier, PublicIdentifier } from "@coterie/identity";
import type { Store } from "@coterie/storage";
import type { Api } from "./api.ts";
import { ClientError } from "./errors.ts";
import { keys } from "./keys.ts";
import { decodeRow, encodeRow } from "./rows.ts";
import type { Ports } from "./run.ts";

/** What is stored of ourselves. */
export interface OwnIdentity {
  readonly inboxId: InboxId;
  readonly seed: Uint8Array;
  readonly identifier: PublicIdentifier;
  readonly registered: boolean;
}

const identityKey = keys.meta("identity");

/** How an inbox id is made where the identifier has none yet. */
export interface InboxChoice {
  readonly crypto: CryptoProvider;
  readonly nonce?: bigint | undefined;
}

export async function openStore(
  api: Api,
  identifier: Identifier,
  options: InboxChoice,
  open: (inboxId: InboxId) => Promise<Store> | Store,
): Promise<[Store, InboxId]> {
  const inboxId = await resolveOwnInbox(api, identifier, options);
  return [await open(inboxId), inboxId];
}

async function resolveOwnInbox(
  api: Api,
  identifier: Identifier,
  options: Pick<InboxChoice, "crypto" | "nonce">,
): Promise<InboxId> {
  const [found] = await api.getInboxIds([
    { identifier: identifierText(identifier), kind: identifierKindOf(identifier) },
  ]);
  return (found as InboxId | undefined) ?? inboxIdOf(options.crypto, identifier, options.nonce);
}

/** The identity in the store, or a new installation, durable before anybody hears of it. */
export async function ownIdentity(
  ports: Ports,
  api: Api,
  identifier: Identifier,
  options: InboxChoice,
  found: InboxId | undefined,
): Promise<OwnIdentity> {
  const row = await ports.store.get(identityKey);
  if (row) {
    const own = decodeRow<OwnIdentity>(row);
    // XID-40: a store belongs to one inbox.
    if (own.identifier.identifier !== identifierText(identifier)) {
      const inboxId = found ?? (await resolveOwnInbox(api, identifier, options));
      if (inboxId !== own.inboxId) {
        throw new ClientError("client/inbox-mismatch", { rule: "XID-40", inboxId });
      }
    }
    return own;
  }
  const inboxId = found ?? (await resolveOwnInbox(api, identifier, options));
  const { privateKey } = createInstallation(ports.crypto);
  const own: OwnIdentity = {
    inboxId,
    seed: privateKey,
    identifier: toPublicIdentifier(identifier),
    registered: false,
  };
  await ports.store.write([{ kind: "put", key: identityKey, value: encodeRow(own) }]);
  return own;
}

/** Writes down that the installation is in its inbox now. */
export async function storeRegistered(
  store: Store,
  own: Omit<OwnIdentity, "registered">,
): Promise<void> {
  const value = encodeRow({ ...own, registered: true });
  await store.write([{ kind: "put", key: identityKey, value }]);
}
