// Which characters of the sources have run, by V8's precise coverage. Counts say nothing here: ranges of equal count are merged, so
// that only what they cover together can be compared.
import { Session } from "node:inspector";

/** `covers(url)` chooses the scripts. */
export function openCoverage(covers) {
  const session = new Session();
  session.connect();
  // In its own thread a session answers before `post` returns.
  const post = (method, params) => {
    let answer;
    session.post(method, params, (error, result) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  };
  post("Profiler.enable");
  post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  /** What ran since the last call, painted per script: parents first, so that blocks inside override them. */
  const take = () => {
    const ran = new Map();
    for (const { url, functions } of post("Profiler.takePreciseCoverage").result) {
      if (!covers(url)) continue;
      const size = Math.max(0, ...functions.flatMap(({ ranges }) => ranges[0]?.endOffset ?? 0));
      const map = new Uint8Array(size);
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          map.fill(count > 0 ? 1 : 0, startOffset, endOffset);
        }
      }
      ran.set(url, map);
    }
    return ran;
  };

  return {
    /** Forgets what ran since the last call. */
    skip: () => void post("Profiler.takePreciseCoverage"),
    /** How many characters ran since the last call that are not in `seen`, a Map; they are put into it unless `peek`. */
    fresh(seen, { peek = false } = {}) {
      let count = 0;
      for (const [url, map] of take()) {
        let known = seen.get(url);
        if (known === undefined || known.length < map.length) {
          const grown = new Uint8Array(map.length);
          if (known) grown.set(known);
          seen.set(url, (known = grown));
        }
        for (let at = 0; at < map.length; at++) {
          if (map[at] === 0 || known[at] !== 0) continue;
          count++;
          if (!peek) known[at] = 1;
        }
      }
      return count;
    },
    close: () => session.disconnect(),
  };
}
