import { createStream } from "./async-stream.ts";
import type { AsyncStreamProxy, StreamOptions } from "./async-stream.ts";
import type { Context } from "./context.ts";
import type { EngineEvent } from "./engine/state.ts";

/** Options of a stream that asks nothing of the node: there is nothing to sync, to retry or to fail at. */
export type LocalStreamOptions<T> = Pick<StreamOptions<T>, "onValue" | "onError" | "onEnd">;

/** A stream of what the engine tells, in its order; ends with the client. Nothing is asked of the node for it. */
export function streamEvents<T>(
  context: Context,
  toValue: (event: EngineEvent) => T | undefined | Promise<T | undefined>,
  options: LocalStreamOptions<T>,
): AsyncStreamProxy<T> {
  const source = createStream<T>(options);
  let emitting: Promise<void> = Promise.resolve();
  const stop = context.bus.listen((event) => {
    emitting = emitting
      .then(async () => {
        const value = await toValue(event);
        if (value !== undefined) source.push(value);
      })
      .catch((error: unknown) => source.fail(error));
  });
  const end = (): void => void source.proxy.end();
  context.signal.addEventListener("abort", end, { once: true });
  source.signal.addEventListener(
    "abort",
    () => {
      stop();
      context.signal.removeEventListener("abort", end);
    },
    { once: true },
  );
  return source.proxy;
}
