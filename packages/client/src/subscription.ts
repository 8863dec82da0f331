import type { IncomingStream } from "@coterie/transport";
import type { StreamOptions } from "./async-stream.ts";
import { ClientError } from "./errors.ts";
import type { Ports } from "./run.ts";

export interface Subscription {
  /** Opens the call from where the last one left off. Called again after every break. */
  open(): Promise<IncomingStream>;
  /** Deals with one message; throws only for what ends the stream. */
  handle(message: Uint8Array): Promise<void>;
  /** Called when the first attempt has opened or failed: from then on nothing that was subscribed to is missed. */
  started?(): void;
  readonly signal: AbortSignal;
  readonly options: StreamOptions<never>;
  /** Whether the call was ended only to be opened anew with more in it: at once, and without counting as a break. */
  reopens?(): boolean;
}

/**
 * XST-06: keeps a subscription alive until its signal is aborted: reconnects from the cursor after 0.5 s, then twice as long each
 * time up to `retryDelay`. A call that delivered something starts the count anew. Throws `client/stream-failed` when all attempts failed.
 */
export async function runSubscription(
  ports: Pick<Ports, "timers" | "log">,
  subscription: Subscription,
): Promise<void> {
  const { signal, options } = subscription;
  const attempts = options.retryOnFail === false ? 0 : (options.retryAttempts ?? 10);
  const longest = options.retryDelay ?? 60_000;
  let failed = 0;
  let cause: unknown;
  while (!signal.aborted) {
    let stream: IncomingStream | undefined;
    const cancel = (): void => stream?.cancel();
    try {
      stream = await subscription.open();
      signal.addEventListener("abort", cancel, { once: true });
      if (signal.aborted) stream.cancel();
      await stream.opened;
      subscription.started?.();
      if (failed > 0) options.onRestart?.();
      for await (const message of stream) {
        failed = 0;
        await subscription.handle(message);
        if (signal.aborted) return;
      }
      cause = undefined;
    } catch (error) {
      cause = error;
    } finally {
      subscription.started?.();
      signal.removeEventListener("abort", cancel);
      stream?.cancel();
    }
    if (signal.aborted) return;
    if (subscription.reopens?.() === true) continue;
    failed += 1;
    if (failed > attempts) {
      options.onFail?.();
      throw new ClientError("client/stream-failed", { rule: "XST-06", attempts }, { cause });
    }
    ports.log.write("info", "stream-retry", { attempt: failed, error: String(cause) });
    options.onRetry?.(failed, attempts);
    await ports.timers.sleep(Math.min(500 * 2 ** (failed - 1), longest), signal);
  }
}
