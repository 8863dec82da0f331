import type { AsyncStreamProxy, StreamOptions } from "./async-stream.ts";
import type { Context } from "./context.ts";
import type { DeviceSync, SyncSummary } from "./device-sync/device-sync.ts";
import { ConsentEntityType, ConsentState } from "./enums.ts";
import type { PreferenceChange } from "./engine/state.ts";
import { ClientError } from "./errors.ts";
import { toInboxState } from "./inbox-state.ts";
import type { InboxState } from "./inbox-state.ts";
import { streamEvents } from "./local-stream.ts";
import type { Consent } from "./preferences.ts";

export type UserPreferenceUpdate =
  | { readonly type: "ConsentUpdate"; readonly consent: Consent }
  /** The new root: a secret of the inbox (XPU-07). */
  | { readonly type: "HmacKeyUpdate"; readonly key: Uint8Array };

/** Streams of what happens in this client never break, so there is nothing to retry. */
type LocalStreamOptions<T> = Pick<StreamOptions<T>, "onValue" | "onError" | "onEnd">;

function toConsent(change: PreferenceChange): Consent | undefined {
  if (change.kind !== "consent") return undefined;
  const { entityType, entity, state } = change;
  return { entityType, entity, state };
}

function toUpdate(change: PreferenceChange): UserPreferenceUpdate {
  const consent = toConsent(change);
  if (consent) return { type: "ConsentUpdate", consent };
  return { type: "HmacKeyUpdate", key: (change as { readonly key: Uint8Array }).key };
}

/** What belongs to the person rather than to one conversation: the own inbox, others' inboxes, consent. */
export class Preferences {
  readonly #context: Context;
  readonly #deviceSync: DeviceSync;

  constructor(context: Context, deviceSync: DeviceSync) {
    this.#context = context;
    this.#deviceSync = deviceSync;
  }

  /** Hears what the own other installations have changed, and tells them what was changed here (XHS-05). */
  sync(): Promise<SyncSummary> {
    return this.#deviceSync.sync();
  }

  /** The own inbox as known here. Throws `client/not-registered`. */
  async inboxState(): Promise<InboxState> {
    return this.#first(await this.getInboxStates([this.#context.inboxId]));
  }
  /** The own inbox as the node has it now. */
  async fetchInboxState(): Promise<InboxState> {
    return this.#first(await this.fetchInboxStates([this.#context.inboxId]));
  }
  /** Inboxes as known here; unknown ones are left out. */
  async getInboxStates(inboxIds: readonly string[]): Promise<InboxState[]> {
    const states = await Promise.all(inboxIds.map((id) => this.#context.identity.state(id)));
    return states.flatMap((state) => (state ? [toInboxState(state)] : []));
  }
  /** Inboxes as the node has them now, verified here. */
  async fetchInboxStates(inboxIds: readonly string[]): Promise<InboxState[]> {
    await this.#context.identity.refresh(inboxIds);
    return this.getInboxStates(inboxIds);
  }

  async setConsentStates(consents: readonly Consent[]): Promise<void> {
    await this.#context.preferences.setConsents(consents);
  }
  async getConsentState(entityType: ConsentEntityType, entity: string): Promise<ConsentState> {
    return this.#context.preferences.getConsent(entityType, entity);
  }

  /** Whether messages of this person are welcome; false also where nothing was said (XCO-01). */
  isInboxIdAllowed(inboxId: string): boolean {
    return this.#inboxConsent(inboxId) === ConsentState.Allowed;
  }
  isInboxIdDenied(inboxId: string): boolean {
    return this.#inboxConsent(inboxId) === ConsentState.Denied;
  }
  allowInboxIds(inboxIds: readonly string[]): Promise<void> {
    return this.#setAll(ConsentEntityType.InboxId, inboxIds, ConsentState.Allowed);
  }
  denyInboxIds(inboxIds: readonly string[]): Promise<void> {
    return this.#setAll(ConsentEntityType.InboxId, inboxIds, ConsentState.Denied);
  }
  isGroupAllowed(groupId: string): boolean {
    const { preferences } = this.#context;
    return preferences.getConsent(ConsentEntityType.GroupId, groupId) === ConsentState.Allowed;
  }
  isGroupDenied(groupId: string): boolean {
    const { preferences } = this.#context;
    return preferences.getConsent(ConsentEntityType.GroupId, groupId) === ConsentState.Denied;
  }
  allowGroups(groupIds: readonly string[]): Promise<void> {
    return this.#setAll(ConsentEntityType.GroupId, groupIds, ConsentState.Allowed);
  }
  denyGroups(groupIds: readonly string[]): Promise<void> {
    return this.#setAll(ConsentEntityType.GroupId, groupIds, ConsentState.Denied);
  }

  /** XST-07: changes of consent, made here or heard from another installation. */
  async streamConsent(
    options: LocalStreamOptions<Consent[]> = {},
  ): Promise<AsyncStreamProxy<Consent[]>> {
    return streamEvents(
      this.#context,
      (event) => {
        if (event.kind !== "preferences") return undefined;
        const consents = event.changes.flatMap((change) => toConsent(change) ?? []);
        return consents.length > 0 ? consents : undefined;
      },
      options,
    );
  }
  /** XST-07: changes of consent and of the HMAC root. */
  async streamPreferences(
    options: LocalStreamOptions<UserPreferenceUpdate[]> = {},
  ): Promise<AsyncStreamProxy<UserPreferenceUpdate[]>> {
    return streamEvents(
      this.#context,
      (event) => (event.kind === "preferences" ? event.changes.map(toUpdate) : undefined),
      options,
    );
  }

  #inboxConsent(inboxId: string): ConsentState {
    return this.#context.preferences.getConsent(ConsentEntityType.InboxId, inboxId);
  }

  #setAll(
    entityType: ConsentEntityType,
    entities: readonly string[],
    state: ConsentState,
  ): Promise<void> {
    return this.setConsentStates(entities.map((entity) => ({ entityType, entity, state })));
  }

  #first(states: readonly InboxState[]): InboxState {
    const [state] = states;
    if (!state) throw new ClientError("client/not-registered", { inboxId: this.#context.inboxId });
    return state;
  }
}
