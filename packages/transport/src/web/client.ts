import { Status, type CallOptions, type Metadata, type Transport } from "../transport.ts";
import { TransportError } from "../errors.ts";
import { formatTimeout, longestTimerMs } from "../headers.ts";
import { Incoming } from "../incoming.ts";
import { checkMetadata, notOneMessage, parseUrl } from "../outgoing.ts";
import { WebCall, type WebSink } from "./call.ts";

export interface GrpcWebTransportOptions {
  /** `http://host:port` or `https://host:port` of the node; a path goes in front of the method's. */
  readonly url: string;
  /** Sent with every call, such as `x-app-version` (XND-02). */
  readonly metadata?: Metadata | undefined;
  /** Milliseconds a unary call may take unless it says otherwise. 120,000 by default (XND-03). */
  readonly unaryTimeoutMs?: number | undefined;
  /** Largest response message. 25 MiB by default (XND-03). */
  readonly maxResponseBytes?: number | undefined;
  /** Milliseconds between questions whether the node still answers, while streams are open; 30,000 by default, 0 turns them off. */
  readonly keepaliveMs?: number | undefined;
  /** Milliseconds that the answer may take until all streams count as lost. 10,000 by default (XND-03). */
  readonly keepaliveTimeoutMs?: number | undefined;
  /** Instead of the platform's own. */
  readonly fetch?: typeof fetch | undefined;
}

/** Unary calls that run at once; the others wait. Chromium fails requests beyond some 1,300. */
const unaryAtOnce = 100;

/** Any answer to it, also a refusal, shows that the node is there. */
const probe = "/grpc.health.v1.Health/Check";

/**
 * Calls over gRPC-web by fetch (XND-06): for browsers, and wherever else fetch is all there is. Unary calls and streams from the server;
 * a duplex call fails with `transport/unimplemented`. Each call stands for itself: after a break the next one connects anew.
 */
export function createGrpcWebTransport(options: GrpcWebTransportOptions): Transport {
  const url = parseUrl(options.url);
  const base = url.origin + url.pathname.replace(/\/+$/, "");
  const unaryTimeoutMs = options.unaryTimeoutMs ?? 120_000;
  const keepaliveMs = options.keepaliveMs ?? 30_000;
  // Unbound, browsers refuse to call it.
  const request = options.fetch ?? ((...args: Parameters<typeof fetch>) => fetch(...args));
  const common = {
    "content-type": "application/grpc-web+proto",
    accept: "application/grpc-web+proto",
    "x-grpc-web": "1",
    ...checkMetadata(options.metadata),
  };
  const calls = new Set<WebCall>();
  const places = createPlaces(unaryAtOnce);
  const streams = new Set<WebCall>();
  let closed = false;
  let watch: ReturnType<typeof setInterval> | undefined;

  function createCall(
    path: string,
    message: Uint8Array,
    callOptions: CallOptions | undefined,
    defaultTimeoutMs: number | undefined,
    sink: WebSink,
    turn?: Places,
  ): WebCall {
    if (closed) throw new TransportError(Status.cancelled, { sent: "no" });
    let timeoutMs = callOptions?.timeoutMs ?? defaultTimeoutMs;
    if (timeoutMs !== undefined && timeoutMs > longestTimerMs) timeoutMs = undefined;
    const call: WebCall = new WebCall({
      fetch: request,
      url: base + path,
      headers: {
        ...common,
        ...checkMetadata(callOptions?.metadata),
        ...(timeoutMs === undefined ? {} : { "grpc-timeout": formatTimeout(timeoutMs) }),
      },
      request: message,
      maxResponseBytes: options.maxResponseBytes ?? 25 * 1024 * 1024,
      timeoutMs,
      signal: callOptions?.signal,
      sink,
      turn: turn?.take,
      left(began) {
        if (began) turn?.leave();
        calls.delete(call);
        streams.delete(call);
        if (streams.size === 0) clearInterval(watch);
      },
    });
    calls.add(call);
    return call;
  }

  function unary(
    path: string,
    message: Uint8Array,
    callOptions?: CallOptions,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let answer: Uint8Array | undefined;
      let count = 0;
      const sink: WebSink = {
        message(received) {
          count++;
          answer = received;
        },
        done(error) {
          if (error) reject(error);
          else if (answer === undefined || count > 1) reject(notOneMessage(count));
          else resolve(answer);
        },
      };
      createCall(path, message, callOptions, unaryTimeoutMs, sink, places).start();
    });
  }

  /** F43: a connection may die without a word, and a stream on it would wait for ever. */
  function watchStreams(): void {
    if (keepaliveMs <= 0 || streams.size !== 1) return;
    clearInterval(watch);
    watch = setInterval(() => void ask(), keepaliveMs);
    // Node alone has it; browsers end with their page.
    (watch as { unref?: () => void }).unref?.();
  }
  async function ask(): Promise<void> {
    const asked = [...streams];
    try {
      await unary(probe, new Uint8Array(), { timeoutMs: options.keepaliveTimeoutMs ?? 10_000 });
    } catch (error) {
      if (closed || (error as TransportError).sent === "answered") return;
      for (const call of asked) call.end(Status.unavailable, error);
    }
  }

  return {
    unary,
    serverStream(path, message, callOptions) {
      const incoming: Incoming = new Incoming({
        pause: () => call.pause(),
        resume: () => call.resume(),
        cancel: () => call.end(Status.cancelled),
      });
      let call: WebCall;
      try {
        call = createCall(path, message, callOptions, undefined, {
          opened: (metadata) => incoming.open(metadata),
          message: (received) => incoming.push(received),
          done: (error) => incoming.finish(error),
        });
        streams.add(call);
        watchStreams();
        call.start();
      } catch (error) {
        incoming.finish(error);
      }
      return incoming;
    },
    duplex() {
      const error = new TransportError(Status.unimplemented, {
        sent: "no",
        details: { rule: "XND-06", what: "duplex" },
      });
      const incoming = new Incoming({ pause() {}, resume() {}, cancel() {} });
      incoming.finish(error);
      return {
        opened: incoming.opened,
        cancel: () => incoming.cancel(),
        [Symbol.asyncIterator]: () => incoming,
        send: () => Promise.reject(error),
        end() {},
      };
    },
    async close() {
      closed = true;
      clearInterval(watch);
      for (const call of calls) call.end(Status.cancelled);
    },
  };
}

interface Places {
  /** Undefined where there is one at once. */
  readonly take: () => Promise<void> | undefined;
  readonly leave: () => void;
}

function createPlaces(most: number): Places {
  const waiting: (() => void)[] = [];
  let taken = 0;
  return {
    take() {
      if (taken < most) {
        taken++;
        return undefined;
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    leave() {
      // The place goes on to whoever waits.
      const next = waiting.shift();
      if (next) next();
      else taken--;
    },
  };
}
