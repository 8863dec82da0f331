import {
  BytesError,
  compare,
  concat,
  equal,
  equalConstantTime,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase64Url,
  toHex,
  toUtf8,
  wipe,
} from "@coterie/base";
import fc from "fast-check";
import { expect, test } from "vitest";

const bytes = fc.uint8Array({ maxLength: 80 });

test("hex, base64url and UTF-8 come back as they went in, and agree with Buffer", () => {
  fc.assert(
    fc.property(bytes, fc.string({ unit: "grapheme" }), (value, text) => {
      expect(toHex(value)).toBe(Buffer.from(value).toString("hex"));
      expect(equal(fromHex(toHex(value).toUpperCase()), value)).toBe(true);
      expect(toBase64Url(value)).toBe(Buffer.from(value).toString("base64url"));
      expect(equal(fromBase64Url(toBase64Url(value)), value)).toBe(true);
      expect(fromUtf8(toUtf8(text))).toBe(text);
    }),
  );
});

test("malformed text is refused with a typed error, never repaired", () => {
  for (const text of ["0", "0x00", "zz", "00 ", "é0"]) {
    expect(() => fromHex(text)).toThrow(BytesError);
  }
  // Padding, the other alphabet, a lone character, stray low bits.
  for (const text of ["AA==", "+/8", "A", "AB", "AAB", "💥"]) {
    expect(() => fromBase64Url(text)).toThrow(BytesError);
  }
  for (const value of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]]) {
    expect(() => fromUtf8(Uint8Array.from(value))).toThrow(BytesError);
  }
});

test("a byte order mark is content", () => {
  expect(fromUtf8(Uint8Array.from([0xef, 0xbb, 0xbf, 0x61]))).toBe("\uFEFFa");
});

test("compare orders as Buffer does, and both equalities agree with it", () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(Math.sign(compare(a, b))).toBe(Buffer.compare(a, b));
      expect(equal(a, b)).toBe(compare(a, b) === 0);
      expect(equalConstantTime(a, b)).toBe(equal(a, b));
      expect(equalConstantTime(a, Uint8Array.from(a))).toBe(true);
    }),
  );
});

test("concat copies", () => {
  const part = Uint8Array.from([1, 2]);
  const whole = concat(part, new Uint8Array(), Uint8Array.from([3]));
  part[0] = 9;
  expect([...whole]).toEqual([1, 2, 3]);
});

test("wiping twice is harmless", () => {
  const secret = Uint8Array.from([1, 2, 3]);
  wipe(secret, undefined);
  wipe(secret);
  expect([...secret]).toEqual([0, 0, 0]);
});
