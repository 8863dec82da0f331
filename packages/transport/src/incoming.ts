import { Status, type IncomingStream, type Metadata } from "./transport.ts";
import { TransportError } from "./errors.ts";

/** What the reader of an incoming stream asks of whoever feeds it. */
export interface IncomingSource {
  /** More is queued than the reader takes: stop feeding until `resume`. */
  pause(): void;
  resume(): void;
  /** The reader went away. Called at most once, and not after `finish`. */
  cancel(): void;
}

type Waiting = {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: unknown) => void;
};

/** Bytes queued for a reader before its source is paused. */
const highWaterBytes = 64 * 1024;
/** What a queued message costs beside its bytes, so that empty messages count too. */
const messageOverhead = 64;

/**
 * The reading end of a stream: a bounded queue between a source that pushes and a loop that pulls. A failure comes after the
 * messages that came before it.
 */
export class Incoming implements IncomingStream, AsyncIterableIterator<Uint8Array, undefined> {
  readonly opened: Promise<Metadata>;
  #resolveOpened!: (metadata: Metadata) => void;
  #rejectOpened!: (error: unknown) => void;
  readonly #source: IncomingSource;
  // A ring would save the shift; two arrays swapped do it with less code.
  #queue: Uint8Array[] = [];
  #head = 0;
  #queuedBytes = 0;
  #paused = false;
  #waiting: Waiting[] = [];
  #finished = false;
  #error: unknown;

  constructor(source: IncomingSource) {
    this.#source = source;
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      this.#rejectOpened = reject;
    });
    // Readers who do not care about `opened` see the failure in the loop.
    this.opened.catch(() => {});
  }

  /** For the source: response headers came. */
  open(metadata: Metadata): void {
    this.#resolveOpened(metadata);
  }

  /** For the source: a message came. */
  push(message: Uint8Array): void {
    if (this.#finished) return;
    const waiting = this.#waiting.shift();
    if (waiting) {
      waiting.resolve({ value: message, done: false });
      return;
    }
    this.#queue.push(message);
    this.#queuedBytes += message.length + messageOverhead;
    if (!this.#paused && this.#queuedBytes >= highWaterBytes) {
      this.#paused = true;
      this.#source.pause();
    }
  }

  /** For the source: nothing more comes. With an error, the reader sees it after what is queued. */
  finish(error?: unknown): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#error = error;
    this.#rejectOpened(error ?? new TransportError(Status.cancelled, { sent: "unknown" }));
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) this.#settleAfterEnd(one);
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** Bytes held for the reader, for tests and metrics. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  cancel(): void {
    this.#drop();
    if (this.#finished) return;
    this.finish(new TransportError(Status.cancelled, { sent: "unknown" }));
    this.#source.cancel();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#head < this.#queue.length) {
      return Promise.resolve({ value: this.#take(), done: false });
    }
    return new Promise((resolve, reject) => {
      if (this.#finished) this.#settleAfterEnd({ resolve, reject });
      else this.#waiting.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.cancel();
    this.#error = undefined;
    return Promise.resolve({ value: undefined, done: true });
  }

  #settleAfterEnd(waiting: Waiting): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) waiting.resolve({ value: undefined, done: true });
    else waiting.reject(error);
  }

  #take(): Uint8Array {
    const message = this.#queue[this.#head] as Uint8Array;
    this.#head++;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head === 1024) {
      this.#queue = this.#queue.slice(1024);
      this.#head = 0;
    }
    this.#queuedBytes -= message.length + messageOverhead;
    if (this.#paused && this.#queuedBytes < highWaterBytes / 2) {
      this.#paused = false;
      if (!this.#finished) this.#source.resume();
    }
    return message;
  }

  #drop(): void {
    this.#queue = [];
    this.#head = 0;
    this.#queuedBytes = 0;
  }
}
