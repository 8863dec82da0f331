import { expect, test } from "vitest";
import { keys } from "../src/keys.ts";
import { decodeRow, encodeRow } from "../src/rows.ts";
import { backoffMs, defaultRetry } from "../src/run.ts";

const row = {
  n: 2n ** 64n - 1n,
  negative: -1n,
  bytes: new Uint8Array([0, 255]),
  map: new Map<string, unknown>([["a", new Map([["b", [1n, "x", null]]])]]),
  set: new Set(["s"]),
  nested: { list: [{ deep: true }], text: "ünïcödé" },
  numbers: [0, 127, 128, -1, 0.5, 2 ** 53 - 1, Number.NaN],
};

test("rows keep bigints, bytes, maps and sets at any depth, and leave undefined fields out", () => {
  expect(decodeRow(encodeRow({ ...row, absent: undefined }))).toEqual(row);
});

test("damaged rows are client/bad-row, never another error", () => {
  const bytes = encodeRow(row);
  for (let cut = 0; cut < bytes.length; cut++) {
    expect(() => decodeRow(bytes.subarray(0, cut))).toThrow(
      expect.objectContaining({ code: "client/bad-row", disposition: "halt" }),
    );
  }
  const future = bytes.slice();
  future[0] = 2;
  expect(() => decodeRow(future)).toThrow(expect.objectContaining({ code: "client/bad-row" }));
});

test("1,000 mutated rows are values or client/bad-row", () => {
  const bytes = encodeRow(row);
  let seed = 7;
  const draw = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let at = 0; at < 1_000; at++) {
    const mutated = bytes.slice(0, bytes.length - draw(3));
    for (let n = draw(4); n >= 0; n--) mutated[1 + draw(mutated.length - 1)] = draw(256);
    try {
      decodeRow(mutated);
    } catch (error) {
      expect(error).toMatchObject({ code: "client/bad-row" });
    }
  }
  const deep = new Uint8Array(1_000).fill(8);
  deep[0] = 1;
  expect(() => decodeRow(deep)).toThrow(expect.objectContaining({ code: "client/bad-row" }));
});

test("message keys sort by time, then by the node's order", () => {
  const at = (ns: bigint, sequenceId: bigint): Uint8Array =>
    keys.message("aa", ns, sequenceId, "m");
  const order = [at(1n, 5n), at(2n, 1n), at(2n, 2n), at(256n, 0n)];
  expect(order.toSorted((a, b) => Buffer.compare(a, b))).toEqual(order);
});

test("XCV-31: waits grow threefold from 50 ms, with at most 25 ms of jitter", () => {
  expect([1, 2, 3, 4, 5].map((n) => backoffMs(defaultRetry, n, 0))).toEqual([
    50, 150, 450, 1350, 4050,
  ]);
  expect(backoffMs(defaultRetry, 1, 1)).toBe(75);
});
