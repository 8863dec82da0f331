import { ClientError } from "../errors.ts";

/** By our codes without the room in front. */
const names: Readonly<Record<string, string>> = {
  "group-inactive": "GroupInactive",
  "group-paused": "GroupPausedUntilUpdate",
  "sync-failed-to-wait": "SyncFailedToWait",
  "user-limit-exceeded": "UserLimitExceeded",
  "address-not-found": "AddressNotFound",
  "too-many-characters": "TooManyCharacters",
  "insufficient-permissions": "InsufficientPermissions",
  "failed-to-verify-installations": "FailedToVerifyInstallations",
  "leave-refused": "LeaveCantProcessed",
  "missing-sequence-id": "MissingSequenceId",
  "account-already-associated": "AccountAlreadyAssociatedError",
  "inbox-reassign": "InboxReassignError",
  "signer-unavailable": "SignerUnavailableError",
  "stream-failed": "StreamFailedError",
  "missing-content-type": "MissingContentTypeError",
  "app-data-in-use": "AppDataInUse",
};

/** What the released SDK calls an error of ours. Branch on `code` where you can: it says the same, and is there for every error. */
export function errorName(error: unknown): string | undefined {
  if (!(error instanceof ClientError)) return undefined;
  const [, name = ""] = error.code.split("/");
  return Object.hasOwn(names, name) ? names[name] : undefined;
}
