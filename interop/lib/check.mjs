import assert from "node:assert/strict";
import * as shared from "../../tools/lib/checks.mjs";

/** Checks of one file, which its lines begin with. */
export function createChecks(file) {
  return shared.createChecks({ prefix: `${file}: `, limitMs: 180_000 });
}

/** Tries until `probe` gives something true, and gives that; fails with what it is waited for. */
export function eventually(what, probe, options = {}) {
  return shared.eventually(what, probe, { timeoutMs: 15_000, ...options });
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
