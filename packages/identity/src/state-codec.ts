import { BytesError, fromHex, type InboxId, toHex } from "@coterie/base";
import { AssociationState as WireState, WireError } from "@coterie/wire";
import type { AssociationMember, AssociationState } from "./association.ts";
import { IdentityError } from "./errors.ts";
import {
  identifierFromWire,
  identifierKindOf,
  identifierText,
  memberFromWire,
  memberKey,
  memberToWire,
} from "./identifiers.ts";

/** A state for one's own store (XID-45 caches it per inbox and sequence id). Never trust one from elsewhere. */
export function encodeState(state: AssociationState): Uint8Array<ArrayBuffer> {
  return WireState.encode({
    inboxId: state.inboxId,
    members: [...state.members.values()].map((member) => ({
      key: memberToWire(member.id),
      value: {
        identifier: memberToWire(member.id),
        addedByEntity: member.addedBy && memberToWire(member.addedBy),
        clientTimestampNs: member.clientTimestampNs,
        addedOnChainId: member.addedOnChainId,
      },
    })),
    recoveryIdentifier: identifierText(state.recovery),
    seenSignatures: [...state.seen].map(fromHex),
    recoveryIdentifierKind: identifierKindOf(state.recovery),
    relyingParty: state.recovery.kind === "passkey" ? state.recovery.relyingParty : undefined,
  });
}

/** Reads a stored state; throws `identity/bad-state`. */
export function decodeState(bytes: Uint8Array): AssociationState {
  try {
    const stored = WireState.decode(bytes);
    const members = stored.members.map(({ value }): [string, AssociationMember] => {
      const id = memberFromWire(value?.identifier);
      const addedBy = value?.addedByEntity && memberFromWire(value.addedByEntity);
      return [
        memberKey(id),
        {
          id,
          addedBy,
          clientTimestampNs: value?.clientTimestampNs,
          addedOnChainId: value?.addedOnChainId,
        },
      ];
    });
    return {
      inboxId: stored.inboxId as InboxId,
      members: new Map(members),
      recovery: identifierFromWire(
        stored.recoveryIdentifier,
        stored.recoveryIdentifierKind,
        stored.relyingParty,
      ),
      seen: new Set(stored.seenSignatures.map(toHex)),
    };
  } catch (error) {
    if (
      error instanceof WireError ||
      error instanceof IdentityError ||
      error instanceof BytesError
    ) {
      throw new IdentityError("identity/bad-state", {}, error);
    }
    throw error;
  }
}
