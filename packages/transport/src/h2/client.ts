import type { OutgoingHttpHeaders } from "node:http2";
import { silentLog, type Log } from "@coterie/base";
import type { CallOptions, Duplex, IncomingStream, Metadata, Transport } from "../transport.ts";
import { formatTimeout, longestTimerMs } from "../headers.ts";
import { Incoming } from "../incoming.ts";
import { checkMetadata, notOneMessage, parseUrl } from "../outgoing.ts";
import { ClientCall, type CallSink } from "./call.ts";
import { Connection, type ClientTls } from "./connection.ts";
import { Outbound } from "./outbound.ts";

export interface H2TransportOptions {
  /**
   * `http://host:port` speaks HTTP/2 at once, `https://host:port` negotiates it by ALPN (XND-01); a path is ignored. `unix:///path` is a
   * socket in the file system (SCN-06).
   */
  readonly url: string;
  /** Sent with every call, such as `x-app-version` (XND-02). */
  readonly metadata?: Metadata | undefined;
  readonly tls?: ClientTls | undefined;
  /** The `authorization` header of a call, asked for at each (SCN-08). */
  readonly authorization?: (() => string) | undefined;
  /** Milliseconds until connecting counts as failed. 10,000 by default (XND-03). */
  readonly connectTimeoutMs?: number | undefined;
  /** Milliseconds a unary call may take unless it says otherwise. 120,000 by default (XND-03). */
  readonly unaryTimeoutMs?: number | undefined;
  /** Largest response message. 25 MiB by default (XND-03). */
  readonly maxResponseBytes?: number | undefined;
  /** Milliseconds between pings, 16,000 by default; 0 turns them off (XND-03). */
  readonly keepaliveMs?: number | undefined;
  /** Milliseconds of silence after a ping until the connection counts as lost. 10,000 by default (XND-03). */
  readonly keepaliveTimeoutMs?: number | undefined;
  /** Waits before connecting again are drawn from [0, min(capMs, baseMs·2ⁿ)). 100 and 10,000 by default. */
  readonly backoff?: { readonly baseMs: number; readonly capMs: number } | undefined;
  /** Bytes of one stream that may be under way to a reader that pauses. 1 MiB by default. */
  readonly windowBytes?: number | undefined;
  /** Draws from [0, 1) for the jitter. */
  readonly random?: (() => number) | undefined;
  readonly log?: Log | undefined;
}

/** Calls over gRPC on HTTP/2. Connects when first used and again when lost; an idle transport does not keep the process alive. */
export function createH2Transport(options: H2TransportOptions): Transport {
  const url = parseUrl(options.url, ["http:", "https:", "unix:"]);
  const unaryTimeoutMs = options.unaryTimeoutMs ?? 120_000;
  const maxResponseBytes = options.maxResponseBytes ?? 25 * 1024 * 1024;
  const connection = new Connection({
    url,
    tls: options.tls ?? {},
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    keepaliveMs: options.keepaliveMs ?? 16_000,
    keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? 10_000,
    backoffBaseMs: options.backoff?.baseMs ?? 100,
    backoffCapMs: options.backoff?.capMs ?? 10_000,
    windowBytes: options.windowBytes ?? 1024 * 1024,
    random: options.random ?? Math.random,
    log: options.log ?? silentLog,
  });
  const common: OutgoingHttpHeaders = {
    ":method": "POST",
    ":scheme": url.protocol === "https:" ? "https" : "http",
    ":authority": url.host || "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "coterie-transport",
    "grpc-accept-encoding": "identity",
    ...checkMetadata(options.metadata),
  };

  function createCall(
    path: string,
    request: Uint8Array | Outbound,
    callOptions: CallOptions | undefined,
    defaultTimeoutMs: number | undefined,
    sink: CallSink,
  ): ClientCall {
    const headers: OutgoingHttpHeaders = { ...common, ":path": path };
    if (options.authorization) {
      Object.assign(headers, checkMetadata({ authorization: options.authorization() }));
    }
    if (callOptions?.metadata) Object.assign(headers, checkMetadata(callOptions.metadata));
    let timeoutMs = callOptions?.timeoutMs ?? defaultTimeoutMs;
    if (timeoutMs !== undefined && timeoutMs > longestTimerMs) timeoutMs = undefined;
    if (timeoutMs !== undefined) headers["grpc-timeout"] = formatTimeout(timeoutMs);
    return new ClientCall({
      connection,
      headers,
      maxResponseBytes,
      timeoutMs,
      signal: callOptions?.signal,
      request,
      sink,
    });
  }

  /** A call whose answers are read in a loop. */
  function open(
    path: string,
    request: Uint8Array | Outbound,
    callOptions: CallOptions | undefined,
  ): Incoming {
    const incoming: Incoming = new Incoming({
      pause: () => call.pause(),
      resume: () => call.resume(),
      cancel: () => call.cancel(),
    });
    let call: ClientCall;
    try {
      call = createCall(path, request, callOptions, undefined, {
        opened: (metadata) => incoming.open(metadata),
        message: (message) => incoming.push(message),
        done: (error) => incoming.finish(error),
      });
      call.start();
    } catch (error) {
      incoming.finish(error);
    }
    return incoming;
  }

  return {
    unary(path, request, callOptions) {
      return new Promise((resolve, reject) => {
        let answer: Uint8Array | undefined;
        let count = 0;
        createCall(path, request, callOptions, unaryTimeoutMs, {
          message(message) {
            count++;
            answer = message;
          },
          done(error) {
            if (error) reject(error);
            else if (answer === undefined || count > 1) reject(notOneMessage(count));
            else resolve(answer);
          },
        }).start();
      });
    },
    serverStream(path, request, callOptions): IncomingStream {
      return open(path, request, callOptions);
    },
    duplex(path, callOptions): Duplex {
      const outbound = new Outbound();
      const incoming = open(path, outbound, callOptions);
      return {
        opened: incoming.opened,
        cancel: () => incoming.cancel(),
        [Symbol.asyncIterator]: () => incoming,
        send: (message) => (outbound.push(message) ? outbound.sent() : outbound.drained()),
        end: () => outbound.end(),
      };
    },
    close: () => connection.close(),
  };
}
