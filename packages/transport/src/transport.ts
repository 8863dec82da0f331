/** Status codes of gRPC, by number. */
export const Status = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;
export type StatusCode = (typeof Status)[keyof typeof Status];

/** Lower-case names; values of names ending in `-bin` are base64. */
export type Metadata = Readonly<Record<string, string>>;

export interface CallOptions {
  /** Ends the call early with `transport/cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the call fails with `transport/deadline`. Unary default 120,000; streams have none. */
  readonly timeoutMs?: number | undefined;
  readonly metadata?: Metadata | undefined;
}

/** Messages of a stream, in order. Leaving the loop early cancels the call. A reader that pauses slows the sender down. */
export interface IncomingStream extends AsyncIterable<Uint8Array> {
  /** Settles when the peer's response headers came: from then on nothing sent to the stream is missed (XND-04). */
  readonly opened: Promise<Metadata>;
  cancel(): void;
}

/** A call whose both directions flow. */
export interface Duplex extends IncomingStream {
  /** Resolves once the peer can take more. */
  send(message: Uint8Array): Promise<void>;
  /** Ends our direction; the other goes on. */
  end(): void;
}

/**
 * Calls to one server. `path` is `/package.Service/Method`; messages are encoded bytes. All failures are `TransportError`s
 * whose `status` is a gRPC code and whose `sent` says whether the request may have reached the server: `no` is safe to send
 * again anywhere, `unknown` must be resolved by looking (XIN-24), `answered` is the server's own verdict.
 */
export interface Transport {
  unary(path: string, request: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  serverStream(path: string, request: Uint8Array, options?: CallOptions): IncomingStream;
  duplex(path: string, options?: CallOptions): Duplex;
  /** Ends all calls and connections. Closing twice is harmless. */
  close(): Promise<void>;
}

/** What a handler knows of the call it serves. */
export interface CallContext {
  /** Aborted when the caller went away, the deadline passed or the server stops. */
  readonly signal: AbortSignal;
  readonly metadata: Metadata;
  /** Address of the caller, for rate limits; empty for the in-memory transport. */
  readonly peer: string;
}

export type UnaryHandler = (
  request: Uint8Array,
  context: CallContext,
) => Promise<Uint8Array> | Uint8Array;
/** Response headers go out before the first message is asked for. */
export type ServerStreamHandler = (
  request: Uint8Array,
  context: CallContext,
) => AsyncIterable<Uint8Array>;
export type DuplexHandler = (
  requests: AsyncIterable<Uint8Array>,
  context: CallContext,
) => AsyncIterable<Uint8Array>;

/** One method that a server offers. */
export type Route =
  | { readonly kind: "unary"; readonly handle: UnaryHandler }
  | {
      readonly kind: "server-stream";
      readonly handle: ServerStreamHandler;
      /** Sent with the response headers. */
      readonly headers?: Metadata;
    }
  | { readonly kind: "duplex"; readonly handle: DuplexHandler };

/** The methods that a server offers, by path. The same value serves h2 and the in-memory transport. */
export type Routes = ReadonlyMap<string, Route>;
