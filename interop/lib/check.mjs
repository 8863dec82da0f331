import assert from "node:assert/strict";

/**
 * Runs named checks one after another and prints a line for each. A failed one does not stop those after it. Time limits are there for what
 * hangs: a crowded machine may take long.
 */
export function createChecks(file) {
  const counts = { passed: 0, failed: 0 };
  const check = async (title, body, { timeoutMs = 180_000 } = {}) => {
    const started = performance.now();
    let timer;
    try {
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no end within ${timeoutMs} ms`)), timeoutMs);
      });
      await Promise.race([body(), late]);
      counts.passed++;
      console.log(`ok      ${file}: ${title} (${Math.round(performance.now() - started)} ms)`);
    } catch (error) {
      counts.failed++;
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      console.log(`FAILED  ${file}: ${title}\n        ${words.replaceAll("\n", "\n        ")}`);
    } finally {
      clearTimeout(timer);
    }
  };
  return { check, counts };
}

/** Tries until `probe` gives something true, and gives that; fails with what it is waited for. */
export async function eventually(what, probe, { timeoutMs = 15_000, everyMs = 50 } = {}) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) assert.fail(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** The next `count` values of a stream; fails if they do not come in time. */
export async function take(stream, count, timeoutMs = 15_000) {
  const values = [];
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${values.length} of ${count} values within ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    while (values.length < count) {
      const step = await Promise.race([stream.next(), late]);
      if (step.done) assert.fail(`the stream ended after ${values.length} of ${count} values`);
      if (step.value !== undefined) values.push(step.value);
    }
    return values;
  } finally {
    clearTimeout(timer);
  }
}

export { assert };
