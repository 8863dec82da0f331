import { expect, test } from "vitest";
import { createConsoleLog } from "../src/console-log.ts";
import type { LogLevel } from "../src/console-log.ts";

test("a log writes what its level lets through, as words or as JSON", () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const say = (level: LogLevel, structured = false): string[] => {
    lines.length = 0;
    const log = createConsoleLog({ level, structured }, write);
    for (const severity of ["error", "warn", "info", "debug"] as const) {
      log.write(severity, "happened", { id: "a", at: 5n, none: undefined });
    }
    return [...lines];
  };
  expect(say("Off")).toEqual([]);
  expect(say("Warn")).toEqual(['error happened id=a at="5"', 'warn happened id=a at="5"']);
  expect(say("Trace").length).toBe(4);
  expect(say("Error", true).map((line) => JSON.parse(line) as object)).toMatchObject([
    { level: "error", event: "happened", id: "a", at: "5" },
  ]);
});
