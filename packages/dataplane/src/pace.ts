/** How fast one connection sends, and how often it asked for too much (SND-05). */
export interface Pace {
  /** After each message: a promise where it was sooner than it should be. */
  step(): Promise<void> | undefined;
  /** Counts an excess; true once it is enough. */
  strike(): boolean;
}

/** Messages between two looks at the clock. */
const window = 1024;
const strikes = 1000;

export function createPace(messagesPerSecond: number): Pace {
  let count = 0;
  let excess = 0;
  let since = performance.now();
  const windowMs = (1000 * window) / messagesPerSecond;
  return {
    step() {
      count += 1;
      if (count < window) return undefined;
      count = 0;
      const now = performance.now();
      const early = since + windowMs - now;
      if (early < 1) {
        since = now;
        return undefined;
      }
      since += windowMs;
      return new Promise((resolve) => setTimeout(resolve, early));
    },
    strike() {
      excess += 1;
      return excess >= strikes;
    },
  };
}
