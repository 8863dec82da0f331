/** What streams tell besides values (§11.5). Delays are milliseconds. */
export interface StreamOptions<T = unknown> {
  readonly onValue?: ((value: T) => void) | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
  readonly onEnd?: (() => void) | undefined;
  /** All attempts to reconnect have failed. */
  readonly onFail?: (() => void) | undefined;
  readonly onRestart?: (() => void) | undefined;
  readonly onRetry?: ((attempt: number, maxAttempts: number) => void) | undefined;
  /** Default 10. */
  readonly retryAttempts?: number | undefined;
  /** Longest pause between attempts, default 60,000; the first is 500 and each doubles (XST-06). */
  readonly retryDelay?: number | undefined;
  /** Default true. */
  readonly retryOnFail?: boolean | undefined;
  /** Do not sync before listening. */
  readonly disableSync?: boolean | undefined;
}

/** A stream of values that the app reads at its own pace and ends when it likes. */
export interface AsyncStreamProxy<T> extends AsyncIterable<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
  end(): Promise<IteratorResult<T, undefined>>;
  readonly isDone: boolean;
}

/** The writing end of an {@link AsyncStreamProxy}. */
export interface StreamSource<T> {
  readonly proxy: AsyncStreamProxy<T>;
  readonly signal: AbortSignal;
  push(value: T): void;
  /** Ends the stream; readers that wait get `error`. */
  fail(error: unknown): void;
  /** Resolves when the reader has caught up enough for more. */
  ready(): Promise<void>;
}

/** Values that a reader may lag behind before sources pause. */
const highWater = 1_024;

export function createStream<T>(options: StreamOptions<T>): StreamSource<T> {
  const values: T[] = [];
  const waiting: {
    resolve(result: IteratorResult<T, undefined>): void;
    reject(error: unknown): void;
  }[] = [];
  const abort = new AbortController();
  let drained: (() => void)[] = [];
  let failure: { readonly error: unknown } | undefined;
  let done = false;
  const ended: IteratorResult<T, undefined> = { done: true, value: undefined };

  function release(): void {
    const resolvers = drained;
    drained = [];
    for (const resolve of resolvers) resolve();
  }
  function finish(): void {
    if (done) return;
    done = true;
    abort.abort();
    release();
    for (const reader of waiting.splice(0)) {
      if (failure) reader.reject(failure.error);
      else reader.resolve(ended);
    }
    options.onEnd?.();
  }
  const end = async (): Promise<IteratorResult<T, undefined>> => {
    values.length = 0;
    finish();
    return ended;
  };
  const proxy: AsyncStreamProxy<T> = {
    get isDone() {
      return done;
    },
    next() {
      if (values.length > 0) {
        const value = values.shift() as T;
        if (values.length < highWater / 2) release();
        return Promise.resolve({ done: false, value });
      }
      if (failure) {
        const { error } = failure;
        failure = undefined;
        return Promise.reject(error);
      }
      if (done) return Promise.resolve(ended);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    return: end,
    end,
    [Symbol.asyncIterator]: () => proxy,
  };
  return {
    proxy,
    signal: abort.signal,
    push(value) {
      if (done) return;
      options.onValue?.(value);
      const reader = waiting.shift();
      if (reader) reader.resolve({ done: false, value });
      // With a callback alone nobody may ever call next: the queue stays bounded.
      else if (options.onValue === undefined || values.length < highWater) values.push(value);
    },
    fail(error) {
      if (done) return;
      failure = { error };
      options.onError?.(error);
      finish();
    },
    ready() {
      if (done || values.length < highWater || options.onValue !== undefined) {
        return Promise.resolve();
      }
      return new Promise((resolve) => drained.push(resolve));
    },
  };
}
