import { expect, test } from "vitest";
import { harmless, toJson } from "../src/output.ts";

test("text of others cannot move the cursor, colour the screen or forge a line", () => {
  expect(harmless("a\u001b[2J\u001b[1;31mb")).toBe("a�[2J�[1;31mb");
  expect(harmless("one\ntwo\r\nthree\rfour")).toBe("one ⏎ two ⏎ three�four");
  expect(harmless("\u202egnp.exe\u2028x\u0007\u009b")).toBe("�gnp.exe�x��");
  expect(harmless("größer 你好 👋")).toBe("größer 你好 👋");
});

test("JSON holds what JSON has no words for", () => {
  const value = { time: 2n ** 63n, bytes: Uint8Array.of(1, 255), map: new Map([["a", 1n]]) };
  expect(JSON.parse(toJson(value))).toEqual({
    time: "9223372036854775808",
    bytes: "01ff",
    map: { a: "1" },
  });
});
