import { fromHex } from "@coterie/base";
import { identifiersOf, installationsOf, toPublicIdentifier } from "@coterie/identity";
import type { AssociationState, PublicIdentifier } from "@coterie/identity";

/** Who an inbox is: its wallets and passkeys, its installations, and who may revoke them. */
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

/** A state of the association log in the shape for apps. */
export function toInboxState(state: AssociationState): InboxState {
  return {
    inboxId: state.inboxId,
    recoveryIdentifier: toPublicIdentifier(state.recovery),
    identifiers: identifiersOf(state).map(toPublicIdentifier),
    installations: installationsOf(state).map((id) => ({
      id,
      bytes: fromHex(id),
      clientTimestampNs: state.members.get(`installation:${id}`)?.clientTimestampNs,
    })),
  };
}
