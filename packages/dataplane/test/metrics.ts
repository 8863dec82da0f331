import type { Metrics } from "../src/metrics.ts";

/** Counts as a node would show them, one `name{label="value"} number` a series. */
export function createMetrics(): Metrics & { render(): string } {
  const counters = new Map<string, number>();
  const gauges = new Map<string, () => number>();
  return {
    add(name, labels = {}, by = 1) {
      const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
      const series = pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
      counters.set(series, (counters.get(series) ?? 0) + by);
    },
    gauge: (name, read) => gauges.set(name, read),
    render: () =>
      [...counters, ...[...gauges].map(([name, read]) => [name, read()] as const)]
        .map(([series, value]) => `${series} ${value}`)
        .join("\n"),
  };
}
