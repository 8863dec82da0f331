import { expect, test } from "vitest";
import { parseCommand } from "../src/config.ts";
import { defaultRateLimits } from "../src/rate-limits.ts";

const parse = (...args: string[]) => {
  const command = parseCommand(["--data", "x", ...args]);
  if (command.kind !== "run") throw new Error(command.kind);
  return command.config;
};

test("XND-42, XND-43: nothing is limited and nothing deleted unless asked for", () => {
  expect(parse().rateLimits).toBeUndefined();
  expect(parse().retention).toEqual({ messageDays: undefined, welcomeDays: undefined });
  expect(parse("--rate-limits").rateLimits).toBe(defaultRateLimits);
  expect(parse("--keep-messages", "30", "--keep-welcomes", "90").retention).toEqual({
    messageDays: 30,
    welcomeDays: 90,
  });
});

test.each(["0", "-1", "1.5", "x", "", "99999"])("days of %j are refused", (days) => {
  expect(() => parse(`--keep-messages=${days}`)).toThrow(
    expect.objectContaining({ code: "node/bad-arguments" }),
  );
});

test("XND-06: no page may call unless its origin is given", () => {
  expect(parse().webOrigins).toEqual([]);
  const origins = ["https://chat.example", "http://localhost:5173"];
  expect(parse(...origins.flatMap((one) => ["--web-origin", one])).webOrigins).toEqual(origins);
});

test.each(["chat.example", "https://chat.example/", "https://*.example", ""])(
  "an origin of %j is refused",
  (origin) => {
    expect(() => parse(`--web-origin=${origin}`)).toThrow(
      expect.objectContaining({ code: "node/bad-arguments" }),
    );
  },
);
