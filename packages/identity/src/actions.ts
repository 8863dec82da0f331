import type { Identifier, MemberId } from "./identifiers.ts";

/** What an update does, without the signatures. */
export type UnsignedAction =
  | { readonly kind: "create-inbox"; readonly identifier: Identifier; readonly nonce: bigint }
  | { readonly kind: "add"; readonly member: MemberId }
  | { readonly kind: "revoke"; readonly member: MemberId }
  | { readonly kind: "change-recovery"; readonly identifier: Identifier };

/** What an update does, with signatures of some form in their slots. */
export type SignedAction<Signature> =
  | {
      readonly kind: "create-inbox";
      readonly identifier: Identifier;
      readonly nonce: bigint;
      readonly signature: Signature;
    }
  | {
      readonly kind: "add";
      readonly member: MemberId;
      readonly existing: Signature;
      readonly added: Signature;
    }
  | { readonly kind: "revoke"; readonly member: MemberId; readonly signature: Signature }
  | {
      readonly kind: "change-recovery";
      readonly identifier: Identifier;
      readonly signature: Signature;
    };

export interface UpdateOf<Action> {
  /** As the update says it; the state decides whether that is right (XID-22). */
  readonly inboxId: string;
  readonly clientTimestampNs: bigint;
  readonly actions: readonly Action[];
}

export type UnsignedUpdate = UpdateOf<UnsignedAction>;

/** The signatures of an action, in the order of the fields on the wire. */
export function signaturesOf<Signature>(action: SignedAction<Signature>): readonly Signature[] {
  return action.kind === "add" ? [action.existing, action.added] : [action.signature];
}

/** The same actions with every signature turned into something else. */
export function mapSignatures<From, To>(
  action: SignedAction<From>,
  turn: (signature: From) => To,
): SignedAction<To> {
  return action.kind === "add"
    ? { ...action, existing: turn(action.existing), added: turn(action.added) }
    : { ...action, signature: turn(action.signature) };
}
