import { CoterieError } from "@coterie/base";
import type { Disposition, ErrorDetails } from "@coterie/base";

/** Codes that a caller may meet, with what to do about them when the throw does not say otherwise. */
const dispositions = {
  /** The own installation is no longer a member (XCV-25). */
  "client/group-inactive": "halt",
  /** The group needs a newer version than {@link libxmtpVersion} (XIN-31). */
  "client/group-paused": "wait",
  /** The intent neither finished nor failed in the rounds allowed; it stays queued (XIN-15). */
  "client/sync-failed-to-wait": "retry",
  /** More inboxes than `maxGroupSize` (XGC-56). */
  "client/user-limit-exceeded": "fix-caller",
  /** No inbox answers to this identifier. */
  "client/address-not-found": "fix-caller",
  "client/too-many-characters": "fix-caller",
  /** The policy of the group forbids it; `details.rule` names the rule. */
  "client/insufficient-permissions": "fix-caller",
  /** None of the installations to add had a usable key package (XGC-53). */
  "client/failed-to-verify-installations": "reject",
  "client/missing-sequence-id": "reject",
  "client/inbox-mismatch": "fix-caller",
  "client/too-many-installations": "fix-caller",
  "client/not-registered": "fix-caller",
  "client/closed": "fix-caller",
  "client/bad-argument": "fix-caller",
  "client/unsupported": "fix-caller",
  "client/not-found": "fix-caller",
  "client/leave-refused": "fix-caller",
  "client/signer-unavailable": "fix-caller",
  "client/bad-group-context": "reject",
  "client/bad-envelope": "reject",
  "client/bad-welcome": "reject",
  "client/bad-key-package": "reject",
  "client/bad-row": "halt",
  "client/stream-failed": "retry",
  "client/publish-failed": "retry",
} as const satisfies Record<string, Disposition>;

export type ClientErrorCode = keyof typeof dispositions;

/** Everything this package throws. `details.rule` names the rule of the specification where one failed. */
export class ClientError extends CoterieError {
  constructor(
    code: ClientErrorCode,
    details?: ErrorDetails,
    options: { readonly disposition?: Disposition; readonly cause?: unknown } = {},
  ) {
    super(code, {
      disposition: options.disposition ?? dispositions[code],
      details,
      cause: options.cause,
    });
  }
}
