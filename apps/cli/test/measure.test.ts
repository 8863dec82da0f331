import { expect, test } from "vitest";
import { bytesOf, latencies, reportJson, reportLines } from "../src/slim/measure.ts";

const sample = (label: string, messages: number, startedAt: number, endedAt: number) => ({
  label,
  asked: 1500,
  messages,
  bytes: messages * 1024,
  startedAt,
  endedAt,
});

test("SND-08: bench counts from the first start to the last end, and says what was dropped", () => {
  const samples = [sample("a", 1500, 0, 1000), sample("b", 1000, 500, 2000)];
  expect(reportLines("Sub stats", samples)).toEqual([
    "  [a] 1,500 msgs/sec ~ 1.46 MiB/sec (1,500 msgs)",
    "  [b] 666 msgs/sec ~ 666.67 KiB/sec (1,000/1,500 msgs, 500 dropped)",
    "Sub stats: 1,250 msgs/sec ~ 1.22 MiB/sec (2,500/3,000 msgs, 500 dropped)",
  ]);
  expect(reportJson(samples)).toEqual({
    messages: 2500,
    dropped: 500,
    bytes: 2_560_000,
    seconds: 2,
    messagesPerSecond: 1250,
    bytesPerSecond: 1_280_000,
    workers: 2,
  });
  expect(reportLines("Pub stats", [sample("a", 0, 5, 5)])).toEqual([
    "Pub stats: 0 msgs/sec ~ 0.00 B/sec (0/1,500 msgs, 1,500 dropped)",
  ]);
  expect(latencies([4, 1, 3, 2, 5])).toEqual({ min: 1, p50: 3, p90: 4, p99: 4, max: 5 });
  expect(["512", "1kb", "16kib", "2MiB", "1.5kb", "x"].map(bytesOf)).toEqual([
    512,
    1000,
    16_384,
    2_097_152,
    undefined,
    undefined,
  ]);
});
