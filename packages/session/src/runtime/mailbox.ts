import type { Scheduler } from "./scheduler.ts";

interface TakeOptions {
  /** Absent: as long as it takes. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timedOut: () => Error;
}

/** Things in the order they came, for whoever asks first. Once closed it gives what is left and then rejects. */
export interface Mailbox<T> {
  readonly length: number;
  put(item: T): void;
  /** Rejects with the signal's reason, with `timedOut`, or with why the box was closed. */
  take(options: TakeOptions): Promise<T>;
  close(reason: () => Error): void;
}

interface Waiting<T> {
  readonly give: (item: T) => void;
  readonly fail: (error: unknown) => void;
}

export function createMailbox<T>(scheduler: Scheduler): Mailbox<T> {
  let items: T[] = [];
  let taken = 0;
  let closed: (() => Error) | undefined;
  const waiting = new Set<Waiting<T>>();

  const next = (): T => {
    const item = items[taken] as T;
    items[taken] = undefined as T;
    taken += 1;
    if (taken === items.length) {
      items = [];
      taken = 0;
    } else if (taken >= 1024 && taken * 2 >= items.length) {
      items = items.slice(taken);
      taken = 0;
    }
    return item;
  };

  const wait = ({ timeoutMs, signal, timedOut }: TakeOptions): Promise<T> =>
    new Promise((resolve, reject) => {
      const forget = (): void => {
        waiting.delete(one);
        cancel?.();
        signal?.removeEventListener("abort", abort);
      };
      const abort = (): void => one.fail(signal?.reason);
      const one: Waiting<T> = {
        give(item) {
          forget();
          resolve(item);
        },
        fail(error) {
          forget();
          reject(error);
        },
      };
      const cancel =
        timeoutMs === undefined
          ? undefined
          : scheduler.later(timeoutMs, () => one.fail(timedOut()));
      signal?.addEventListener("abort", abort);
      waiting.add(one);
    });

  return {
    get length() {
      return items.length - taken;
    },
    put(item) {
      if (closed !== undefined) return;
      const [first] = waiting;
      if (first === undefined) items.push(item);
      else first.give(item);
    },
    take(options) {
      if (options.signal?.aborted === true) return Promise.reject(options.signal.reason);
      if (items.length > taken) return Promise.resolve(next());
      if (closed !== undefined) return Promise.reject(closed());
      return wait(options);
    },
    close(reason) {
      closed ??= reason;
      for (const one of waiting) one.fail(reason());
    },
  };
}
