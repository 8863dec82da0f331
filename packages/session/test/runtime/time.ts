import type { Scheduler } from "@coterie/session";

/** A clock that moves when it is told to, and knows how many alarms are set. */
export function createTime() {
  let now = 0;
  let count = 0;
  const alarms = new Map<number, { readonly at: number; readonly run: () => void }>();
  const scheduler: Scheduler = {
    nowMs: () => now,
    later(ms, run) {
      count += 1;
      const id = count;
      alarms.set(id, { at: now + ms, run });
      return () => alarms.delete(id);
    },
  };
  return {
    scheduler,
    get set(): number {
      return alarms.size;
    },
    /** How many were ever set. */
    get total(): number {
      return count;
    },
    async pass(ms: number): Promise<void> {
      const end = now + ms;
      for (;;) {
        await settle();
        const [next] = [...alarms]
          .filter(([, { at }]) => at <= end)
          .toSorted((a, b) => a[1].at - b[1].at);
        if (next === undefined) break;
        alarms.delete(next[0]);
        now = Math.max(now, next[1].at);
        next[1].run();
      }
      now = end;
      await settle();
    },
  };
}

/** Lets everything that waits for nothing but promises go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
