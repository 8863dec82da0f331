import { createStream as createSource } from "./async-stream.ts";
import type { AsyncStreamProxy, StreamOptions } from "./async-stream.ts";
import { ClientError } from "./errors.ts";
import { systemTimers } from "./run.ts";
import type { Timers } from "./run.ts";

/** Ends what a {@link StreamFunction} started. */
export interface StreamCloser {
  end(): void;
}

export type StreamCallback<T> = (error: Error | null, value: T | undefined) => void;

/** Starts something that calls back for every value, and once `onFail` when it has broken off. */
export type StreamFunction<T> = (
  callback: StreamCallback<T>,
  onFail: () => void,
) => Promise<StreamCloser> | StreamCloser;

const longestFirstPause = 500;

/**
 * An async iterable out of callbacks, started anew when it breaks off (XST-06). `toValue` may change values, or drop them with
 * undefined. Readers get `client/stream-failed` when all attempts failed.
 */
export async function createStream<T, V = T>(
  start: StreamFunction<T>,
  toValue: (value: T) => V | undefined | Promise<V | undefined> = (value) => value as unknown as V,
  options: StreamOptions<V> = {},
  timers: Timers = systemTimers,
): Promise<AsyncStreamProxy<V>> {
  const { retryOnFail = true, retryAttempts = 10, retryDelay = 60_000 } = options;
  if (!Number.isSafeInteger(retryAttempts) || retryAttempts < 0) {
    throw new ClientError("client/bad-argument", { argument: "retryAttempts" });
  }
  const source = createSource<V>(options);
  let closer: StreamCloser | undefined;
  let emitting: Promise<void> = Promise.resolve();
  source.signal.addEventListener("abort", () => closer?.end(), { once: true });

  async function emit(value: T, before: Promise<void>): Promise<void> {
    await before;
    try {
      const next = await toValue(value);
      if (next !== undefined) source.push(next);
    } catch (cause) {
      options.onError?.(cause);
    }
  }
  const take = (problem: Error | null, value: T | undefined): void => {
    if (problem) options.onError?.(problem);
    else if (value !== undefined) emitting = emit(value, emitting);
  };
  async function open(): Promise<void> {
    const opened = await start(take, () => void again());
    if (source.signal.aborted) opened.end();
    else closer = opened;
  }
  async function again(): Promise<void> {
    let cause: unknown;
    const attempts = retryOnFail ? retryAttempts : 0;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      options.onRetry?.(attempt, retryAttempts);
      const pause = longestFirstPause * 2 ** (attempt - 1);
      await timers.sleep(Math.min(pause, retryDelay), source.signal);
      if (source.signal.aborted) return;
      try {
        await open();
        options.onRestart?.();
        return;
      } catch (error) {
        cause = error;
        options.onError?.(error);
      }
    }
    options.onFail?.();
    source.fail(
      new ClientError(
        "client/stream-failed",
        { rule: "XST-06", attempts: retryAttempts },
        { cause },
      ),
    );
  }

  try {
    await open();
  } catch (error) {
    if (!retryOnFail) throw error;
    options.onError?.(error);
    void again();
  }
  return source.proxy;
}
