import {
  parseIdentifier,
  signWithInstallationKey,
  signerIdentifier,
  toPublicIdentifier,
  verifySignedWithPublicKey,
} from "@coterie/identity";
import type { Identifier, Installation, PublicIdentifier, Signer } from "@coterie/identity";
import type { SlimIdentity, SlimVerifier } from "@coterie/identity/slim";
import type { Transport } from "@coterie/transport";
import { createAccounts } from "./accounts.ts";
import type { Accounts } from "./accounts.ts";
import { DebugInformation } from "./api-statistics.ts";
import { createApi } from "./api.ts";
import type { ClientOptions } from "./client-options.ts";
import { openClient } from "./open-client.ts";
import type { OpenedClient } from "./open-client.ts";
import type { Archives } from "./archive/archives.ts";
import type { ArchiveInput } from "./archive/files.ts";
import type { ImportSummary } from "./archive/import.ts";
import type { ArchiveMetadata, ArchiveOptions } from "./archive/options.ts";
import { whoIsKnown } from "./backend.ts";
import type { Bus } from "./bus.ts";
import type { Context } from "./context.ts";
import type { Conversations } from "./conversations.ts";
import type { DeviceSync, SyncSummary } from "./device-sync/device-sync.ts";
import type { AvailableArchiveInfo } from "./device-sync/history.ts";
import type { EngineEvent } from "./engine/state.ts";
import { libxmtpVersion } from "./engine/version.ts";
import { ClientError } from "./errors.ts";
import { findInboxIds } from "./identifiers.ts";
import { countInboxUpdates } from "./inbox-updates.ts";
import { keyPackageStatuses } from "./key-package-status.ts";
import type { KeyPackageStatus } from "./key-package-status.ts";
import { storeRegistered } from "./own-identity.ts";
import { Preferences } from "./preferences-api.ts";
import { registerInstallation, requestRegistration } from "./register.ts";
import { Lock } from "./run.ts";
import type { SignatureRequest } from "./signature-request.ts";
import { slimIdentity, slimVerifier } from "./slim-identity.ts";
import type { SlimIdentityOptions } from "./slim-identity.ts";

/** Around all keys: composed ones start with small tags. */
const endOfStore = Uint8Array.of(0xff);
const startOfStore = Uint8Array.of(0);

/** One installation of one inbox: its identity, its conversations, its preferences. */
export class Client {
  readonly conversations: Conversations;
  readonly preferences: Preferences;
  readonly debugInformation: DebugInformation;
  readonly #accounts: Accounts;
  readonly #archives: Archives;
  readonly #deviceSync: DeviceSync;
  readonly #context: Context;
  readonly #installation: Installation;
  readonly #signer: Signer | undefined;
  readonly #options: ClientOptions;
  readonly #identifier: Identifier;
  readonly #abort: AbortController;
  readonly #registering: Lock = new Lock();
  readonly #startRegistered: () => void;
  #registered: boolean;

  private constructor(made: OpenedClient, signer: Signer | undefined) {
    this.debugInformation = new DebugInformation(made.calls);
    this.#context = made.context;
    this.conversations = made.conversations;
    this.preferences = new Preferences(made.context, made.deviceSync);
    this.#archives = made.archives;
    this.#deviceSync = made.deviceSync;
    this.#accounts = createAccounts(made.context, { installation: made.installation, signer });
    this.#installation = made.installation;
    this.#signer = signer;
    this.#options = made.options;
    this.#identifier = made.identifier;
    this.#abort = made.abort;
    this.#registered = made.registered;
    this.#startRegistered = () => made.startRegistered();
  }

  /** Opens the installation in the store, or makes one, and registers it with the signer's inbox (XID-40, XID-41). */
  static async create(signer: Signer, options: ClientOptions): Promise<Client> {
    const client = await Client.#open(await signerIdentifier(signer), signer, options);
    if (options.disableAutoRegister !== true) await client.register();
    return client;
  }

  /** Opens the installation of an identifier without a signer: it must be registered, or `register` has nobody to ask. */
  static build(identifier: PublicIdentifier, options: ClientOptions): Promise<Client> {
    return Client.#open(parseIdentifier(identifier), undefined, options);
  }

  /** Whether people with these identifiers can be written to. Needs no client. */
  static async canMessage(
    identifiers: readonly PublicIdentifier[],
    transport: Transport,
  ): Promise<Map<string, boolean>> {
    return whoIsKnown(createApi(transport), identifiers);
  }

