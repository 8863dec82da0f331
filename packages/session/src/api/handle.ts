import { SessionError } from "../errors.ts";
import type { Operation } from "../runtime/operation.ts";
import type { Scheduler } from "../runtime/scheduler.ts";
import { millisecondsOf } from "./duration.ts";
import type { Duration } from "./duration.ts";
import { Name } from "./name.ts";

export interface WaitOptions {
  /** Ends the waiting, with the signal's reason, and not what is waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** How an operation ended. Both lists are empty for everything but a reliable publish (SRL-06). */
export interface Completion {
  /** Who has the message. */
  readonly acked: readonly Name[];
  /** Who did not answer through all retries, and counts as offline now. */
  readonly missing: readonly Name[];
}

/** Something under way: an invitation, a message and its acknowledgements. May be waited for any number of times, or never. */
export class CompletionHandle {
  readonly #operation: Operation;
  readonly #scheduler: Scheduler;

  /** @internal */
  constructor(operation: Operation, scheduler: Scheduler) {
    this.#operation = operation;
    this.#scheduler = scheduler;
  }

  /** Resolves once it is done; rejects with why it was not. */
  wait(options?: WaitOptions): Promise<Completion> {
    return settled(this.#operation, this.#scheduler, options);
  }

  waitAsync(options?: WaitOptions): Promise<Completion> {
    return this.wait(options);
  }

  /** `wait`, but rejects with `session/timeout` when the time is up; what is waited for goes on. */
  waitFor(timeout: Duration, options?: WaitOptions): Promise<Completion> {
    return settled(this.#operation, this.#scheduler, options, millisecondsOf(timeout));
  }

  waitForAsync(timeout: Duration, options?: WaitOptions): Promise<Completion> {
    return this.waitFor(timeout, options);
  }

  static instanceOf(value: unknown): value is CompletionHandle {
    return value instanceof CompletionHandle;
  }
}

/** A handle that may be awaited itself. It never comes out of a promise, which would wait for it on the way. */
export class AwaitableHandle extends CompletionHandle implements PromiseLike<Completion> {
  // oxlint-disable-next-line unicorn/no-thenable -- being awaited is what it is for
  then<A = Completion, B = never>(
    onDone?: ((value: Completion) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.wait().then(onDone, onFailed);
  }
}

/**
 * What `invite`, `publish` and their like give at once. Awaited it is the handle, as soon as the operation is under way; `wait` and
 * its like are the handle's. It costs no promise unless somebody awaits it.
 */
export class Started implements Promise<CompletionHandle> {
  readonly #operation: Operation;
  readonly #handle: CompletionHandle;

  /** @internal */
  constructor(operation: Operation, scheduler: Scheduler) {
    this.#operation = operation;
    this.#handle = new CompletionHandle(operation, scheduler);
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being awaited is what it is for
  then<A = CompletionHandle, B = never>(
    onStarted?: ((handle: CompletionHandle) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return underWay(this.#operation, this.#handle).then(onStarted, onFailed);
  }

  catch<B = never>(
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<CompletionHandle | B> {
    return this.then(undefined, onFailed);
  }

  finally(onSettled?: (() => void) | null): Promise<CompletionHandle> {
    return underWay(this.#operation, this.#handle).finally(onSettled);
  }

  wait(options?: WaitOptions): Promise<Completion> {
    return this.#handle.wait(options);
  }

  waitAsync(options?: WaitOptions): Promise<Completion> {
    return this.#handle.wait(options);
  }

  waitFor(timeout: Duration, options?: WaitOptions): Promise<Completion> {
    return this.#handle.waitFor(timeout, options);
  }

  waitForAsync(timeout: Duration, options?: WaitOptions): Promise<Completion> {
    return this.#handle.waitFor(timeout, options);
  }

  get [Symbol.toStringTag](): string {
    return "Started";
  }
}

function underWay(operation: Operation, handle: CompletionHandle): Promise<CompletionHandle> {
  if (operation.started) return Promise.resolve(handle);
  if (operation.ended) return Promise.reject(operation.error);
  return new Promise((resolve, reject) => {
    const stop = operation.listen(() => {
      stop();
      if (operation.started) resolve(handle);
      else reject(operation.error);
    });
  });
}

function settled(
  operation: Operation,
  scheduler: Scheduler,
  options: WaitOptions | undefined,
  timeoutMs?: number,
): Promise<Completion> {
  const signal = options?.signal;
  if (operation.ended) return ending(operation);
  if (signal?.aborted === true) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      stop();
      cancel?.();
      signal?.removeEventListener("abort", abort);
    };
    const abort = (): void => {
      leave();
      reject(signal?.reason);
    };
    const stop = operation.listen(() => {
      if (!operation.ended) return;
      leave();
      resolve(ending(operation));
    });
    const cancel =
      timeoutMs === undefined
        ? undefined
        : scheduler.later(timeoutMs, () => {
            leave();
            reject(new SessionError("session/timeout", { what: "completion", limit: timeoutMs }));
          });
    signal?.addEventListener("abort", abort);
  });
}

function ending({ error, outcome }: Operation): Promise<Completion> {
  if (outcome === undefined) return Promise.reject(error);
  const { acked = [], missing = [] } = outcome;
  return Promise.resolve({ acked: acked.map(Name.of), missing: missing.map(Name.of) });
}
