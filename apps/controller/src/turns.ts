import { ControllerError } from "./errors.ts";

/** Runs work, so much of it at once; what may not even wait is refused with `controller/busy`. */
export function createTurns(
  atOnce: number,
  mostWaiting: number,
): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < atOnce) running += 1;
    else if (waiting.length >= mostWaiting) throw new ControllerError("controller/busy");
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // the turn goes on to whoever is next
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
