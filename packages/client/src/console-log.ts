import type { Log, LogLevel as Level } from "@coterie/base";

/** How much a client of Node writes to the console. */
export const LogLevel = {
  Off: "Off",
  Error: "Error",
  Warn: "Warn",
  Info: "Info",
  Debug: "Debug",
  Trace: "Trace",
} as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

const severities: Readonly<Record<Level, number>> = { error: 1, warn: 2, info: 3, debug: 4 };
const thresholds: Readonly<Record<LogLevel, number>> = {
  Off: 0,
  Error: 1,
  Warn: 2,
  Info: 3,
  Debug: 4,
  Trace: 5,
};

/** A log that writes a line per event to standard error: words, or with `structured` one JSON object. Big numbers become texts. */
export function createConsoleLog(
  { level, structured = false }: { readonly level: LogLevel; readonly structured?: boolean },
  write: (line: string) => void = (line) => console.error(line),
): Log {
  const threshold = thresholds[level];
  const json = (value: unknown): string =>
    JSON.stringify(value, (_key, item: unknown) =>
      typeof item === "bigint" ? String(item) : item,
    );
  return {
    write(severity, event, fields = {}) {
      if (severities[severity] > threshold) return;
      if (structured) {
        write(json({ time: new Date().toISOString(), level: severity, event, ...fields }));
        return;
      }
      const parts = Object.entries(fields)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name}=${typeof value === "string" ? value : json(value)}`);
      write([severity, event, ...parts].join(" "));
    },
  };
}
