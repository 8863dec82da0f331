import type { CryptoProvider } from "@coterie/crypto";
import type { IdentityAction, IdentityUpdate, Signature } from "@coterie/wire";
import { mapSignatures, type SignedAction, signaturesOf, type UpdateOf } from "./actions.ts";
import { type ContractCheck, contractCheckFor } from "./contracts.ts";
import { IdentityError } from "./errors.ts";
import {
  identifierFromWire,
  identifierKindOf,
  identifierText,
  memberFromWire,
  memberToWire,
} from "./identifiers.ts";
import { createSignatureCache } from "./signature-cache.ts";
import { signatureText } from "./signature-text.ts";
import { verifySignature, type VerifyEnv } from "./signatures.ts";
import type { VerifiedSignature } from "./verified-signature.ts";

/** An update whose parts are all there; nothing about its signatures is known. */
export type UnverifiedUpdate = UpdateOf<SignedAction<Signature>>;

declare const verified: unique symbol;
/** An update whose signatures hold over its text. Whether the actions may happen, the state decides. */
export type VerifiedUpdate = UpdateOf<SignedAction<VerifiedSignature>> & {
  readonly [verified]: true;
};

/** Reads an update from the wire; throws `identity/bad-update` where a part is missing. */
export function parseUpdate(update: IdentityUpdate): UnverifiedUpdate {
  return {
    inboxId: update.inboxId,
    clientTimestampNs: update.clientTimestampNs,
    actions: update.actions.map(parseAction),
  };
}

/** The questions to ask chains before {@link verifyUpdate} (XID-12); usually none. */
export function neededContractChecks(
  crypto: CryptoProvider,
  update: UnverifiedUpdate,
): readonly ContractCheck[] {
  const signatures = update.actions.flatMap(signaturesOf);
  if (!signatures.some((signature) => signature.kind === "erc6492")) return [];
  const text = signatureText(update);
  return signatures.flatMap((s) =>
    s.kind === "erc6492" ? [contractCheckFor(crypto, text, s.value)] : [],
  );
}

/**
 * Verifies every signature over the update's own text (XID-05). Throws as {@link verifySignature}. The only way to a
 * {@link VerifiedUpdate}.
 */
export function verifyUpdate(env: VerifyEnv, update: UnverifiedUpdate): VerifiedUpdate {
  const text = signatureText(update);
  // One signature may fill several slots (XID-05): recovered once, even for callers that remember nothing.
  const remembering: VerifyEnv = { ...env, cache: env.cache ?? createSignatureCache() };
  const verify = (signature: Signature): VerifiedSignature =>
    verifySignature(remembering, text, signature);
  const actions = update.actions.map((action) => mapSignatures(action, verify));
  return { ...update, actions } as unknown as VerifiedUpdate;
}

/**
 * Refuses what released clients read but honest ones never write: addresses in another form than XID-02, installation keys that
 * are none. For nodes, before they store; never for logs that are stored already. Throws `identity/not-canonical`.
 */
export function checkCanonical(update: UnverifiedUpdate): void {
  for (const action of update.actions) {
    const subject = "member" in action ? action.member : action.identifier;
    if (subject.kind === "ethereum" && !isLowerCaseAddress(subject.address)) notCanonical("XID-02");
    if (subject.kind === "installation" && subject.id.length !== 64) notCanonical("XID-11");
  }
}

/** The update on the wire. Field order is that of the numbers, so that equal updates are equal bytes. */
export function updateToWire(update: UnverifiedUpdate): IdentityUpdate {
  return {
    actions: update.actions.map(actionToWire),
    clientTimestampNs: update.clientTimestampNs,
    inboxId: update.inboxId,
  };
}

function parseAction(action: IdentityAction): SignedAction<Signature> {
  switch (action.kind) {
    case "createInbox": {
      const { value } = action;
      return {
        kind: "create-inbox",
        identifier: identifierFromWire(
          value.initialIdentifier,
          value.initialIdentifierKind,
          value.relyingParty,
        ),
        nonce: value.nonce,
        signature: present(value.initialIdentifierSignature),
      };
    }
    case "add":
      return {
        kind: "add",
        member: memberFromWire(action.value.newMemberIdentifier),
        existing: present(action.value.existingMemberSignature),
        added: present(action.value.newMemberSignature),
      };
    case "revoke":
      return {
        kind: "revoke",
        member: memberFromWire(action.value.memberToRevoke),
        signature: present(action.value.recoveryIdentifierSignature),
      };
    case "changeRecoveryAddress": {
      const { value } = action;
      return {
        kind: "change-recovery",
        identifier: identifierFromWire(
          value.newRecoveryIdentifier,
          value.newRecoveryIdentifierKind,
          value.relyingParty,
        ),
        signature: present(value.existingRecoveryIdentifierSignature),
      };
    }
    case "unset":
      throw new IdentityError("identity/bad-update", { what: "action" });
  }
}

function actionToWire(action: SignedAction<Signature>): IdentityAction {
  switch (action.kind) {
    case "create-inbox":
      return {
        kind: "createInbox",
        value: {
          initialIdentifier: identifierText(action.identifier),
          nonce: action.nonce,
          initialIdentifierSignature: action.signature,
          initialIdentifierKind: identifierKindOf(action.identifier),
          relyingParty: relyingPartyOf(action.identifier),
        },
      };
    case "add":
      return {
        kind: "add",
        value: {
          newMemberIdentifier: memberToWire(action.member),
          existingMemberSignature: action.existing,
          newMemberSignature: action.added,
          relyingParty: relyingPartyOf(action.member),
        },
      };
    case "revoke":
      return {
        kind: "revoke",
        value: {
          memberToRevoke: memberToWire(action.member),
          recoveryIdentifierSignature: action.signature,
        },
      };
    case "change-recovery":
      return {
        kind: "changeRecoveryAddress",
        value: {
          newRecoveryIdentifier: identifierText(action.identifier),
          existingRecoveryIdentifierSignature: action.signature,
          newRecoveryIdentifierKind: identifierKindOf(action.identifier),
          relyingParty: relyingPartyOf(action.identifier),
        },
      };
  }
}

function relyingPartyOf(member: {
  readonly kind: string;
  readonly relyingParty?: string | undefined;
}): string | undefined {
  return member.kind === "passkey" ? member.relyingParty : undefined;
}

function present(signature: Signature | undefined): Signature {
  if (signature === undefined || signature.kind === "unset") {
    throw new IdentityError("identity/bad-update", { what: "signature" });
  }
  return signature;
}

function isLowerCaseAddress(address: string): boolean {
  return /^0x[0-9a-f]{40}$/.test(address);
}

function notCanonical(rule: string): never {
  throw new IdentityError("identity/not-canonical", { rule });
}
