/** Where the data plane counts: counters by name and labels, and gauges read when asked, named as Prometheus has it. */
export interface Metrics {
  add(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  gauge(name: string, read: () => number): void;
}
