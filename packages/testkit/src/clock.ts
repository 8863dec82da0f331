import type { Clock } from "@coterie/base";
import type { Timers } from "@coterie/client";

/** Time that moves when it is told to; short waits move it by themselves, so that retries inside one call go on. */
export interface VirtualClock extends Clock, Timers {
  /** Moves time on and lets everything that is due run. */
  advance(ms: number): Promise<void>;
  /** Moves the clock alone, as somebody who sets it would: nothing that waits becomes due by it. */
  jump(ms: number): void;
}

interface Sleeper {
  readonly atNs: bigint;
  readonly wake: () => void;
}

/** Lets everything run that waits for nothing but its turn. */
export function settle(turns: number = 20): Promise<void> {
  return new Promise((resolve) => {
    const turn = (left: number): void => {
      if (left === 0) resolve();
      else setImmediate(turn, left - 1);
    };
    turn(turns);
  });
}

/** @param selfMovingMs waits up to this long do not need {@link VirtualClock.advance}. */
export function createVirtualClock(
  startNs: bigint = 1_700_000_000_000_000_000n,
  selfMovingMs: number = 1_000,
): VirtualClock {
  let nowNs = startNs;
  let sleepers: Sleeper[] = [];
  const nanos = (ms: number): bigint => BigInt(Math.round(ms * 1_000_000));

  return {
    nowNs: () => {
      // No two readings are equal, as on a real machine.
      nowNs += 1_000n;
      return nowNs;
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        if (ms <= selfMovingMs) {
          setImmediate(() => {
            nowNs += nanos(ms);
            resolve();
          });
          return;
        }
        const sleeper: Sleeper = { atNs: nowNs + nanos(ms), wake: resolve };
        sleepers.push(sleeper);
        const stop = (): void => {
          sleepers = sleepers.filter(({ wake }) => wake !== sleeper.wake);
          resolve();
        };
        signal?.addEventListener("abort", stop, { once: true });
      }),
    jump(ms) {
      nowNs += nanos(ms);
      sleepers = sleepers.map(({ atNs, wake }) => ({ atNs: atNs + nanos(ms), wake }));
    },
    async advance(ms) {
      const untilNs = nowNs + nanos(ms);
      for (;;) {
        await settle();
        const due = sleepers.filter(({ atNs }) => atNs <= untilNs);
        const next = due.reduce<Sleeper | undefined>(
          (first, other) => (!first || other.atNs < first.atNs ? other : first),
          undefined,
        );
        if (!next) break;
        sleepers = sleepers.filter((other) => other !== next);
        if (next.atNs > nowNs) nowNs = next.atNs;
        next.wake();
      }
      if (untilNs > nowNs) nowNs = untilNs;
      await settle();
    },
  };
}
