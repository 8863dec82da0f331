import { CoterieError } from "@coterie/base";
import { SessionError } from "../errors.ts";

/** What the packages below throw over an argument is the caller's to mend, and is told as ours. */
export function badArgument<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof SessionError) throw cause;
    const reason = cause instanceof CoterieError ? cause.details["reason"] : undefined;
    throw new SessionError("session/bad-argument", { what, reason }, cause);
  }
}

/** What a connection or a subscription failed of. */
export function connectionError(cause: unknown): SessionError {
  if (cause instanceof SessionError) return cause;
  const reason = cause instanceof CoterieError ? cause.code : undefined;
  return new SessionError("session/connection-failed", { reason }, cause);
}
