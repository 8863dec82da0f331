import type { Clock, Log, Random } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import type { Store, WriteOptions } from "@coterie/storage";
import { Status, TransportError } from "@coterie/transport";
import type { Transport } from "@coterie/transport";
import { ClientError } from "./errors.ts";

/** Waiting, as a port: worlds on a virtual clock pass their own. */
export interface Timers {
  /** Resolves after `ms`, or at once when the signal is aborted. Does not keep a process alive by itself. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The platform's timers. */
export const systemTimers: Timers = {
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      // Node alone has it; browsers end with their page.
      (timer as { unref?: () => void }).unref?.();
      signal?.addEventListener("abort", done, { once: true });
    }),
};

/** Timers whose every wait ends with the client: closing it waits for nothing but what is under way. */
export function endingWith(closed: AbortSignal, timers: Timers): Timers {
  return {
    sleep: (ms, signal) => timers.sleep(ms, signal ? AbortSignal.any([signal, closed]) : closed),
  };
}

/** Everything outside that the client uses. */
export interface Ports {
  readonly crypto: CryptoProvider;
  readonly store: Store;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly log: Log;
}

/** For what the node would tell again: a power cut may take it back. */
export const refetchable: WriteOptions = { durability: "ordered" };

/** One after another, in the order of the calls (XIN-01). A failure ends only its own call. */
export class Lock {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  get idle(): boolean {
    return this.#waiting === 0;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const result = this.#last.then(work).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = result.catch(() => undefined);
    return result;
  }
}

export interface RetryOptions {
  readonly attempts: number;
  readonly firstMs: number;
  readonly factor: number;
  readonly jitterMs: number;
  readonly maxMs: number;
}

/** XCV-31, XIN-16: five retries from 50 ms, times three. */
export const defaultRetry: RetryOptions = {
  attempts: 6,
  firstMs: 50,
  factor: 3,
  jitterMs: 25,
  maxMs: 30_000,
};

/** The wait before retry `n` (from 1). Pure: pass the random draw in [0, 1). */
export function backoffMs(options: RetryOptions, n: number, draw: number): number {
  const base = Math.min(options.firstMs * options.factor ** (n - 1), options.maxMs);
  return base + draw * options.jitterMs;
}

/** A number in [0, 1) from the random port. */
export function drawFraction(random: Random): number {
  const bytes = random.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}

/** XIN-22: what can heal by itself says so in its disposition; everything else is final. */
export function canHeal(error: unknown): boolean {
  const disposition = (error as { disposition?: unknown } | undefined)?.disposition;
  return disposition === "retry" || disposition === "wait";
}

/** Whether a server, or the limits on its answers, found one request too much. */
export function isTooMuch(error: unknown): error is TransportError {
  return error instanceof TransportError && error.status === Status.resourceExhausted;
}

/** Runs `work` again while its failure can heal. */
export async function withRetry<T>(
  ports: Pick<Ports, "random" | "timers">,
  work: () => Promise<T>,
  options: RetryOptions = defaultRetry,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!canHeal(error) || attempt >= options.attempts || signal?.aborted) throw error;
      await ports.timers.sleep(backoffMs(options, attempt, drawFraction(ports.random)), signal);
      if (signal?.aborted) throw new ClientError("client/closed", undefined, { cause: error });
    }
  }
}

/** Runs `work` over all items, at most `width` at a time; the first failure is thrown after all have ended. */
export async function eachLimited<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const errors: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await work(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, queue.length) }, lane));
  if (errors.length > 0) throw errors[0];
}
