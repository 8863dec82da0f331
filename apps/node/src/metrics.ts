/** Counters by name and labels, and gauges read when asked; written as Prometheus text. */
export interface Metrics {
  add(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  /** `read` is called at every render. Its name should end as Prometheus has it: `_total` for what only grows. */
  gauge(name: string, read: () => number): void;
  render(): string;
}

export function createMetrics(): Metrics {
  const counters = new Map<string, number>();
  const gauges = new Map<string, () => number>();
  return {
    add(name, labels = {}, by = 1) {
      const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escape(value)}"`);
      const series = pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
      counters.set(series, (counters.get(series) ?? 0) + by);
    },
    gauge(name, read) {
      gauges.set(name, read);
    },
    render() {
      const lines = [...counters].map(([series, value]) => `${series} ${value}`);
      for (const [name, read] of gauges) lines.push(`${name} ${read()}`);
      return `${lines.toSorted().join("\n")}\n`;
    },
  };
}

function escape(label: string): string {
  return label.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
