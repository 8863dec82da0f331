import type { AppEffect } from "../core/port.ts";

export type StoredEffect = Extract<AppEffect, { kind: "persist" | "forget" }>;

/** Where effects go that are to be stored. All of a batch or nothing. */
export interface EffectStore {
  write(effects: readonly StoredEffect[]): Promise<void>;
}

/**
 * Performs effects in their order, each after what had to be stored before it (SHB-17). What comes up while the disk works goes into
 * one batch the next time.
 */
export interface Outlet {
  put(effects: readonly AppEffect[]): void;
  /** Resolves once nothing waits for the disk. */
  flushed(): Promise<void>;
}

export function createOutlet(
  store: EffectStore | undefined,
  perform: (effect: Exclude<AppEffect, StoredEffect>) => void,
  failed: (error: unknown) => void,
): Outlet {
  let queue: AppEffect[] = [];
  let head = 0;
  /** Up to here everything that was to be stored is. */
  let stored = 0;
  let busy = false;
  let writing: Promise<void> | undefined;

  const run = (): void => {
    busy = true;
    while (head < queue.length) {
      const effect = queue[head] as AppEffect;
      if (effect.kind !== "persist" && effect.kind !== "forget") {
        head += 1;
        perform(effect);
      } else if (store === undefined || head < stored) {
        head += 1;
      } else {
        writing = write(store, queue.length);
        return;
      }
    }
    queue = [];
    head = 0;
    stored = 0;
    busy = false;
  };

  const write = async (store: EffectStore, upTo: number): Promise<void> => {
    try {
      await store.write(queue.slice(head, upTo).filter(isStored));
    } catch (error) {
      // nothing that follows may happen
      queue = [];
      head = 0;
      failed(error);
      return;
    }
    stored = upTo;
    writing = undefined;
    run();
  };

  return {
    put(effects) {
      for (const effect of effects) queue.push(effect);
      if (!busy && queue.length > 0) run();
    },
    async flushed() {
      for (let last = writing; last !== undefined; last = writing) await last;
    },
  };
}

function isStored(effect: AppEffect): effect is StoredEffect {
  return effect.kind === "persist" || effect.kind === "forget";
}
