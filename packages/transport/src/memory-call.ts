import { Status, type CallContext, type CallOptions, type Metadata } from "./transport.ts";
import type { Routes } from "./transport.ts";
import { errorOfAnswer, statusOfFailure, TransportError } from "./errors.ts";
import { isMetadataEntry, longestTimerMs } from "./headers.ts";
import { Incoming } from "./incoming.ts";

/**
 * A fault of the network on one call. `drop`: the request is lost before it is sent. `lose-answer`: the handler runs, its
 * answer is lost. `duplicate`: a unary handler runs twice, its second answer is lost. `delay`: the request arrives
 * later. `cut`: the connection breaks after so many messages of the answer.
 */
export type CallFault =
  | { readonly kind: "drop" }
  | { readonly kind: "lose-answer" }
  | { readonly kind: "duplicate" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "cut"; readonly afterMessages: number };

/** Who hears what a call brings. */
interface Sink {
  opened?(metadata: Metadata): void;
  message(message: Uint8Array): void;
  done(error: TransportError | undefined): void;
}

/** What all calls of one transport share. */
export interface MemorySettings {
  readonly routes: Routes;
  readonly metadata: Metadata;
  readonly peer: string;
  readonly unaryTimeoutMs: number;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly later: (ms: number, run: () => void) => () => void;
}

/** One call to a handler in this process. */
export class MemoryCall {
  readonly path: string;
  readonly #settings: MemorySettings;
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
    settings: MemorySettings,
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
        Promise.resolve(route.handle(request, context)).then(
          (answer) => this.#answer(answer),
          (error: unknown) => this.#verdict(error),
        );
        if (this.#fault?.kind === "duplicate") {
          Promise.resolve(route.handle(request.slice(), context)).catch(ignore);
        }
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
    leave(this.#iterator);
    this.#iterator = undefined;
    this.#resume?.();
    this.#sink.done(error);
  }
}

async function* onlyMessage(message: Uint8Array): AsyncIterable<Uint8Array> {
  yield message;
}

/** Lets a handler's `finally` run. */
function leave(iterator: AsyncIterator<Uint8Array> | undefined): void {
  const left = iterator?.return?.();
  left?.then(ignore, ignore);
}

function ignore(): void {}
