/** What one worker sent or received. Times are milliseconds of one clock. */
export interface Sample {
  readonly label: string;
  readonly asked: number;
  readonly messages: number;
  readonly bytes: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Lines of a report: each worker where there are several, then all of them from the first start to the last end. */
export function reportLines(title: string, samples: readonly Sample[]): string[] {
  const all = together(samples);
  const workers =
    samples.length < 2 ? [] : samples.map((sample) => `  [${sample.label}] ${rateLine(sample)}`);
  return [...workers, `${title}: ${rateLine(all)}`];
}

/** The same as JSON has it. */
export function reportJson(samples: readonly Sample[]): Record<string, unknown> {
  const all = together(samples);
  const { messages, asked, bytes } = all;
  return {
    messages,
    dropped: Math.max(0, asked - messages),
    bytes,
    seconds: secondsOf(all),
    messagesPerSecond: Math.round(perSecond(messages, all)),
    bytesPerSecond: Math.round(perSecond(bytes, all)),
    workers: samples.length,
  };
}

/** Nearest ranks of round trips, in milliseconds. */
export function latencies(roundTrips: readonly number[]): Record<string, number> {
  const sorted = roundTrips.toSorted((a, b) => a - b);
  const at = (percent: number): number =>
    sorted[Math.floor(((sorted.length - 1) * percent) / 100)] ?? 0;
  return { min: at(0), p50: at(50), p90: at(90), p99: at(99), max: at(100) };
}

/** Bytes of `512`, `16kib`, `1mb`: SI and IEC suffixes. Undefined for anything else. */
export function bytesOf(text: string): number | undefined {
  const match = /^(\d{1,9})(b|kb|mb|kib|mib)?$/.exec(text.toLowerCase());
  if (match === null) return undefined;
  return Number(match[1]) * (factors[match[2] ?? "b"] as number);
}

const factors: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1_000_000,
  kib: 1024,
  mib: 1024 * 1024,
};

function together(samples: readonly Sample[]): Sample {
  const sum = (of: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + of(sample), 0);
  return {
    label: "",
    asked: sum(({ asked }) => asked),
    messages: sum(({ messages }) => messages),
    bytes: sum(({ bytes }) => bytes),
    startedAt: Math.min(...samples.map(({ startedAt }) => startedAt)),
    endedAt: Math.max(...samples.map(({ endedAt }) => endedAt)),
  };
}

function rateLine(sample: Sample): string {
  const { messages, asked, bytes } = sample;
  const count =
    messages >= asked
      ? `${grouped(messages)} msgs`
      : `${grouped(messages)}/${grouped(asked)} msgs, ${grouped(asked - messages)} dropped`;
  const rate = grouped(Math.floor(perSecond(messages, sample)));
  return `${rate} msgs/sec ~ ${binary(perSecond(bytes, sample))}/sec (${count})`;
}

function secondsOf({ startedAt, endedAt }: Sample): number {
  return Math.max(0, endedAt - startedAt) / 1000;
}

function perSecond(amount: number, sample: Sample): number {
  const seconds = secondsOf(sample);
  return seconds === 0 ? 0 : amount / seconds;
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

function binary(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let [amount, unit] = [bytes, 0];
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${amount.toFixed(2)} ${units[unit]}`;
}
