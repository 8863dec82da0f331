// Time of the processor in milliseconds, all threads of this process: other work on the machine adds little to it, and what an operation
// hands to a thread pool counts.
export function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** How much time one row may take, and how many samples it wants at least. */
const budgetMs = 1_000;
const wanted = 5;
/** A sample shorter than this repeats the operation. */
const sampleMs = 8;

/**
 * Median milliseconds of an operation, and what it answered last. The first run counts only where there is time for no other: it is the one
 * that compiles.
 */
export function measure(run) {
  let start = processorMs();
  let value = run();
  const first = processorMs() - start;
  if (first > budgetMs / 2) return { ms: first, samples: 1, value };
  const times = Math.max(1, Math.ceil(sampleMs / Math.max(first / 2, 0.01)));
  const samples = [];
  let spent = 0;
  while (samples.length < wanted || (spent < budgetMs / 4 && samples.length < 4 * wanted)) {
    start = processorMs();
    for (let i = 0; i < times; i++) value = run();
    const ms = processorMs() - start;
    samples.push(ms / times);
    spent += ms;
    if (spent > budgetMs && samples.length > 2) break;
  }
  return { ms: median(samples), samples: samples.length, value };
}

/** As {@link measure}, for operations that answer with a promise. */
export async function measureAsync(run) {
  const samples = [];
  let value;
  let spent = 0;
  for (let i = 0; i < wanted && spent < budgetMs; i++) {
    const start = processorMs();
    // oxlint-disable-next-line no-await-in-loop -- one after the other is what is measured
    value = await run();
    const ms = processorMs() - start;
    spent += ms;
    if (i > 0 || spent >= budgetMs) samples.push(ms);
  }
  return { ms: median(samples), samples: samples.length, value };
}
