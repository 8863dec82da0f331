import { CoterieError } from "@coterie/base";
import { Status, StatusError } from "@coterie/transport";
import type { StatusCode } from "@coterie/transport";

/** What callers see of the node's own failures. Codes that are not here are INTERNAL, without words. */
const statuses: Readonly<Partial<Record<string, StatusCode>>> = {
  "node/invalid-argument": Status.invalidArgument,
  "node/inbox-log-full": Status.failedPrecondition,
  "node/too-large": Status.resourceExhausted,
  "node/rate-limited": Status.resourceExhausted,
  "node/conflict": Status.aborted,
  "node/slow-reader": Status.aborted,
  "node/closed": Status.unavailable,
  "node/storage-full": Status.unavailable,
  "node/storage-busy": Status.unavailable,
  "node/storage-failed": Status.unavailable,
  "node/storage-corrupt": Status.dataLoss,
  // chains are asked on behalf of the caller: what they cannot say is not the caller's fault (XND-25)
  "identity/chain-failed": Status.unavailable,
  "identity/chain-not-configured": Status.failedPrecondition,
  // an answer of ours that cannot be written
  "wire/bad-value": Status.internal,
};

/** Rooms that judge what a caller sent: whatever they throw is about the request. */
const judges = ["wire/", "identity/", "mls/", "crypto/"];

/** The one place where failures turn into gRPC statuses. */
export function toStatus(failure: unknown): StatusError {
  if (failure instanceof StatusError) return failure;
  if (failure instanceof CoterieError) {
    const status = statuses[failure.code];
    if (status !== undefined) return new StatusError(status, failure.message, { cause: failure });
    if (judges.some((room) => failure.code.startsWith(room))) {
      return new StatusError(Status.invalidArgument, failure.message, { cause: failure });
    }
  }
  return new StatusError(Status.internal, "internal error", { cause: failure });
}
