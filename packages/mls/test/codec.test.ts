import { CoterieError, toHex } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { expect, test } from "vitest";
import { decodeWith, encodeWith, Reader, Writer } from "../src/codec.ts";
import { verifyKeyPackage } from "../src/create-key-package.ts";
import { MlsError } from "../src/errors.ts";
import { decodeKeyPackage, encodeKeyPackage } from "../src/key-package.ts";
import { limits } from "../src/limits.ts";
import { decodeMlsMessage, encodeMlsMessage, peekMessage } from "../src/message.ts";
import { decodeRatchetTree, encodeRatchetTree } from "../src/tree-codec.ts";
import { validateTree } from "../src/tree-validation.ts";
import { seeded, unremembered } from "./arbitraries.ts";
import { groupId, sampleMessageBytes, sampleMessages, sampleTree } from "./samples.ts";
import { suiteOf } from "./vectors.ts";
import { person } from "./world.ts";

const crypto = opensslProvider;
const suite = suiteOf(3);
const messages = sampleMessages(crypto, suite);
const encoded = sampleMessageBytes(crypto, suite);

/** A decoder under attack: what it reads it must write again to the byte, and what it refuses it refuses by a code of ours. */
interface Target {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly again: (bytes: Uint8Array) => Uint8Array;
}

const targets: Target[] = [
  ...Object.entries(encoded).map(([name, bytes]) => ({
    name: `MLSMessage ${name}`,
    bytes,
    again: (input: Uint8Array) => encodeMlsMessage(unremembered(decodeMlsMessage(input))),
  })),
  {
    name: "KeyPackage",
    bytes: person(crypto, suite, "target").bytes,
    again: (input) => encodeKeyPackage(unremembered(decodeKeyPackage(input))),
  },
  {
    name: "ratchet tree",
    bytes: encodeRatchetTree(sampleTree(crypto, suite).tree),
    again: (input) => encodeRatchetTree(decodeRatchetTree(suite, input)),
  },
];

function attempt(target: Target, input: Uint8Array): "read" | "refused" {
  try {
    expect(toHex(target.again(input))).toBe(toHex(input));
    return "read";
  } catch (error) {
    if (error instanceof MlsError && error.disposition === "reject") return "refused";
    throw error;
  }
}

/** One to three changes: a flipped bit, a new byte, bytes taken out, put in, or copied from elsewhere. */
function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  let out = [...bytes];
  const pick = (count: number): number => Math.floor(random() * count);
  for (let changes = 1 + pick(3); changes > 0; changes--) {
    const at = pick(out.length);
    const kind = pick(5);
    if (kind === 0) out[at] = (out[at] ?? 0) ^ (1 << pick(8));
    else if (kind === 1) out[at] = pick(256);
    else if (kind === 2) out.splice(at, 1 + pick(4));
    else if (kind === 3) out.splice(at, 0, pick(256), pick(256));
    else out.splice(at, 8, ...out.slice(pick(out.length)).slice(0, 8));
    if (out.length === 0) out = [0];
  }
  return Uint8Array.from(out);
}

test.each(targets)("$name: round trip, and refused when cut at any byte", (target) => {
  expect(attempt(target, target.bytes)).toBe("read");
  for (let end = 0; end < target.bytes.length; end++) {
    expect(attempt(target, target.bytes.subarray(0, end))).toBe("refused");
  }
  expect(attempt(target, Uint8Array.from([...target.bytes, 0]))).toBe("refused");
});

test.each(targets)(
  "$name: a thousand mutations are read to the byte or refused by a code",
  (target) => {
    const random = seeded(target.bytes.length);
    let refused = 0;
    for (let i = 0; i < 1_000; i++) {
      if (attempt(target, mutate(target.bytes, random)) === "refused") refused++;
    }
    expect(refused).toBeGreaterThan(0);
  },
);

