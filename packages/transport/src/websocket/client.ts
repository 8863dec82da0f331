import { Status } from "../transport.ts";
import type { CallOptions, Duplex, IncomingStream, Transport } from "../transport.ts";
import { TransportError } from "../errors.ts";
import { Incoming } from "../incoming.ts";
import { parseUrl } from "../outgoing.ts";
import { verdictOfClose } from "./verdict.ts";

/** What is needed of a WebSocket: the one of browsers, Node's own, or that of `@coterie/transport/websocket-node`. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: Uint8Array): void;
  close(code?: number): void;
  addEventListener(type: "open", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: "close",
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
  /** Where reading can wait, which browsers do not offer. */
  pause?(): void;
  resume?(): void;
  /** Why the opening was refused, where that can be known. */
  readonly refusal?: TransportError | undefined;
}

export interface WebSocketTransportOptions {
  /** `ws://` or `wss://`, host, port and the path that the server answers to (SCN-07). */
  readonly url: string;
  /** Goes along as a query parameter, as pages can send no header; asked for at each call (SCN-08). */
  readonly token?: (() => string) | undefined;
  /** What the server calls that parameter; `token` by default. */
  readonly tokenParameter?: string | undefined;
  /** Opens a socket; the platform's own by default. */
  readonly open?: ((url: string) => WebSocketLike) | undefined;
  /** 10,000 by default. */
  readonly connectTimeoutMs?: number | undefined;
  /** Largest message taken; 4 MiB by default (SCN-03). */
  readonly maxMessageBytes?: number | undefined;
  /** What may wait for a reader who pauses, where reading itself cannot; a page that is behind by more is cut. 32 MiB. */
  readonly maxQueuedBytes?: number | undefined;
}

/** Bytes that may wait in the socket before `send` waits. */
const highWaterBytes = 256 * 1024;
/** Of the range for applications (RFC 6455 §7.4.2): an end that is no good end. */
const cancelledCode = 4000;
/** How often a full socket is looked at: it does not say when it drained. */
const pollMs = 4;

/**
 * Calls with two directions over WebSockets, one each: a frame is a message, and the address says which method it is (SCN-07). A WebSocket has
 * no half-close: `end` ends the call once what was sent is out.
 */
export function createWebSocketTransport(options: WebSocketTransportOptions): Transport {
  const address = parseUrl(options.url, ["ws:", "wss:"]);
  const calls = new Set<IncomingStream>();
  let closed = false;
  const unsupported = (): TransportError =>
    new TransportError(Status.unimplemented, {
      sent: "no",
      reason: "only calls of two directions",
    });

  return {
    unary: () => Promise.reject(unsupported()),
    serverStream() {
      const incoming = new Incoming({ pause() {}, resume() {}, cancel() {} });
      incoming.finish(unsupported());
      return incoming;
    },
    duplex(_path, callOptions) {
      return openCall(options, address, callOptions, closed, calls);
    },
    async close() {
      closed = true;
      for (const call of calls) call.cancel();
    },
  };
}

function openCall(
  options: WebSocketTransportOptions,
  address: URL,
  { signal, timeoutMs }: CallOptions = {},
  isClosed: boolean,
  calls: Set<IncomingStream>,
): Duplex {
  const { maxMessageBytes = 4 * 1024 * 1024, maxQueuedBytes = 32 * 1024 * 1024 } = options;
  let socket: WebSocketLike | undefined;
  let isOpen = false;
  let isEnding = false;
  let error: TransportError | undefined;
  let over = false;
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const incoming = new Incoming({
    pause: () => socket?.pause?.(),
    resume: () => socket?.resume?.(),
    cancel: () => finish(new TransportError(Status.cancelled, { sent: "unknown" })),
  });

  const finish = (reason: TransportError | undefined): void => {
    if (over) return;
    over = true;
    error = reason;
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    incoming.finish(reason);
    socket?.resume?.(); // a paused socket never hears that it was closed
    socket?.close(cancelledCode);
    calls.delete(call);
    settle();
  };
  const abort = (): void => {
    const sent = isOpen ? "unknown" : "no";
    finish(new TransportError(Status.cancelled, { sent, cause: signal?.reason }));
  };
  const after = (ms: number, status: Ending): void => {
    const timer = setTimeout(() => {
      const sent = isOpen ? "unknown" : "no";
      finish(new TransportError(status, { sent }));
    }, ms);
    timers.add(timer);
  };
  let settle: () => void;
  /** The socket is open, or never will be. */
  const opened = new Promise<void>((resolve) => (settle = resolve));

  const connect = (): void => {
    if (isClosed || signal?.aborted === true) {
      finish(new TransportError(Status.cancelled, { sent: "no", cause: signal?.reason }));
      return;
    }
    signal?.addEventListener("abort", abort);
    after(options.connectTimeoutMs ?? 10_000, Status.unavailable);
    const [connecting] = timers;
    if (timeoutMs !== undefined) after(timeoutMs, Status.deadlineExceeded);
    const url = new URL(address);
    if (options.token) {
      url.searchParams.set(options.tokenParameter ?? "token", options.token());
    }
    try {
      socket = (options.open ?? openSocket)(url.href);
    } catch (cause) {
      finish(new TransportError(Status.unavailable, { sent: "no", cause }));
      return;
    }
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      clearTimeout(connecting);
      if (over) return;
      isOpen = true;
      incoming.open({});
      settle();
    });
    socket.addEventListener("message", ({ data }) => {
      if (over) return;
      const bytes = bytesOf(data);
      if (bytes === undefined) finish(badFrame(Status.invalidArgument));
      else if (bytes.length > maxMessageBytes) finish(badFrame(Status.resourceExhausted));
      else incoming.push(bytes);
      if (incoming.queuedBytes > maxQueuedBytes) finish(badFrame(Status.resourceExhausted));
    });
    socket.addEventListener("close", ({ code, reason }) => {
      const unopened = new TransportError(Status.unavailable, { sent: "no" });
      finish(isOpen ? verdictOfClose(code, reason) : (socket?.refusal ?? unopened));
    });
  };

  const call: Duplex = {
    opened: incoming.opened,
    [Symbol.asyncIterator]: () => incoming,
    cancel: () => incoming.cancel(),
    async send(message) {
      if (!isOpen) await opened;
      for (;;) {
        if (over) throw error ?? new TransportError(Status.cancelled, { sent: "unknown" });
        if (isEnding) return;
        if (socket === undefined || socket.bufferedAmount <= highWaterBytes) break;
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
      socket?.send(message);
    },
    end() {
      if (isEnding) return;
      isEnding = true;
      // what is in the socket still goes out before the close does
      if (isOpen) socket?.close(1000);
      else void opened.then(() => socket?.close(1000));
    },
  };
  calls.add(call);
  // it may be over at once
  connect();
  return call;
}

type Ending = typeof Status.unavailable | typeof Status.deadlineExceeded;

function openSocket(url: string): WebSocketLike {
  return new WebSocket(url) as unknown as WebSocketLike;
}

/** Undefined for text. */
function bytesOf(data: unknown): Uint8Array | undefined {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return data instanceof Uint8Array ? data : undefined;
}

function badFrame(status: typeof Status.invalidArgument | typeof Status.resourceExhausted) {
  return new TransportError(status, {
    sent: "unknown",
    code: status === Status.resourceExhausted ? "transport/too-large" : "transport/bad-frame",
  });
}
