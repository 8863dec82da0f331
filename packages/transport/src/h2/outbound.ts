import type { Http2Stream } from "node:http2";
import { frameHeaderBytes, writeFrameHeader } from "../framing.ts";

/** From here on a message is handed over as it is, behind its header; copying it would cost more than a second buffer. */
const copyBelowBytes = 16 * 1024;
/** Small messages of one turn of the event loop travel in one write of about this size. */
const batchBytes = 32 * 1024;

/** One message as a frame in one buffer from the pool. */
function frameBuffer(message: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(frameHeaderBytes + message.length);
  writeFrameHeader(out, 0, message.length);
  out.set(message, frameHeaderBytes);
  return out;
}

/** Writes the only message of a direction and ends the direction. */
export function writeSingle(stream: Http2Stream, message: Uint8Array): void {
  if (message.length < copyBelowBytes) {
    stream.end(frameBuffer(message));
    return;
  }
  const header = Buffer.allocUnsafe(frameHeaderBytes);
  writeFrameHeader(header, 0, message.length);
  stream.cork();
  stream.write(header);
  stream.end(message);
  stream.uncork();
}

/** What an {@link Outbound} writes to. */
export interface OutboundTarget {
  readonly destroyed: boolean;
  readonly closed: boolean;
  cork(): void;
  uncork(): void;
  /** False while the peer is behind. */
  write(chunk: Uint8Array): boolean;
  end(): unknown;
  on(event: "drain", listener: () => void): unknown;
}

const settled = Promise.resolve();

/**
 * The sending end of a stream of messages: gathers the small ones of one turn into one write and says when the peer is
 * behind. At most one batch waits here; the rest waits with whoever produces it.
 */
export class Outbound {
  /** Times that the peer caught up. */
  drains = 0;
  #stream: OutboundTarget | undefined;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #flushing = false;
  #blocked = true;
  #ending = false;
  #failed = false;
  #error: unknown;
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  /** Connects to the stream. What was pushed before goes out now. */
  attach(stream: OutboundTarget): void {
    this.#stream = stream;
    this.#blocked = false;
    stream.on("drain", () => {
      this.drains++;
      this.#release();
    });
    this.#flush();
    if (this.#ending) stream.end();
    else this.#release();
  }

  /** True while the peer takes no more. */
  get blocked(): boolean {
    return this.#blocked;
  }

  get ended(): boolean {
    return this.#ending;
  }

  /** Queues a message; false asks to await {@link drained} before the next. */
  push(message: Uint8Array): boolean {
    if (this.#failed || this.#ending) return true;
    this.#pending.push(message);
    this.#pendingBytes += message.length + frameHeaderBytes;
    if (this.#stream === undefined) return this.#pendingBytes < batchBytes;
    if (this.#pendingBytes >= batchBytes) {
      this.#flush();
    } else if (!this.#flushing) {
      // Runs once the microtasks of this turn are done, so messages that are ready together leave together.
      this.#flushing = true;
      process.nextTick(flushLater, this);
    }
    return !this.#blocked;
  }

  /** Settled at once: for a push that went through. */
  sent(): Promise<void> {
    if (this.#failed) return Promise.reject(this.#error);
    return settled;
  }

  /** Settles when more may be pushed; rejects when the stream failed. */
  drained(): Promise<void> {
    if (this.#failed) return Promise.reject(this.#error);
    if (!this.#blocked || this.#ending) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Sends what is left and ends our direction. */
  end(): void {
    if (this.#failed || this.#ending) return;
    if (this.#stream) this.#flush();
    this.#ending = true;
    this.#stream?.end();
    this.#wake((one) => one.resolve());
  }

  /** The stream is gone: forgets everything and fails whoever waits. */
  fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#error = error;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#wake((one) => one.reject(error));
  }

  /** For the tick after a push. */
  flushNow(): void {
    this.#flushing = false;
    if (!this.#ending && !this.#failed) this.#flush();
  }

  #flush(): void {
    const stream = this.#stream as OutboundTarget;
    const pending = this.#pending;
    if (pending.length === 0 || stream.destroyed || stream.closed) return;
    const total = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    let free = true;
    if (pending.length === 1 && total >= copyBelowBytes) {
      const message = pending[0] as Uint8Array;
      const header = Buffer.allocUnsafe(frameHeaderBytes);
      writeFrameHeader(header, 0, message.length);
      stream.cork();
      stream.write(header);
      free = stream.write(message);
      stream.uncork();
    } else {
      const out = Buffer.allocUnsafe(total);
      let at = 0;
      for (const message of pending) {
        writeFrameHeader(out, at, message.length);
        out.set(message, at + frameHeaderBytes);
        at += frameHeaderBytes + message.length;
      }
      free = stream.write(out);
    }
    if (!free) this.#blocked = true;
  }

  #release(): void {
    this.#blocked = false;
    this.#wake((one) => one.resolve());
  }

  #wake(how: (one: { resolve: () => void; reject: (error: unknown) => void }) => void): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const one of waiting) how(one);
  }
}

function flushLater(outbound: Outbound): void {
  outbound.flushNow();
}
