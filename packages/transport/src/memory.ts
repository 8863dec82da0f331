import { Status, type CallOptions, type Metadata } from "./transport.ts";
import type { Duplex, IncomingStream, Routes, Transport } from "./transport.ts";
import { TransportError } from "./errors.ts";
import { Incoming } from "./incoming.ts";
import { MemoryCall, type CallFault, type MemorySettings } from "./memory-call.ts";

export type { CallFault } from "./memory-call.ts";

/** Chooses the fault of a call; `number` counts the calls of this transport from 0. */
export type Faults = (call: {
  readonly path: string;
  readonly number: number;
}) => CallFault | undefined;

export interface MemoryOptions {
  readonly faults?: Faults | undefined;
  /** Sent with every call. */
  readonly metadata?: Metadata | undefined;
  /** What handlers see as the caller's address. Empty by default. */
  readonly peer?: string | undefined;
  readonly unaryTimeoutMs?: number | undefined;
  readonly maxRequestBytes?: number | undefined;
  readonly maxResponseBytes?: number | undefined;
  /** Runs something later and returns how to call that off; `setTimeout` by default. For tests on a virtual clock. */
  readonly later?: ((ms: number, run: () => void) => () => void) | undefined;
}

export interface MemoryTransport extends Transport {
  /** Breaks the connection: every running call fails as `transport/unavailable`, later calls go through. */
  disconnect(): void;
  /** Calls that run now. */
  readonly active: number;
}

/** Calls to handlers in this process, with the semantics of the network but no sockets. Nothing in it depends on the clock but deadlines. */
export function createMemoryTransport(
  routes: Routes,
  options: MemoryOptions = {},
): MemoryTransport {
  const settings: MemorySettings = {
    routes,
    metadata: options.metadata ?? {},
    peer: options.peer ?? "",
    unaryTimeoutMs: options.unaryTimeoutMs ?? 120_000,
    maxRequestBytes: options.maxRequestBytes ?? 50 * 1024 * 1024,
    maxResponseBytes: options.maxResponseBytes ?? 25 * 1024 * 1024,
    later: options.later ?? systemLater,
  };
  const active = new Set<MemoryCall>();
  let number = 0;
  let closed = false;

  function begin(call: MemoryCall): void {
    if (closed) {
      call.fail(new TransportError(Status.cancelled, { sent: "no" }));
      return;
    }
    active.add(call);
    call.start(options.faults?.({ path: call.path, number: number++ }));
  }

  function open(
    path: string,
    request: Uint8Array | Incoming,
    callOptions: CallOptions | undefined,
  ): Incoming {
    const incoming: Incoming = new Incoming({
      pause: () => call.pause(),
      resume: () => call.resume(),
      cancel: () => call.cancel(),
    });
    const call = new MemoryCall(settings, path, request, callOptions, undefined, {
      opened: (metadata) => incoming.open(metadata),
      message: (message) => incoming.push(message),
      done(error) {
        active.delete(call);
        incoming.finish(error);
      },
    });
    begin(call);
    return incoming;
  }

  return {
    unary: (path, request, callOptions) =>
      new Promise((resolve, reject) => {
        let answer: Uint8Array | undefined;
        const timeoutMs = settings.unaryTimeoutMs;
        const call = new MemoryCall(settings, path, request, callOptions, timeoutMs, {
          message: (message) => (answer = message),
          done(error) {
            active.delete(call);
            if (error) reject(error);
            else resolve(answer as Uint8Array);
          },
        });
        begin(call);
      }),
    serverStream: (path, request, callOptions): IncomingStream => open(path, request, callOptions),
    duplex(path, callOptions): Duplex {
      let ended = false;
      let freed: (() => void)[] = [];
      let full = false;
      const free = (): void => {
        full = false;
        const waiting = freed;
        freed = [];
        for (const resolve of waiting) resolve();
      };
      const requests = new Incoming({
        pause: () => (full = true),
        resume: free,
        cancel: free,
      });
      const incoming = open(path, requests, callOptions);
      return {
        opened: incoming.opened,
        cancel: () => incoming.cancel(),
        [Symbol.asyncIterator]: () => incoming,
        async send(message) {
          if (incoming.finished) throw new TransportError(Status.cancelled, { sent: "unknown" });
          if (ended) return;
          requests.push(message.slice());
          if (full) await new Promise<void>((resolve) => freed.push(resolve));
        },
        end() {
          ended = true;
          requests.finish();
        },
      };
    },
    disconnect() {
      for (const call of active) call.disconnect();
    },
    get active() {
      return active.size;
    },
    close() {
      closed = true;
      for (const call of active) call.cancel();
      return Promise.resolve();
    },
  };
}

function systemLater(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
