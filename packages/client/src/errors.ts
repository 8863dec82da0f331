import { CoterieError } from "@coterie/base";
import type { Disposition, ErrorDetails } from "@coterie/base";

/** What a caller may meet. `client/` codes of refused envelopes (events, commit log) are named after XCV and not listed here. */
export type ClientErrorCode =
  /** The own installation is no longer a member (XCV-25). */
  | "client/group-inactive"
  /** The group needs a newer version than {@link libxmtpVersion} (XIN-31). */
  | "client/group-paused"
  /** The intent neither finished nor failed in the rounds allowed; it stays queued (XIN-15). */
  | "client/sync-failed-to-wait"
  /** More inboxes than `maxGroupSize` (XGC-56). */
  | "client/user-limit-exceeded"
  /** No inbox answers to this identifier. */
  | "client/address-not-found"
  /** The identifier is in this inbox already (XID-42). */
  | "client/account-already-associated"
  | "client/too-many-characters"
  /** The policy of the group forbids it; `details.rule` names the rule. */
  | "client/insufficient-permissions"
  /** None of the installations to add had a usable key package (XGC-53). */
  | "client/failed-to-verify-installations"
  | "client/missing-sequence-id"
  | "client/inbox-mismatch"
  | "client/too-many-installations"
  | "client/not-registered"
  | "client/closed"
  /** The tab that ran the client went away while it carried this out: it may have happened, so look. */
  | "client/interrupted"
  | "client/bad-argument"
  | "client/unsupported"
  | "client/not-found"
  | "client/leave-refused"
  | "client/signer-unavailable"
  | "client/bad-group-context"
  | "client/bad-envelope"
  | "client/bad-welcome"
  | "client/bad-key-package"
  /** Not an archive, damaged, of another version, or of another key (XHS-08); `details.reason` says which. */
  | "client/bad-archive"
  /** A history server did not take or give an archive (XHS-06). */
  | "client/transfer-failed"
  | "client/bad-row"
  /** A file needs `dbEncryptionKey`. */
  | "client/database-key-missing"
  /** Content is not what its type says, or cannot be written as such; `details.what` names the part. */
  | "client/bad-content"
  /** Larger than what members can read: a remote attachment takes files of any size. */
  | "client/content-too-large"
  /** Content without a type cannot be sent. */
  | "client/missing-content-type"
  /** `app_data` holds something else than a JSON object, so pins have no place in it. */
  | "client/app-data-in-use"
  | "client/stream-failed"
  | "client/publish-failed"
  /** A commit or welcome names an identity update that the node does not show yet (XCV-11). */
  | "client/identity-behind";

const dispositions: Readonly<Record<ClientErrorCode, Disposition>> = {
  "client/group-inactive": "halt",
  "client/group-paused": "wait",
  "client/sync-failed-to-wait": "retry",
  "client/user-limit-exceeded": "fix-caller",
  "client/address-not-found": "fix-caller",
  "client/account-already-associated": "fix-caller",
  "client/too-many-characters": "fix-caller",
  "client/insufficient-permissions": "fix-caller",
  "client/failed-to-verify-installations": "reject",
  "client/missing-sequence-id": "reject",
  "client/inbox-mismatch": "fix-caller",
  "client/too-many-installations": "fix-caller",
  "client/not-registered": "fix-caller",
  "client/closed": "fix-caller",
  "client/interrupted": "wait",
  "client/bad-argument": "fix-caller",
  "client/unsupported": "fix-caller",
  "client/not-found": "fix-caller",
  "client/leave-refused": "fix-caller",
  "client/signer-unavailable": "fix-caller",
  "client/bad-group-context": "reject",
  "client/bad-envelope": "reject",
  "client/bad-welcome": "reject",
  "client/bad-key-package": "reject",
  "client/bad-archive": "reject",
  "client/transfer-failed": "retry",
  "client/bad-row": "halt",
  "client/database-key-missing": "fix-caller",
  "client/bad-content": "reject",
  "client/content-too-large": "fix-caller",
  "client/missing-content-type": "fix-caller",
  "client/app-data-in-use": "fix-caller",
  "client/stream-failed": "retry",
  "client/publish-failed": "retry",
  "client/identity-behind": "wait",
};

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
