import { CoterieError, type Disposition, type ErrorDetails } from "@coterie/base";

/** What can be wrong with identities; named after the rules of the association log. */
export type IdentityErrorCode =
  /** A second create_inbox (XID-20). */
  | "identity/multiple-create"
  /** An action before create_inbox (XID-20). */
  | "identity/not-created"
  /** The state's inbox is not the one that the update names (XID-22). */
  | "identity/wrong-inbox-id"
  /** A contract wallet signed on another chain than the one it was added on (XID-26). */
  | "identity/chain-id-mismatch"
  /** The signer is neither the member nor the recovery identifier that the action needs (XID-21, 23, 28, 29). */
  | "identity/missing-existing-member"
  /** Somebody else signed for the new member (XID-23). */
  | "identity/new-member-mismatch"
  /** A member tried to add itself (XID-23). */
  | "identity/self-add"
  /** An installation tried to add an installation (XID-24). */
  | "identity/member-not-allowed"
  /** This kind of signature is not for this kind of member or action (XID-15, 28, 29). */
  | "identity/signature-not-allowed"
  /** A legacy signature outside the inbox it is good for (XID-21, 23, 25). */
  | "identity/legacy-signature-reuse"
  /** A signature that an earlier update used (XID-30). */
  | "identity/replay"
  /** No update with exactly this sequence id (XID-31). */
  | "identity/missing-identity-update"
  /** Text or bytes that are not an identifier (XID-02). */
  | "identity/bad-identifier"
  /** A signature that does not verify (XID-10 to XID-14). */
  | "identity/bad-signature"
  /** An update that lacks an action, a member or a signature. */
  | "identity/bad-update"
  /** An update that released clients read but no honest one writes; nodes refuse to store it. */
  | "identity/not-canonical"
  /** A contract wallet's signature whose check has no result yet (XID-12). */
  | "identity/contract-check-missing"
  /** No endpoint for the chain of a contract wallet was given (XID-12). */
  | "identity/chain-not-configured"
  /** The endpoint of a chain cannot be reached, or answers what cannot be believed (XID-12). */
  | "identity/chain-failed"
  /** The update is not signed by everybody it needs. */
  | "identity/signature-missing"
  /** A signature of somebody whom the update does not need. */
  | "identity/unexpected-signer"
  /** An eleventh installation (XID-33). */
  | "identity/too-many-installations"
  /** The identifier belongs to another inbox than the expected one (XID-40). */
  | "identity/inbox-mismatch"
  /** The identifier belongs to another inbox and the caller did not agree to move it (XID-42). */
  | "identity/inbox-reassign"
  /** An MLS credential that is not an inbox id (XGC-11). */
  | "identity/bad-credential"
  /** A SLIM token that is forged, expired or none; `details.reason` says which (SID-03). */
  | "identity/bad-token"
  /** A shared secret of less than 32 bytes (SID-02). */
  | "identity/bad-secret"
  /** A key or a key set of a token provider that is malformed, too short, or not for its algorithm (SID-06). */
  | "identity/bad-key"
  /** The identity has tokens and no key that they name: it cannot sign commands or be in MLS (SID-06). */
  | "identity/cannot-sign"
  /** The source of an identity's tokens gives none that can be used now (SID-06). */
  | "identity/no-token"
  /** A stored state that does not read. */
  | "identity/bad-state";

const callers: ReadonlySet<IdentityErrorCode> = new Set([
  "identity/signature-missing",
  "identity/unexpected-signer",
  "identity/bad-secret",
  "identity/bad-key",
  "identity/cannot-sign",
  "identity/inbox-reassign",
  "identity/inbox-mismatch",
  "identity/too-many-installations",
]);
const waiting: ReadonlySet<IdentityErrorCode> = new Set([
  "identity/contract-check-missing",
  "identity/missing-identity-update",
  "identity/chain-not-configured",
]);

function dispositionOf(code: IdentityErrorCode): Disposition {
  if (code === "identity/chain-failed" || code === "identity/no-token") return "retry";
  if (waiting.has(code)) return "wait";
  return callers.has(code) ? "fix-caller" : "reject";
}

/** Everything this package throws; `code` is one of {@link IdentityErrorCode}, `details.rule` the rule that was broken. */
export class IdentityError extends CoterieError {
  declare readonly code: IdentityErrorCode;

  constructor(code: IdentityErrorCode, details?: ErrorDetails, cause?: unknown) {
    super(code, { disposition: dispositionOf(code), details, cause });
  }
}
