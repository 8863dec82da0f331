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
  | "session/refused";

const dispositions: Record<SessionErrorCode, Disposition> = {
  "session/closed": "halt",
  "session/not-moderator": "fix-caller",
  "session/not-a-group": "fix-caller",
  "session/unanswered": "retry",
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
};

export class SessionError extends CoterieError {
  declare readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, details?: ErrorDetails, cause?: unknown) {
    super(code, { disposition: dispositions[code], details, cause });
  }
}
