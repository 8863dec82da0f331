import { CoterieError, type Disposition, type ErrorDetails } from "@coterie/base";

/** What can go wrong with sessions. */
export type SessionErrorCode =
  /** No such session, or it was closed. */
  | "session/closed"
  /** Only the moderator may do this (SGR-02). */
  | "session/not-moderator"
  /** A pair has no members to add or remove, and does not go offline (SPP-04). */
  | "session/not-a-group"
  /** A command went unanswered through all its retries (SGR-12). */
  | "session/unanswered"
  /** Somebody did not come in because members listed in `details.names` have credentials that are too old to verify (SML-22). */
  | "session/credential-expired"
  /** It is in the group already (SGR-03). */
  | "session/already-member"
  /** It is not in the group, or the name fits several members (SGR-30, SRL-16). */
  | "session/unknown-member"
  /** This app does not send data (SSN-10). */
  | "session/not-a-sender"
  /** It went offline and has not rejoined (SHB-10). */
  | "session/offline"
  /** Another change of the same kind is under way (SHB-10). */
  | "session/busy"
  /** A name, a size or a setting that cannot be used. */
  | "session/bad-argument"
  /** More than a message may carry (SCN-03). */
  | "session/too-large"
  /** More sessions, members or waiting messages than are kept (SSN-15, SRL-08). */
  | "session/too-many"
  /** A node did not acknowledge a subscription (SCN-32). */
  | "session/not-subscribed"
  /** What is stored of a session cannot be read (SHB-17). */
  | "session/bad-entry"
  /** A peer's message says what it may not say, or not in this way; `details.reason` tells. */
  | "session/refused"
  /** Nothing came within the time that the caller gave; `details.what` says what was waited for. */
  | "session/timeout"
  /** A message of a source that nobody can bring any more (SRL-14); the next ones follow. */
  | "session/message-lost"
  /** A member left by itself (SGR-35). */
  | "session/participant-disconnected"
  /** There is no connection to use: none at all, several and no route, or one that is gone. */
  | "session/no-connection"
  /** The node could not be reached, or said no. */
  | "session/connection-failed"
  /** Who the app is, or whom it believes, cannot be worked with. */
  | "session/bad-identity"
  /** This platform, or this build of a service, cannot do it. */
  | "session/unsupported"
  /** Stored state could not be read or written. What was not stored was not sent. */
  | "session/storage-failed";

const dispositions: Record<SessionErrorCode, Disposition> = {
  "session/closed": "halt",
  "session/not-moderator": "fix-caller",
  "session/not-a-group": "fix-caller",
  "session/unanswered": "retry",
  "session/credential-expired": "wait",
  "session/already-member": "ignore",
  "session/unknown-member": "fix-caller",
  "session/not-a-sender": "fix-caller",
  "session/offline": "wait",
  "session/busy": "retry",
  "session/bad-argument": "fix-caller",
  "session/too-large": "fix-caller",
  "session/too-many": "retry",
  "session/not-subscribed": "retry",
  "session/bad-entry": "halt",
  "session/refused": "reject",
  "session/timeout": "retry",
  "session/message-lost": "ignore",
  "session/participant-disconnected": "ignore",
  "session/no-connection": "fix-caller",
  "session/connection-failed": "retry",
  "session/bad-identity": "fix-caller",
  "session/unsupported": "fix-caller",
  "session/storage-failed": "halt",
};

/** The kinds of error that the native bindings tell apart. */
export type SlimErrorTag =
  | "ServiceError"
  | "SessionError"
  | "ReceiveError"
  | "SendError"
  | "AuthError"
  | "ConfigError"
  | "RpcError"
  | "Timeout"
  | "InvalidArgument"
  | "InternalError";

const tags: Partial<Record<SessionErrorCode, SlimErrorTag>> = {
  "session/bad-argument": "InvalidArgument",
  "session/timeout": "Timeout",
  "session/no-connection": "ServiceError",
  "session/connection-failed": "ServiceError",
  "session/bad-identity": "AuthError",
  "session/unsupported": "ConfigError",
  "session/storage-failed": "InternalError",
};

/** What callers of the bindings may know by its words (SRL-20). */
export interface SlimWords {
  readonly tag?: SlimErrorTag | undefined;
  readonly message?: string | undefined;
}

/** Everything this package throws. Branch on `code`; `tag` and `inner.message` are what the native bindings would give. */
export class SessionError extends CoterieError {
  declare readonly code: SessionErrorCode;
  /** The kind of `SlimError` that code written for the bindings looks for. */
  readonly tag: SlimErrorTag;

  constructor(code: SessionErrorCode, details?: ErrorDetails, cause?: unknown, words?: SlimWords) {
    super(code, { disposition: dispositions[code], details, cause, message: words?.message });
    this.tag = words?.tag ?? tags[code] ?? "SessionError";
  }

  get inner(): { readonly message: string } {
    return { message: this.message };
  }
}
