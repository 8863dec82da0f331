import { ConsentEntityType as WireEntityType, ConsentState as WireState } from "@coterie/wire";
import type { ConsentSave } from "@coterie/wire";
import type { PreferenceChange } from "../engine/state.ts";
import { ConsentEntityType, ConsentState } from "../enums.ts";

type ConsentChange = Extract<PreferenceChange, { readonly kind: "consent" }>;

const maxEntityLength = 256;

const states = {
  [ConsentState.Unknown]: WireState.unknown,
  [ConsentState.Allowed]: WireState.allowed,
  [ConsentState.Denied]: WireState.denied,
} as const;

/** §2.5: numbers on the wire are one above those of the API. */
export function encodeConsent(change: Omit<ConsentChange, "kind">): ConsentSave {
  return {
    entityType:
      change.entityType === ConsentEntityType.GroupId
        ? WireEntityType.conversationId
        : WireEntityType.inboxId,
    state: states[change.state],
    entity: change.entity,
    consentedAtNs: change.consentedAtNs,
  };
}

/** Undefined for kinds that are out of use or of the future, and for nonsense. */
export function decodeConsent(save: ConsentSave): ConsentChange | undefined {
  const { entity, consentedAtNs } = save;
  const state = ([ConsentState.Unknown, ConsentState.Allowed, ConsentState.Denied] as const).find(
    (own) => states[own] === save.state,
  );
  if (state === undefined || entity === "" || entity.length > maxEntityLength) return undefined;
  if (save.entityType === WireEntityType.conversationId) {
    const entityType = ConsentEntityType.GroupId;
    return { kind: "consent", entityType, entity, state, consentedAtNs };
  }
  if (save.entityType !== WireEntityType.inboxId) return undefined;
  const entityType = ConsentEntityType.InboxId;
  return { kind: "consent", entityType, entity, state, consentedAtNs };
}
