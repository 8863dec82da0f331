import { expect, test } from "vitest";
import { Reader, Writer } from "../src/codec.ts";
import { casesOf, hex, noVectors, report } from "./vectors.ts";

interface HeaderCase {
  readonly vlbytes_header: string;
  readonly length: number;
}

test.skipIf(noVectors)(
  "RFC 9420 §2.1.2: length headers decode and encode as in the vectors",
  () => {
    const cases = casesOf<HeaderCase>("deserialization");
    for (const c of cases) {
      expect(new Reader(hex(c.vlbytes_header)).varint()).toBe(c.length);
      const writer = new Writer();
      writer.varint(c.length);
      expect(writer.finish()).toEqual(hex(c.vlbytes_header));
    }
    report("deserialization", cases.length);
  },
);
