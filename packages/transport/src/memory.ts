import { Status, type CallContext, type CallOptions, type Metadata } from "./transport.ts";
import type { Duplex, IncomingStream, Routes, Transport } from "./transport.ts";
import { errorOfAnswer, statusOfFailure, TransportError } from "./errors.ts";
import { isMetadataEntry, longestTimerMs } from "./headers.ts";
import { Incoming } from "./incoming.ts";

/**
 * A fault of the network on one call. `drop`: the request is lost before it is sent. `lose-answer`: the handler runs, its
 * answer is lost. `duplicate`: the handler runs twice, the second answer counts for nothing. `delay`: the request arrives
 * later. `cut`: the connection breaks after so many messages of the answer.
 */
export type CallFault =
  | { readonly kind: "drop" }
  | { readonly kind: "lose-answer" }
  | { readonly kind: "duplicate" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "cut"; readonly afterMessages: number };

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

interface Sink {
  opened?(metadata: Metadata): void;
  message(message: Uint8Array): void;
  done(error: TransportError | undefined): void;
}

interface Settings {
  readonly routes: Routes;
  readonly metadata: Metadata;
  readonly peer: string;
  readonly unaryTimeoutMs: number;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly later: (ms: number, run: () => void) => () => void;
}

/** Calls to handlers in this process, with the semantics of the network but no sockets. Nothing in it depends on the clock but deadlines. */
export function createMemoryTransport(
  routes: Routes,
  options: MemoryOptions = {},
): MemoryTransport {
  const settings: Settings = {
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

class MemoryCall {
  readonly path: string;
  readonly #settings: Settings;
  readonly #request: Uint8Array | Incoming;
  readonly #options: CallOptions;
  readonly #timeoutMs: number | undefined;
  readonly #sink: Sink;
  readonly #controller = new AbortController();
  readonly #undo: (() => void)[] = [];
  #fault: CallFault | undefined;
  #arrived = false;
  #done = false;
  #messages = 0;
  #paused = false;
  #resume: (() => void) | undefined;
  #iterator: AsyncIterator<Uint8Array> | undefined;

  constructor(
    settings: Settings,
    path: string,
    request: Uint8Array | Incoming,
    options: CallOptions = {},
    defaultTimeoutMs: number | undefined,
    sink: Sink,
  ) {
    this.path = path;
    this.#settings = settings;
    this.#request = request;
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    this.#sink = sink;
  }

  start(fault: CallFault | undefined): void {
    const { signal } = this.#options;
    const { later } = this.#settings;
    this.#fault = fault;
    if (signal?.aborted === true) {
      this.fail(new TransportError(Status.cancelled, { sent: "no", cause: signal.reason }));
      return;
    }
    if (signal) {
      const onAbort = (): void => this.cancel(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#undo.push(() => signal.removeEventListener("abort", onAbort));
    }
    if (this.#timeoutMs !== undefined && this.#timeoutMs <= longestTimerMs) {
      this.#undo.push(later(this.#timeoutMs, () => this.#giveUp(Status.deadlineExceeded)));
    }
    const metadata = { ...this.#settings.metadata, ...this.#options.metadata };
    if (!Object.entries(metadata).every(([name, value]) => isMetadataEntry(name, value))) {
      this.fail(
        new TransportError(Status.invalidArgument, {
          sent: "no",
          code: "transport/bad-metadata",
        }),
      );
      return;
    }
    // The request is the caller's again once the call returned.
    const request = this.#request instanceof Uint8Array ? this.#request.slice() : this.#request;
    const arrive = (): void => {
      if (!this.#done) this.#arrive(request, metadata);
    };
    if (fault?.kind === "delay") this.#undo.push(later(fault.ms, arrive));
    else queueMicrotask(arrive);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#resume?.();
    this.#resume = undefined;
  }

  cancel(cause?: unknown): void {
    this.#giveUp(Status.cancelled, cause);
  }

  disconnect(): void {
    this.#giveUp(Status.unavailable);
  }

  fail(error: TransportError): void {
    this.#finish(error);
  }

  #arrive(request: Uint8Array | Incoming, metadata: Metadata): void {
    if (this.#fault?.kind === "drop") {
      this.fail(new TransportError(Status.unavailable, { sent: "no" }));
      return;
    }
    this.#arrived = true;
    const route = this.#settings.routes.get(this.path);
    if (route === undefined) {
      this.fail(errorOfAnswer(Status.unimplemented, "unknown method")); // XND-05
      return;
    }
    const context: CallContext = {
      signal: this.#controller.signal,
      metadata,
      peer: this.#settings.peer,
    };
    try {
      if (route.kind === "duplex") {
        const requests =
          request instanceof Incoming ? this.#limited(request) : onlyMessage(request);
        this.#stream(route.handle(requests, context), {});
      } else if (request instanceof Incoming) {
        this.fail(errorOfAnswer(Status.internal, "the method takes one message"));
      } else if (request.length > this.#settings.maxRequestBytes) {
        this.fail(errorOfAnswer(Status.resourceExhausted, "transport/too-large")); // XND-05
      } else if (route.kind === "server-stream") {
        this.#stream(route.handle(request, context), route.headers ?? {});
      } else {
        if (this.#fault?.kind === "duplicate") {
          Promise.resolve(route.handle(request.slice(), context)).catch(() => {});
        }
        Promise.resolve(route.handle(request, context)).then(
          (answer) => this.#answer(answer),
          (error: unknown) => this.#verdict(error),
        );
      }
    } catch (error) {
      this.#verdict(error);
    }
  }

  #answer(answer: Uint8Array): void {
    if (this.#deliver(answer)) this.#finish(undefined);
  }

  #stream(answers: AsyncIterable<Uint8Array>, headers: Metadata): void {
    if (this.#fault?.kind === "lose-answer" || this.#cutsNow()) {
      this.disconnect();
      return;
    }
    const iterator = answers[Symbol.asyncIterator]();
    this.#iterator = iterator;
    const first = iterator.next(); // XND-04: registered before anybody can know that the stream is open.
    this.#sink.opened?.(headers);
    this.#pump(iterator, first).catch((error: unknown) => this.#verdict(error));
  }

  async #pump(
    answers: AsyncIterator<Uint8Array>,
    first: Promise<IteratorResult<Uint8Array>>,
  ): Promise<void> {
    for (let next = first; ; next = answers.next()) {
      const step = await next;
      if (this.#done) return;
      if (step.done === true) break;
      if (!this.#deliver(step.value)) return;
      if (this.#paused) await new Promise<void>((resolve) => (this.#resume = resolve));
      if (this.#done) return;
    }
    this.#iterator = undefined;
    this.#finish(undefined);
  }

  async *#limited(requests: Incoming): AsyncIterable<Uint8Array> {
    for await (const message of requests) {
      if (message.length > this.#settings.maxRequestBytes) {
        this.fail(errorOfAnswer(Status.resourceExhausted, "transport/too-large")); // XND-05
        return;
      }
      yield message;
    }
  }

  /** Hands one message of the answer over; false when the call ended instead. */
  #deliver(message: Uint8Array): boolean {
    if (this.#done) return false;
    if (this.#fault?.kind === "lose-answer" || this.#cutsNow()) {
      this.disconnect();
      return false;
    }
    const limit = this.#settings.maxResponseBytes;
    if (message.length > limit) {
      this.fail(
        new TransportError(Status.resourceExhausted, {
          sent: "unknown",
          code: "transport/too-large",
          details: { rule: "XND-05", limit, size: message.length },
        }),
      );
      return false;
    }
    this.#messages++;
    this.#sink.message(message.slice());
    return true;
  }

  #cutsNow(): boolean {
    return this.#fault?.kind === "cut" && this.#messages >= this.#fault.afterMessages;
  }

  #verdict(failure: unknown): void {
    if (this.#done) return;
    const { status, reason } = statusOfFailure(failure);
    this.fail(
      this.#fault?.kind === "lose-answer"
        ? new TransportError(Status.unavailable, { sent: "unknown" })
        : errorOfAnswer(status, reason),
    );
  }

  #giveUp(status: TransportError["status"], cause?: unknown): void {
    if (this.#done) return;
    this.fail(new TransportError(status, { sent: this.#arrived ? "unknown" : "no", cause }));
  }

  #finish(error: TransportError | undefined): void {
    if (this.#done) return;
    this.#done = true;
    for (const undo of this.#undo) undo();
    if (error) this.#controller.abort();
    if (this.#request instanceof Incoming) {
      this.#request.finish(new TransportError(Status.cancelled, { sent: "answered" }));
    }
    const iterator = this.#iterator;
    this.#iterator = undefined;
    iterator?.return?.().catch(() => {});
    this.#resume?.();
    this.#sink.done(error);
  }
}

async function* onlyMessage(message: Uint8Array): AsyncIterable<Uint8Array> {
  yield message;
}

function systemLater(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
