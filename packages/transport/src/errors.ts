import { CoterieError, type Disposition, type ErrorDetails } from "@coterie/base";
import { Status, type StatusCode } from "./transport.ts";

/**
 * Whether the request may have reached the server (XIN-24). `no`: safe to send again anywhere. `unknown`: find out by looking.
 * `answered`: the server's own verdict.
 */
export type Sent = "no" | "unknown" | "answered";

interface Meaning {
  readonly code: `transport/${string}`;
  readonly disposition: Disposition;
}

/** What each status means to whoever sees it. The one table of this package. */
const meanings: Readonly<Record<StatusCode, Meaning>> = {
  [Status.ok]: { code: "transport/ok", disposition: "ignore" },
  [Status.cancelled]: { code: "transport/cancelled", disposition: "ignore" },
  [Status.unknown]: { code: "transport/unknown", disposition: "reject" },
  [Status.invalidArgument]: { code: "transport/invalid-argument", disposition: "fix-caller" },
  [Status.deadlineExceeded]: { code: "transport/deadline", disposition: "retry" },
  [Status.notFound]: { code: "transport/not-found", disposition: "reject" },
  [Status.alreadyExists]: { code: "transport/already-exists", disposition: "reject" },
  [Status.permissionDenied]: { code: "transport/permission-denied", disposition: "reject" },
  [Status.resourceExhausted]: { code: "transport/resource-exhausted", disposition: "retry" },
  [Status.failedPrecondition]: { code: "transport/failed-precondition", disposition: "wait" },
  [Status.aborted]: { code: "transport/aborted", disposition: "retry" },
  [Status.outOfRange]: { code: "transport/out-of-range", disposition: "fix-caller" },
  [Status.unimplemented]: { code: "transport/unimplemented", disposition: "fix-caller" },
  [Status.internal]: { code: "transport/internal", disposition: "reject" },
  [Status.unavailable]: { code: "transport/unavailable", disposition: "retry" },
  [Status.dataLoss]: { code: "transport/data-loss", disposition: "reject" },
  [Status.unauthenticated]: { code: "transport/unauthenticated", disposition: "fix-caller" },
};

export interface TransportErrorOptions {
  readonly sent: Sent;
  /** The server's words (`grpc-message`), for people. */
  readonly reason?: string | undefined;
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
  /** A narrower code than the status has, such as `transport/too-large`; its disposition is then `reject`. */
  readonly code?: `transport/${string}` | undefined;
}

/** A call that failed: `status` is the gRPC code, `sent` says whether the request may have had its effect. */
export class TransportError extends CoterieError {
  readonly status: StatusCode;
  readonly sent: Sent;
  /** The server's words, or empty. Untrusted: show it, never branch on it. */
  readonly reason: string;

  constructor(status: StatusCode, options: TransportErrorOptions) {
    const meaning = meanings[status];
    const code = options.code ?? meaning.code;
    super(code, {
      disposition: options.code === undefined ? meaning.disposition : "reject",
      details: { status, sent: options.sent, ...options.details },
      cause: options.cause,
      message: options.reason ? `${code}: ${options.reason}` : undefined,
    });
    this.status = status;
    this.sent = options.sent;
    this.reason = options.reason ?? "";
  }
}

/** Thrown by handlers to choose the status that the caller sees. `reason` goes over the wire: no secrets, no internals. */
export class StatusError extends CoterieError {
  readonly status: StatusCode;
  readonly reason: string;

  constructor(status: StatusCode, reason: string, options: { readonly cause?: unknown } = {}) {
    const { code, disposition } = meanings[status];
    super(code, { disposition, details: { status }, cause: options.cause, message: reason });
    this.status = status;
    this.reason = reason;
  }
}

/** The verdict a handler's failure turns into. Anything but a {@link StatusError} becomes INTERNAL without words. */
export function statusOfFailure(failure: unknown): { status: StatusCode; reason: string } {
  if (failure instanceof StatusError && failure.status !== Status.ok) {
    return { status: failure.status, reason: failure.reason };
  }
  return { status: Status.internal, reason: "internal error" };
}

/**
 * The error of a status that came over the wire. Proxies and stopping servers make these three up without asking the
 * handler, or while it still runs: to take them for its verdict could lose a message that arrived (XIN-24).
 */
export function errorOfAnswer(status: StatusCode, reason: string): TransportError {
  const ambiguous =
    status === Status.cancelled ||
    status === Status.deadlineExceeded ||
    status === Status.unavailable;
  return new TransportError(status, { sent: ambiguous ? "unknown" : "answered", reason });
}

/** Reads `grpc-status`; a number that gRPC does not know counts as UNKNOWN. */
export function parseStatus(text: string): StatusCode {
  const value = /^\d{1,2}$/.test(text) ? Number(text) : -1;
  return value >= 0 && value <= 16 ? (value as StatusCode) : Status.unknown;
}

/** The error of an HTTP answer that is no gRPC answer, such as a proxy's. Only refusals before the server count as answers. */
export function errorOfHttpStatus(httpStatus: number): TransportError {
  const details = { httpStatus };
  if (httpStatus === 400) return new TransportError(Status.internal, { sent: "answered", details });
  if (httpStatus === 401) {
    return new TransportError(Status.unauthenticated, { sent: "answered", details });
  }
  if (httpStatus === 403) {
    return new TransportError(Status.permissionDenied, { sent: "answered", details });
  }
  if (httpStatus === 404) {
    return new TransportError(Status.unimplemented, { sent: "answered", details });
  }
  if (httpStatus === 429 || httpStatus === 502 || httpStatus === 503 || httpStatus === 504) {
    return new TransportError(Status.unavailable, { sent: "unknown", details });
  }
  return new TransportError(Status.unknown, { sent: "unknown", details });
}
