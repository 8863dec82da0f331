import type { Log } from "@coterie/base";
import type { EngineEvent } from "./engine/state.ts";

/** Where the engine tells what has happened, after it is stored. A listener that throws harms nobody else. */
export interface Bus {
  emit(events: readonly EngineEvent[]): void;
  /** Returns how to stop listening. */
  listen(listener: (event: EngineEvent) => void): () => void;
}

export function createBus(log: Log): Bus {
  const listeners = new Set<(event: EngineEvent) => void>();
  return {
    emit(events) {
      for (const event of events) {
        for (const listener of listeners) {
          try {
            listener(event);
          } catch (error) {
            log.write("error", "listener-failed", { event: event.kind, error: String(error) });
          }
        }
      }
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
