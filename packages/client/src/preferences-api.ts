import { fromHex } from "@coterie/base";
import { identifiersOf, installationsOf, toPublicIdentifier } from "@coterie/identity";
import type { AssociationState, Identifier, PublicIdentifier } from "@coterie/identity";
import type { Context } from "./context.ts";
import type { ConsentEntityType, ConsentState } from "./enums.ts";
import { ClientError } from "./errors.ts";

export interface InboxState {
  readonly inboxId: string;
  readonly recoveryIdentifier: PublicIdentifier;
  readonly identifiers: readonly PublicIdentifier[];
  readonly installations: readonly {
    readonly id: string;
    readonly bytes: Uint8Array;
    readonly clientTimestampNs?: bigint | undefined;
  }[];
}

export interface Consent {
  readonly entityType: ConsentEntityType;
  /** Hex group id or inbox id. */
  readonly entity: string;
  readonly state: ConsentState;
}

function toInboxState(state: AssociationState): InboxState {
  return {
    inboxId: state.inboxId,
    recoveryIdentifier: toPublicIdentifier(state.recovery satisfies Identifier),
    identifiers: identifiersOf(state).map(toPublicIdentifier),
    installations: installationsOf(state).map((id) => ({
      id,
      bytes: fromHex(id),
      clientTimestampNs: state.members.get(`installation:${id}`)?.clientTimestampNs,
    })),
  };
}

/** What belongs to the person rather than to one conversation: the own inbox, others' inboxes, consent. */
export class Preferences {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
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
    for (const { entityType, entity, state } of consents) {
      await this.#context.preferences.setConsent(entityType, entity, state);
    }
  }
  getConsentState(entityType: ConsentEntityType, entity: string): Promise<ConsentState> {
    return this.#context.preferences.getConsent(entityType, entity);
  }

  #first(states: readonly InboxState[]): InboxState {
    const [state] = states;
    if (!state) throw new ClientError("client/not-registered", { inboxId: this.#context.inboxId });
    return state;
  }
}
