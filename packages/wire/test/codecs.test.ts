import { equal, toHex } from "@coterie/base";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { WireError } from "../src/index.ts";
import { allCodecs, loadSchemas, reflectEncode, valueOf } from "./reflection.ts";

const root = loadSchemas();
const codecs = allCodecs();

test("every message of the schemas has a codec in the lobby", () => {
  const declared: string[] = [];
  const visit = (namespace: protobuf.NamespaceBase): void => {
    for (const nested of namespace.nestedArray) {
      if (nested instanceof protobuf.Type) declared.push(nested.fullName.slice(1));
      if (nested instanceof protobuf.Namespace) visit(nested);
    }
  };
  visit(root);
  expect(codecs.map((codec) => codec.name)).toEqual(declared.toSorted());
});

/** A decoder meets bytes it was not made for: a value or a WireError, nothing else. */
function survives(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}

describe.each(codecs.map((codec) => [codec.name, codec] as const))("%s", (name, codec) => {
  const type = root.lookupType(name);

  test("round-trips, and encodes as protobuf reflection does", () => {
    fc.assert(
      fc.property(valueOf(type), ({ ours, theirs }) => {
        const bytes = codec.encode(ours);
        expect(toHex(bytes)).toBe(toHex(reflectEncode(type, theirs)));
        const back = codec.decode(bytes);
        expect(back).toEqual(ours);
        expect(equal(codec.encode(back), bytes)).toBe(true);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  test("truncated at every byte, it is an error or a value", () => {
    for (const { ours } of fc.sample(valueOf(type), { seed: 2, numRuns: 5 })) {
      const bytes = codec.encode(ours);
      for (let length = 0; length < bytes.length; length++) {
        survives(() => codec.decode(bytes.subarray(0, length)));
      }
    }
  });

  test("1,000 mutations give a WireError or a value that encodes again", () => {
    const samples = fc
      .sample(valueOf(type), { seed: 3, numRuns: 20 })
      .map(({ ours }) => codec.encode(ours));
    const random = generator(4);
    for (let round = 0; round < 1000; round++) {
      const bytes = Uint8Array.from(samples[round % samples.length] as Uint8Array);
      for (let flips = 1 + (random() % 4); flips > 0; flips--) {
        if (bytes.length > 0) bytes[random() % bytes.length] = random() % 256;
      }
      survives(() => codec.encode(codec.decode(bytes)));
    }
  });

  test("random bytes and unknown fields do not disturb it", () => {
    const random = generator(5);
    for (let round = 0; round < 200; round++) {
      survives(() =>
        codec.decode(Uint8Array.from({ length: random() % 64 }, () => random() % 256)),
      );
    }
    const unknown = [0xa2, 0x7d, 0x02, 1, 2, 0xa8, 0x7d, 0x07, 0xa5, 0x7d, 1, 2, 3, 4];
    for (const { ours } of fc.sample(valueOf(type), { seed: 6, numRuns: 3 })) {
      const bytes = codec.encode(ours);
      expect(codec.decode(Uint8Array.from([...bytes, ...unknown]))).toEqual(codec.decode(bytes));
    }
  });
});

/** Small seeded generator of 31-bit numbers. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state >>> 8;
  };
}