test("a thousand mutated key packages: each fails verification by a code", () => {
  const { bytes, keyPackage } = person(crypto, suite, "victim");
  verifyKeyPackage({ crypto, keyPackage });
  const random = seeded(7);
  for (let i = 0; i < 1_000; i++) {
    const input = mutate(bytes, random);
    if (toHex(input) === toHex(bytes)) continue;
    let thrown: unknown;
    try {
      verifyKeyPackage({ crypto, keyPackage: decodeKeyPackage(input) });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(CoterieError);
    expect((thrown as CoterieError).disposition).toBe("reject");
  }
});

test("a thousand mutated trees: each fails validation by a code", () => {
  const { tree } = sampleTree(crypto, suite);
  const bytes = encodeRatchetTree(tree);
  validateTree({ crypto, tree: decodeRatchetTree(suite, bytes), groupId, extensions: [] });
  const random = seeded(8);
  let valid = 0;
  for (let i = 0; i < 1_000; i++) {
    const input = mutate(bytes, random);
    if (toHex(input) === toHex(bytes)) continue;
    try {
      validateTree({ crypto, tree: decodeRatchetTree(suite, input), groupId, extensions: [] });
      valid++;
    } catch (error) {
      expect(error).toBeInstanceOf(CoterieError);
      expect((error as CoterieError).disposition).toBe("reject");
    }
  }
  // A leaf that came by a key package is bound to nothing in the tree; a mutation that drops the last one whole leaves a valid tree.
  expect(valid).toBeLessThan(5);
});

test("limits: lengths beyond the input and counts beyond the limit are refused before anything is made", () => {
  const huge = Uint8Array.of(0xbf, 0xff, 0xff, 0xff, 1, 2, 3);
  expect(() => new Reader(huge).opaque()).toThrowError(
    expect.objectContaining({ code: "mls/limit" }),
  );
  const long = Uint8Array.of(0x80, 0x01, 0x00, 0x00, 1, 2, 3);
  expect(() => new Reader(long).opaque()).toThrowError(
    expect.objectContaining({ code: "mls/truncated" }),
  );
  expect(() => new Reader(long).vector((r) => r.u8(), 10)).toThrowError(
    expect.objectContaining({ code: "mls/truncated" }),
  );
  const writer = new Writer();
  writer.opaque(new Uint8Array(limits.treeNodes + 1));
  expect(() => decodeRatchetTree(suite, writer.finish())).toThrowError(
    expect.objectContaining({ code: "mls/limit" }),
  );
});

test("RFC 9420 §2.1.2: lengths that are not in the shortest form, and the fourth size, are refused", () => {
  for (const bytes of [
    [0x40, 0x01, 7],
    [0x80, 0, 0, 1, 7],
    [0x80, 0, 0x3f, 0xff],
    [0xc0, 0, 0, 0],
  ]) {
    expect(() => new Reader(Uint8Array.from(bytes)).varint()).toThrowError(
      expect.objectContaining({ code: "mls/bad-length" }),
    );
  }
});

test("nested vectors end where their length says", () => {
  const bytes = encodeWith(
    (w, items: number[]) => w.vector(items, (_, item) => w.u16(item)),
    [1, 2],
  );
  expect(decodeWith((r) => r.vector(() => r.u16(), 9), bytes)).toEqual([1, 2]);
  expect(() => decodeWith((r) => r.vector(() => r.u8() + r.u16(), 9), bytes)).toThrowError(
    expect.objectContaining({ code: "mls/truncated" }),
  );
  const sized = (count: number): Uint8Array =>
    encodeWith(
      (w, n: number) =>
        w.vector(
          Array.from({ length: n }, (_, i) => i & 255),
          (_, v) => w.u8(v),
        ),
      count,
    );
  for (const count of [0, 1, 63, 64, 65, 16_383, 16_384, 70_000]) {
    expect(decodeWith((r) => r.vector(() => r.u8(), 100_000), sized(count)).length).toBe(count);
  }
});

test("peekMessage reads what the header shows and nothing more", () => {
  const commit = encoded["commit"] as Uint8Array;
  expect(peekMessage(commit.subarray(0, 60))).toEqual({
    wireFormat: "public",
    groupId,
    epoch: 5n,
    contentType: "commit",
  });
  const sealed = encoded["private"] as Uint8Array;
  expect(peekMessage(sealed)).toEqual({
    wireFormat: "private",
    groupId,
    epoch: 5n,
    contentType: "application",
  });
  expect(peekMessage(encoded["groupInfo"] as Uint8Array)).toEqual({
    wireFormat: "group-info",
    groupId,
    epoch: 5n,
  });
  expect(peekMessage(encoded["welcome"] as Uint8Array)).toEqual({ wireFormat: "welcome" });
  expect(Object.keys(messages).length).toBe(Object.keys(encoded).length);
});

test("what is read from a Buffer is plain bytes, so that a slice is a copy", () => {
  const message = decodeMlsMessage(Buffer.from(encoded["private"] as Uint8Array));
  if (message.kind !== "private") throw new Error("a private message");
  expect(Buffer.isBuffer(message.message.ciphertext)).toBe(false);
});
