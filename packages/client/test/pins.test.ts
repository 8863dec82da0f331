import { expect, test } from "vitest";
import { maxPins, readPins, withPin } from "../src/engine/pins.ts";

const idOf = (n: number): string => n.toString(16).padStart(64, "0");

test("13: pins are a list in a JSON object, most recent first, each once", () => {
  let appData = withPin("", idOf(1), true);
  expect(appData).toBe(`{"pins":["${idOf(1)}"]}`);
  appData = withPin(appData, idOf(2), true);
  appData = withPin(appData, idOf(1), true);
  expect(readPins(appData)).toEqual([idOf(1), idOf(2)]);
  appData = withPin(appData, idOf(1), false);
  expect(readPins(withPin(appData, idOf(9), false))).toEqual([idOf(2)]);
  expect(withPin(appData, idOf(2), false)).toBe('{"pins":[]}');
});

test("13: of more than fifty pins the oldest go", () => {
  let appData = "";
  for (let n = 1; n <= maxPins + 3; n++) appData = withPin(appData, idOf(n), true);
  const pins = readPins(appData);
  expect(pins.length).toBe(maxPins);
  expect([pins[0], pins.at(-1)]).toEqual([idOf(53), idOf(4)]);
});

test("13: other keys stay as they are, to the digit", () => {
  const appData =
    '{"theme":{"deep":[1,null]},"big":12345678901234567890.10,"__proto__":{"x":1},"pins":"not a list"}';
  const next = withPin(appData, idOf(1), true);
  expect(next).toBe(
    `{"theme":{"deep":[1,null]},"big":12345678901234567890.10,"__proto__":{"x":1},"pins":["${idOf(1)}"]}`,
  );
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

test("13: whatever else is in the app data is left alone, and reads as no pins", () => {
  for (const appData of ["words", "[1]", "null", "3", '"text"', "{", "true"]) {
    expect(() => withPin(appData, idOf(1), true)).toThrow(
      expect.objectContaining({ code: "client/app-data-in-use" }) as never,
    );
    expect(readPins(appData)).toEqual([]);
  }
  const odd = JSON.stringify({ pins: [1, null, "x", idOf(1), idOf(1), "F".repeat(64), idOf(2)] });
  expect(readPins(odd)).toEqual([idOf(1), idOf(2)]);
});
