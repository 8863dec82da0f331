/**
 * Runs named checks one after another and prints a line for each, `prefix` before its title. A failed one does not stop those after it.
 * Time limits are there for what hangs: a crowded machine may take long.
 */
export function createChecks({ prefix = "", limitMs = 60_000 } = {}) {
  const counts = { passed: 0, failed: 0 };
  const check = async (title, body, { timeoutMs = limitMs } = {}) => {
    const started = performance.now();
    let timer;
    try {
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no end within ${timeoutMs} ms`)), timeoutMs);
      });
      await Promise.race([body(), late]);
      counts.passed++;
      console.log(`ok      ${prefix}${title} (${Math.round(performance.now() - started)} ms)`);
    } catch (error) {
      counts.failed++;
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      console.log(`FAILED  ${prefix}${title}\n        ${words.replaceAll("\n", "\n        ")}`);
    } finally {
      clearTimeout(timer);
    }
  };
  return { check, counts };
}

/** Tries until `probe` gives something true, and gives that; fails with what it is waited for. */
export async function eventually(what, probe, { timeoutMs = 20_000, everyMs = 50 } = {}) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Fails unless both are the same by value. */
export function same(actual, expected, what) {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}
