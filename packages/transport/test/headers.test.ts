import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeGrpcMessage,
  encodeGrpcMessage,
  formatTimeout,
  isMetadataEntry,
  metadataOf,
  parseTimeout,
} from "../src/headers.ts";

test("XND-01: grpc-message is percent-encoded UTF-8", () => {
  expect(encodeGrpcMessage("inbox log is full")).toBe("inbox log is full");
  expect(encodeGrpcMessage("50% ü\n~")).toBe("50%25 %C3%BC%0A~");
  expect(decodeGrpcMessage("50%25 %c3%bc%0A~")).toBe("50% ü\n~");
});

test("XND-01: a malformed grpc-message is given back as it came", () => {
  for (const text of ["%", "%2", "%zz", "a%fF", "%C3", "ü%20"]) {
    expect(decodeGrpcMessage(text)).toBe(text);
  }
});

test("XND-01: every text survives grpc-message, in printable ASCII", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 50 }), (text) => {
      const encoded = encodeGrpcMessage(text);
      expect(encoded).toMatch(/^[ -~]*$/);
      expect(decodeGrpcMessage(encoded)).toBe(text);
    }),
    { seed: 3 },
  );
});

test("grpc-timeout: units, rounding up when read, eight digits when written", () => {
  const read = { "2H": 7_200_000, "3M": 180_000, "4S": 4000, "5m": 5, "1u": 1, "1n": 1, "0m": 0 };
  for (const [text, ms] of Object.entries(read)) expect(parseTimeout(text)).toBe(ms);
  for (const text of ["", "5", "m", "123456789m", "-1m", "1.5S", "1s", "1 m", "1h"]) {
    expect(parseTimeout(text)).toBeUndefined();
  }
  expect(formatTimeout(120_000)).toBe("120000m");
  expect(formatTimeout(0.5)).toBe("0m");
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (ms) => {
      const back = parseTimeout(formatTimeout(ms));
      expect(back).toBeLessThanOrEqual(ms);
      if (ms < 1e11) expect(ms - (back as number)).toBeLessThan(1000);
    }),
    { seed: 4 },
  );
});

test("metadata: names of HTTP and gRPC stay out, in both directions", () => {
  const headers = {
    ":path": "/x",
    "content-type": "application/grpc",
    "grpc-timeout": "1S",
    te: "trailers",
    "user-agent": "x",
    "x-app-version": "1",
    "x-twice": ["a", "b"],
    "x-missing": undefined,
  };
  expect(metadataOf(headers)).toEqual({ "x-app-version": "1", "x-twice": "a,b" });
  expect(isMetadataEntry("x-app-version", "a b~")).toBe(true);
  for (const [name, value] of [
    ["X-Upper", "1"],
    ["grpc-status", "0"],
    [":path", "/"],
    ["content-length", "1"],
    ["", "1"],
    ["x", "ü"],
    ["x", "a\r\nb"],
  ] as const) {
    expect(isMetadataEntry(name, value)).toBe(false);
  }
});
