import { Status, type Metadata } from "../transport.ts";
import { TransportError, errorOfHttpStatus, type Sent } from "../errors.ts";
import { createFrameReader, encodeFrame } from "../framing.ts";
import { metadataOf } from "../headers.ts";
import { verdictOf, verdictOfStatus } from "./trailers.ts";

/** Who hears what a call brings. `done` comes once and last. */
export interface WebSink {
  opened?(metadata: Metadata): void;
  message(message: Uint8Array): void;
  done(error: TransportError | undefined): void;
}

export interface WebCallSpec {
  readonly fetch: typeof fetch;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: Uint8Array;
  readonly maxResponseBytes: number;
  /** Milliseconds from now; undefined for none. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly sink: WebSink;
  /** Waits for the call's turn; undefined where it has come. */
  readonly turn?: (() => Promise<void> | undefined) | undefined;
  /** Called when the call is over, before its sink hears of it; `began` tells whether it had its turn. */
  left(began: boolean): void;
}

type Ending = typeof Status.cancelled | typeof Status.deadlineExceeded | typeof Status.unavailable;

/** One call by fetch, from its start to its verdict. */
export class WebCall {
  readonly #spec: WebCallSpec;
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #began = false;
  /** The trailers came. */
  #answered = false;
  #done = false;
  #resume: (() => void) | undefined;
  #paused: Promise<void> | undefined;
  #abort: (() => void) | undefined;

  constructor(spec: WebCallSpec) {
    this.#spec = spec;
  }

  start(): void {
    const { signal, timeoutMs } = this.#spec;
    if (signal?.aborted) {
      this.end(Status.cancelled, signal.reason);
      return;
    }
    this.#abort = () => this.end(Status.cancelled, signal?.reason);
    signal?.addEventListener("abort", this.#abort, { once: true });
    if (timeoutMs !== undefined) {
      this.#timer = setTimeout(() => this.end(Status.deadlineExceeded), timeoutMs);
    }
    void this.#run().catch((error: unknown) => this.#finish(asTransportError(error)));
  }

  pause(): void {
    this.#paused ??= new Promise((resolve) => (this.#resume = resolve));
  }

  resume(): void {
    this.#resume?.();
    this.#paused = undefined;
  }

  /** Ends the call from this side. */
  end(status: Ending, cause?: unknown): void {
    this.#finish(new TransportError(status, { sent: this.#began ? "unknown" : "no", cause }));
  }

  async #run(): Promise<void> {
    const { fetch, url, headers, request, sink, turn, left } = this.#spec;
    const wait = turn?.();
    if (wait) {
      await wait;
      if (this.#done) {
        // It was called off meanwhile: the place is the next one's.
        left(true);
        return;
      }
    }
    this.#began = true;
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: encodeFrame(request),
      signal: this.#controller.signal,
      // The node knows callers by nothing that a browser adds.
      credentials: "omit",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      redirect: "error",
    });
    if (this.#done) return;
    const status = response.headers.get("grpc-status");
    const type = response.headers.get("content-type") ?? "";
    if (status === null && (response.status !== 200 || !type.startsWith("application/grpc-web"))) {
      throw errorOfHttpStatus(response.status);
    }
    if (status !== null && status !== "0") {
      this.#finish(verdictOfStatus(status, response.headers.get("grpc-message") ?? ""));
      return;
    }
    sink.opened?.(metadataOf(Object.fromEntries(response.headers)));
    await this.#read(response.body);
  }

  async #read(body: ReadableStream<Uint8Array> | null): Promise<void> {
    const { sink, maxResponseBytes } = this.#spec;
    let verdict: { readonly error: TransportError | undefined } | undefined;
    const frames = createFrameReader({
      maxBytes: maxResponseBytes,
      sent: "unknown",
      trailers(block) {
        verdict ??= { error: verdictOf(block) };
      },
    });
    const take = (message: Uint8Array): void => {
      if (!this.#done && !verdict) sink.message(message);
    };
    const reader = body?.getReader();
    for (;;) {
      await this.#paused;
      const step = await reader?.read();
      if (this.#done) return;
      if (step?.value !== undefined) frames.push(step.value, take);
      if (verdict !== undefined) {
        this.#answered = true;
        this.#finish(verdict.error);
        // Only a body read to its end leaves the connection to the next call.
        if ((await reader?.read())?.done === false) await reader?.cancel();
        return;
      }
      if (step === undefined || step.done) break;
    }
    frames.end();
    // The connection ended before the answer did.
    throw new TransportError(Status.unavailable, { sent: "unknown" });
  }

  #finish(error: TransportError | undefined): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#timer);
    if (this.#abort) this.#spec.signal?.removeEventListener("abort", this.#abort);
    if (!this.#answered) this.#controller.abort();
    this.resume();
    this.#spec.left(this.#began);
    this.#spec.sink.done(error);
  }
}

function asTransportError(error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  return new TransportError(Status.unavailable, { sent: sentOf(error), cause: error });
}

/** Browsers do not tell why a request failed. Node does, and then nobody can have heard it. */
function sentOf(error: unknown): Sent {
  const { code } = ((error as { cause?: unknown } | null)?.cause ?? {}) as { code?: unknown };
  return code === "ECONNREFUSED" || code === "ENOTFOUND" ? "no" : "unknown";
}
