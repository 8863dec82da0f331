import type { RpcContext } from "./context.ts";
import { RpcCode, RpcError } from "./status.ts";

type Stream = AsyncIterable<Uint8Array>;
type Streamed = Stream | Iterable<Uint8Array> | Promise<Stream | Iterable<Uint8Array>>;

export type UnaryUnaryHandler = (
  request: Uint8Array,
  context: RpcContext,
) => Promise<Uint8Array> | Uint8Array;
export type UnaryStreamHandler = (request: Uint8Array, context: RpcContext) => Streamed;
export type StreamUnaryHandler = (
  requests: Stream,
  context: RpcContext,
) => Promise<Uint8Array> | Uint8Array;
export type StreamStreamHandler = (requests: Stream, context: RpcContext) => Streamed;

/** One form for all four kinds. */
export interface Served {
  /** Whether more than the first message of a call is for the handler. */
  readonly takesStream: boolean;
  readonly handle: (requests: Stream, context: RpcContext) => Stream;
}

export function unaryUnary(handler: UnaryUnaryHandler): Served {
  return {
    takesStream: false,
    async *handle(requests, context) {
      yield await handler(await only(requests), context);
    },
  };
}

export function unaryStream(handler: UnaryStreamHandler): Served {
  return {
    takesStream: false,
    async *handle(requests, context) {
      yield* await handler(await only(requests), context);
    },
  };
}

export function streamUnary(handler: StreamUnaryHandler): Served {
  return {
    takesStream: true,
    async *handle(requests, context) {
      yield await handler(requests, context);
    },
  };
}

export function streamStream(handler: StreamStreamHandler): Served {
  return {
    takesStream: true,
    async *handle(requests, context) {
      yield* await handler(requests, context);
    },
  };
}

/** Released callers end even a call without a request; then the request is empty. */
async function only(requests: Stream): Promise<Uint8Array> {
  for await (const request of requests) return request;
  return new Uint8Array();
}

export function pathOf(service: string, method: string): string {
  for (const name of [service, method]) {
    if (name === "" || name.includes("/")) throw new RpcError(RpcCode.InvalidArgument, "a name");
  }
  return `${service}/${method}`;
}
