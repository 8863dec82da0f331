import { CoterieError } from "@coterie/base";
import type { Disposition } from "@coterie/base";

/** Numbers as in gRPC. */
export const RpcCode = {
  Ok: 0,
  Cancelled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
} as const;
export type RpcCode = (typeof RpcCode)[keyof typeof RpcCode];

const names = new Map<number, string>(Object.entries(RpcCode).map(([name, code]) => [code, name]));
const again: ReadonlySet<RpcCode> = new Set([
  RpcCode.DeadlineExceeded,
  RpcCode.ResourceExhausted,
  RpcCode.Aborted,
  RpcCode.Unavailable,
]);
const ours: ReadonlySet<RpcCode> = new Set([RpcCode.InvalidArgument, RpcCode.Unimplemented]);

/** A number of the wire; undefined for one that is no status. */
export function rpcCodeOf(value: number): RpcCode | undefined {
  return names.has(value) ? (value as RpcCode) : undefined;
}

/** How a call ended that did not end well. Thrown by a handler it goes to the caller as it is. */
export class RpcError extends CoterieError {
  declare readonly code: /** A call that ended with a status other than OK; `status` says which. */ "session/rpc-failed";
  readonly status: RpcCode;
  /** In the words of whoever ended the call. May come from a peer: not for logs. */
  readonly statusMessage: string;
  /** Of a call to a group: who answered so. */
  readonly origin: string | undefined;

  constructor(
    status: RpcCode,
    statusMessage = "",
    more: { readonly origin?: string | undefined; readonly cause?: unknown } = {},
  ) {
    const disposition: Disposition = again.has(status)
      ? "retry"
      : ours.has(status)
        ? "fix-caller"
        : "reject";
    const details = { status: names.get(status) };
    super("session/rpc-failed", { disposition, details, cause: more.cause });
    this.status = status;
    this.statusMessage = statusMessage;
    this.origin = more.origin;
  }

  /** What code written for the native bindings looks for. */
  get tag(): "Rpc" | "MulticastRpc" {
    return this.origin === undefined ? "Rpc" : "MulticastRpc";
  }
  get inner(): { readonly code: RpcCode; readonly message: string; readonly origin?: string } {
    const { status: code, statusMessage: message, origin } = this;
    return origin === undefined ? { code, message } : { code, message, origin };
  }

  static instanceOf(value: unknown): value is RpcError {
    return value instanceof RpcError;
  }
}

/** Whatever a handler or a session threw, as a status. Words of strangers' exceptions stay here (SRP-08). */
export function rpcErrorOf(error: unknown, otherwise: RpcCode = RpcCode.Internal): RpcError {
  if (error instanceof RpcError) return error;
  return new RpcError(otherwise, "", { cause: error });
}
