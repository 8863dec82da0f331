import { createStream } from "./async-stream.ts";
import type { AsyncStreamProxy, StreamOptions } from "./async-stream.ts";
import type { Context } from "./context.ts";
import type { EngineEvent } from "./engine/state.ts";

/** A stream of what the engine tells; ends with the client. Nothing is asked of the node for it. */
export function streamEvents<T>(
  context: Context,
  toValue: (event: EngineEvent) => T | undefined,
  options: StreamOptions<T>,
): AsyncStreamProxy<T> {
  const source = createStream<T>(options);
  const stop = context.bus.listen((event) => {
    const value = toValue(event);
    if (value !== undefined) source.push(value);
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
