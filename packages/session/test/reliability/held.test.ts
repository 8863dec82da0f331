import { expect, test } from "vitest";
import { createHeld } from "../../src/core/reliability/held.ts";

test("SRL-17: messages of an unknown source wait in their order until it turns up; the first one tells", () => {
  const held = createHeld<string>();
  expect(held.hold("x", 5, "x5", 1, 0)).toBe(true);
  expect(held.hold("x", 4, "x4", 1, 1)).toBe(false);
  expect(held.hold("x", 5, "again", 1, 2)).toBe(false);
  expect(held.hold("y", 5, "y5", 1, 3)).toBe(true);
  expect(held.release("x")).toEqual(["x5", "x4"]);
  expect(held.release("x")).toEqual([]);
  expect(held.size).toBe(1);
});

test("SRL-17: after thirty seconds they are dropped", () => {
  const held = createHeld<string>();
  held.hold("x", 1, "x1", 1, 0);
  held.hold("x", 2, "x2", 1, 10_000);
  expect(held.wakeAt).toBe(30_000);
  held.tick(30_000);
  expect(held.release("x")).toEqual(["x2"]);
  expect(held.wakeAt).toBeUndefined();
});

test("SRL-17: 64 are held, and who talks most makes the room", () => {
  const held = createHeld<string>();
  held.hold("quiet", 1, "quiet", 1, 0);
  for (let id = 1; id <= 100; id += 1) held.hold("loud", id, `loud ${id}`, 1, 0);
  expect(held.size).toBe(64);
  expect(held.release("quiet")).toEqual(["quiet"]);
  expect(held.release("loud")[0]).toBe("loud 38");
  held.hold("big", 1, "big", 16 * 1024 * 1024, 0);
  held.hold("big", 2, "bigger", 16 * 1024 * 1024, 0);
  expect(held.hold("huge", 1, "huge", 16 * 1024 * 1024 + 1, 0)).toBe(false);
  expect(held.size).toBe(1);
});