  static async #open(
    identifier: Identifier,
    signer: Signer | undefined,
    options: ClientOptions,
  ): Promise<Client> {
    return new Client(await openClient(identifier, options), signer);
  }

  get inboxId(): string {
    return this.#context.inboxId;
  }
  get installationId(): string {
    return this.#context.installationId;
  }
  get installationIdBytes(): Uint8Array {
    return this.#installation.publicKey.slice();
  }
  get isRegistered(): boolean {
    return this.#registered;
  }
  get accountIdentifier(): PublicIdentifier {
    return toPublicIdentifier(this.#identifier);
  }
  get signer(): Signer | undefined {
    return this.#signer;
  }
  get options(): ClientOptions {
    return this.#options;
  }
  get env(): string {
    return this.#options.env ?? "local";
  }
  get appVersion(): string | undefined {
    return this.#options.appVersion;
  }
  get libxmtpVersion(): string {
    return libxmtpVersion;
  }

  /** XID-40, XID-41. Does nothing once registered. */
  register(): Promise<void> {
    return this.#registering.run(async () => {
      if (this.#registered) return;
      if (!this.#signer) throw new ClientError("client/signer-unavailable", { rule: "XID-40" });
      const request = await this.#requestRegistration();
      await request?.sign(this.#signer);
      await this.#register(request);
    });
  }

  #requestRegistration(): Promise<SignatureRequest | null> {
    return requestRegistration(this.#context, {
      identifier: this.#identifier,
      installation: this.#installation,
      nonce: this.#options.nonce,
    });
  }

  async #register(request: SignatureRequest | null): Promise<void> {
    await registerInstallation(this.#context, request);
    await storeRegistered(this.#context.ports.store, {
      inboxId: this.#context.inboxId,
      seed: this.#installation.privateKey,
      identifier: this.accountIdentifier,
    });
    this.#registered = true;
    this.#startRegistered();
  }

  /** By identifier as given: whether it belongs to an inbox. */
  canMessage(identifiers: readonly PublicIdentifier[]): Promise<Map<string, boolean>> {
    return whoIsKnown(this.#context.api, identifiers);
  }

  async fetchInboxIdByIdentifier(identifier: PublicIdentifier): Promise<string | null> {
    const [found] = await findInboxIds(this.#context.api, [parseIdentifier(identifier)]);
    return found ?? null;
  }

  /** A signature of this installation for the world (XID-11). */
  signWithInstallationKey(text: string): Uint8Array {
    return signWithInstallationKey(this.#context.ports.crypto, this.#installation, text);
  }
  verifySignedWithInstallationKey(text: string, signature: Uint8Array): boolean {
    const { publicKey } = this.#installation;
    return verifySignedWithPublicKey(this.#context.ports.crypto, text, signature, publicKey);
  }

  /**
   * Who this client is in sessions of SLIM: the base id is the inbox id (SID-08). Each call is another instance, unless it is given what was stored
   * of one.
   */
  slimIdentity(options?: SlimIdentityOptions): SlimIdentity {
    return slimIdentity(this.#context, this.#installation, options);
  }
  /** Believes everybody's `slimIdentity`, by logs that are verified here, looked up anew after `maxAgeSeconds` (60). */
  slimVerifier(options?: { readonly maxAgeSeconds?: number | undefined }): SlimVerifier {
    return slimVerifier(this.#context, options);
  }

  /** Links a wallet to this inbox (XID-42). Unsafe: an identifier of another inbox leaves it, if `allowInboxReassign` says so. */
  unsafe_addAccount(signer: Signer, allowInboxReassign = false): Promise<void> {
    return this.#accounts.add(signer, allowInboxReassign);
  }
  /** Unlinks an identifier, and with it the installations that it admitted (XID-28). The signer must be the recovery identifier. */
  async removeAccount(identifier: PublicIdentifier): Promise<void> {
    await this.#accounts.signAndApply(await this.#accounts.request.remove(identifier));
  }
  async changeRecoveryIdentifier(identifier: PublicIdentifier): Promise<void> {
    await this.#accounts.signAndApply(await this.#accounts.request.changeRecovery(identifier));
  }
  async revokeInstallations(installationIds: readonly Uint8Array[]): Promise<void> {
    if (installationIds.length === 0) return;
    await this.#accounts.signAndApply(await this.#accounts.request.revoke(installationIds));
  }
  async revokeAllOtherInstallations(): Promise<void> {
    await this.#accounts.signAndApply(await this.#accounts.request.revokeAllOthers());
  }

  // Requests to be signed by hand, for passkeys and wallets that a Signer cannot speak for. Unsafe: what is signed and applied in the wrong
  // order, or never, is the caller's to know; the methods without the word do the whole.
  /** Null where the installation is registered already. */
  async unsafe_createInboxSignatureRequest(): Promise<SignatureRequest | null> {
    return this.#registered ? null : this.#requestRegistration();
  }
  unsafe_addAccountSignatureRequest(
    identifier: PublicIdentifier,
    allowInboxReassign = false,
  ): Promise<SignatureRequest> {
    return this.#accounts.request.add(identifier, allowInboxReassign);
  }
  unsafe_removeAccountSignatureRequest(identifier: PublicIdentifier): Promise<SignatureRequest> {
    return this.#accounts.request.remove(identifier);
  }
  unsafe_revokeInstallationsSignatureRequest(
    installationIds: readonly Uint8Array[],
  ): Promise<SignatureRequest> {
    return this.#accounts.request.revoke(installationIds);
  }
  /** Null where there is no other installation. */
  unsafe_revokeAllOtherInstallationsSignatureRequest(): Promise<SignatureRequest | null> {
    return this.#accounts.request.revokeAllOthers();
  }
  unsafe_changeRecoveryIdentifierSignatureRequest(
    identifier: PublicIdentifier,
  ): Promise<SignatureRequest> {
    return this.#accounts.request.changeRecovery(identifier);
  }
  /** Has a signer sign a request: the client's own, or the one given. */
  async unsafe_addSignature(
    request: SignatureRequest,
    signer: Signer | undefined = this.#signer,
  ): Promise<void> {
    if (!signer) throw new ClientError("client/signer-unavailable", { rule: "XID-43" });
    await request.sign(signer);
  }
  /** Publishes a signed request; the one of `unsafe_createInboxSignatureRequest` registers the installation. */
  unsafe_applySignatureRequest(request: SignatureRequest): Promise<void> {
    return this.#registering.run(async () => {
      if (!request.registers) await this.#accounts.apply(request);
      else if (!this.#registered) await this.#register(request);
    });
  }

  /** Updates in the logs of inboxes, as the node has them now. */
  fetchLatestInboxUpdatesCount(inboxIds: readonly string[]): Promise<Map<string, number>> {
    return countInboxUpdates(this.#context.api, inboxIds);
  }
  async fetchOwnInboxUpdatesCount(): Promise<number> {
    const counts = await this.fetchLatestInboxUpdatesCount([this.inboxId]);
    return counts.get(this.inboxId) ?? 0;
  }
  /** By installation id in hex: how long its key package is good for, or why it is not. */
  fetchKeyPackageStatuses(
    installationIds: readonly string[],
  ): Promise<Record<string, KeyPackageStatus>> {
    return keyPackageStatuses(this.#context, installationIds);
  }

  /** Asks the other installations for history (XHS-06); what they send is imported by itself. Answers with the request's pin. */
  sendSyncRequest(options?: ArchiveOptions, serverUrl?: string): Promise<string> {
    return this.#deviceSync.request(options, serverUrl);
  }
  /** Uploads history and tells the other installations where; `pin` names it to them. */
  sendSyncArchive(pin: string, options?: ArchiveOptions, serverUrl?: string): Promise<void> {
    return this.#deviceSync.sendArchive(pin, options, serverUrl);
  }
  /** Imports the archive with this pin, or the newest (XHS-07). Throws `client/not-found`. */
  processSyncArchive(pin?: string | null): Promise<ImportSummary> {
    return this.#deviceSync.processArchive(pin);
  }
  /** Archives offered in the last days, the newest first, as far as the sync groups were read. */
  listAvailableArchives(daysCutoff: number): Promise<AvailableArchiveInfo[]> {
    return this.#deviceSync.available(daysCutoff);
  }
  /** Reads the groups that the own installations talk in, and acts on what they say. */
  syncAllDeviceSyncGroups(): Promise<SyncSummary> {
    return this.#deviceSync.sync();
  }
  /** Writes history into a file, encrypted with a key of 32 bytes. A file that is there is replaced. */
  createArchive(path: string, key: Uint8Array, options: ArchiveOptions = {}): Promise<void> {
    return this.#archives.create(path, key, options);
  }
  /** The same as bytes, for places without files; memory stays bounded however long the history is. */
  exportArchive(key: Uint8Array, options: ArchiveOptions = {}): AsyncGenerator<Uint8Array> {
    return this.#archives.write(key, options);
  }
  /** Adds what is in an archive and not here yet (XHS-10). Throws `client/bad-archive` before anything is changed. */
  importArchive(archive: ArchiveInput, key: Uint8Array): Promise<ImportSummary> {
    return this.#archives.import(archive, key);
  }
  /** What an archive says of itself. */
  archiveMetadata(archive: ArchiveInput, key: Uint8Array): Promise<ArchiveMetadata> {
    return this.#archives.metadata(archive, key);
  }

  /** Everything the engine tells: messages, conversations, refusals with their rules. Returns how to stop. */
  onEvent(listener: (event: EngineEvent) => void): () => void {
    return (this.#context.bus satisfies Bus).listen(listener);
  }

  /** Uploads a new key package now instead of when it is due (XKP-09). */
  rotateKeyPackage(): Promise<void> {
    return this.#context.keyPackages.rotate();
  }

  /** Ends streams and workers, then closes the transport and the store. */
  async close(): Promise<void> {
    await this.#stop();
    await this.#context.ports.store.close();
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    await this.#options.transport.close();
    await this.#deviceSync.stopped();
  }

  /** Closes the client and deletes everything it kept: messages, keys, this installation. Others of the inbox stay as they are. */
  async deleteLocalDatabase(): Promise<void> {
    await this.#stop();
    const { store } = this.#context.ports;
    await store.write([{ kind: "delete-range", from: startOfStore, to: endOfStore }]);
    await store.close();
    await this.#options.deleteStore?.(this.#context.inboxId);
  }
}
