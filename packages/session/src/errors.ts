import { CoterieError, type Disposition, type ErrorDetails } from "@coterie/base";

/** What can go wrong with sessions. */
export type SessionErrorCode =
  /** No such session, or it was closed. */
  | "session/closed"
  /** Only the moderator may do this (SGR-02). */
  | "session/not-moderator"
  /** A command went unanswered through all its retries (SGR-12). */
  | "session/unanswered"
  /** A name, a size or a setting that cannot be used. */
  | "session/bad-argument";

const dispositions: Record<SessionErrorCode, Disposition> = {
  "session/closed": "halt",
  "session/not-moderator": "fix-caller",
  "session/unanswered": "retry",
  "session/bad-argument": "fix-caller",
};

export class SessionError extends CoterieError {
  declare readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, details?: ErrorDetails, cause?: unknown) {
    super(code, { disposition: dispositions[code], details, cause });
  }
}
