import type { Scheduler } from "../runtime/scheduler.ts";

/** A promise with an end: the signal's, or the time's. What it waited for goes on. */
export function waitFor<T>(
  work: Promise<T>,
  options: {
    readonly scheduler: Scheduler;
    readonly timeoutMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly timedOut: () => unknown;
  },
): Promise<T> {
  const { scheduler, timeoutMs, signal, timedOut } = options;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal?.reason);
    if (signal?.aborted === true) abort();
    signal?.addEventListener("abort", abort, { once: true });
    const cancel =
      timeoutMs === undefined ? undefined : scheduler.later(timeoutMs, () => reject(timedOut()));
    const leave = (): void => {
      cancel?.();
      signal?.removeEventListener("abort", abort);
    };
    work.then(resolve, reject).then(leave, leave);
  });
}
