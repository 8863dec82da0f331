/** Time as a runtime sees it. Tests bring a virtual one. */
export interface Scheduler {
  /** Milliseconds that never go back. */
  nowMs(): number;
  /** Runs something later, and returns how to call that off. */
  later(ms: number, run: () => void): () => void;
}

/** Longer waits overflow the platform's timers and would end at once. */
const longestTimerMs = 2 ** 31 - 1;

export const systemScheduler: Scheduler = {
  nowMs: () => performance.now(),
  later(ms, run) {
    const timer = setTimeout(run, Math.min(ms, longestTimerMs));
    return () => clearTimeout(timer);
  },
};
