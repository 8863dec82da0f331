import fc from "fast-check";
import { expect, test } from "vitest";
import { CoterieError } from "@coterie/base";
import { createFrameReader, encodeFrame, frameHeaderBytes } from "../src/framing.ts";
import type { FrameReader } from "../src/framing.ts";

function readAll(reader: FrameReader, chunks: readonly Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (const chunk of chunks) reader.push(chunk, (message) => out.push(message));
  reader.end();
  return out;
}

function open(maxBytes = 1 << 20, reserve?: (bytes: number) => void): FrameReader {
  return createFrameReader({ maxBytes, sent: "unknown", reserve });
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const points = [
    0,
    ...at.map((n) => n % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  return points.slice(1).map((end, i) => bytes.subarray(points[i], end));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

test("XND-01: messages survive any cut of the byte stream, and every reservation is given back", () => {
  const bytes = fc.uint8Array({ maxLength: 3000 });
  fc.assert(
    fc.property(
      fc.array(bytes, { maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 30 }),
      (messages, cuts) => {
        let held = 0;
        const reader = open(3000, (bytes) => (held += bytes));
        const chunks = cut(join(messages.map(encodeFrame)), cuts);
        expect(readAll(reader, chunks)).toEqual(messages);
        expect(held).toBe(0);
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

test("XND-01: messages survive byte by byte", () => {
  const messages = [new Uint8Array(), new Uint8Array(2000).fill(3), Uint8Array.of(1)];
  const bytes = join(messages.map(encodeFrame));
  expect(readAll(open(), cut(bytes, Array.from(bytes.keys())))).toEqual(messages);
});

test("a message that lies whole in one chunk is not copied", () => {
  const chunk = join([encodeFrame(Uint8Array.of(1, 2)), encodeFrame(new Uint8Array(100))]);
  for (const message of readAll(open(), [chunk])) expect(message.buffer).toBe(chunk.buffer);
});

test("XND-01: a stream cut short at any byte of a frame is transport/bad-frame", () => {
  const frame = encodeFrame(new Uint8Array(20));
  for (let length = 1; length < frame.length; length++) {
    expect(() => readAll(open(), [frame.subarray(0, length)])).toThrowError(
      expect.objectContaining({ code: "transport/bad-frame" }),
    );
  }
  expect(readAll(open(), [])).toEqual([]);
});

test("XND-05: a compressed frame is refused", () => {
  const frame = encodeFrame(new Uint8Array(3));
  for (const flag of [1, 2, 0x80, 255]) {
    frame[0] = flag;
    expect(() => readAll(open(), [frame])).toThrowError(
      expect.objectContaining({ code: "transport/bad-frame", status: flag === 1 ? 12 : 13 }),
    );
  }
});

test("XND-05, A41: a length over the limit is refused at its header, whatever follows", () => {
  for (const claimed of [1001, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    const header = Buffer.alloc(frameHeaderBytes);
    header.writeUInt32BE(claimed, 1);
    expect(() =>
      readAll(
        open(1000, () => expect.unreachable("reserved")),
        [header],
      ),
    ).toThrowError(expect.objectContaining({ code: "transport/too-large", status: 8 }));
  }
  expect(readAll(open(1000), [encodeFrame(new Uint8Array(1000))])).toHaveLength(1);
});

test("A41: memory follows what came, not what the header claims", () => {
  let held = 0;
  const header = Buffer.alloc(frameHeaderBytes + 10);
  header.writeUInt32BE(1_000_000, 1);
  const reader = open(1_000_000, (bytes) => (held += bytes));
  reader.push(header, () => expect.unreachable());
  expect(held).toBeLessThanOrEqual(1024);
  for (let i = 0; i < 5000; i++) reader.push(Uint8Array.of(i), () => expect.unreachable());
  expect(held).toBeLessThanOrEqual(16 * 1024);
  reader.release();
  expect(held).toBe(0);
});

test("A41: wherever a large message is cut first, it arrives, and never four times its bytes are held", () => {
  const message = Uint8Array.from({ length: 20_000 }, (_, i) => i);
  const frame = encodeFrame(message);
  for (let first = 1; first < frame.length; first += 97) {
    let held = 0;
    const reader = open(20_000, (bytes) => (held += bytes));
    const out: Uint8Array[] = [];
    reader.push(frame.subarray(0, first), (one) => out.push(one));
    expect(held).toBeLessThanOrEqual(Math.max(1024, 4 * first));
    reader.push(frame.subarray(first), (one) => out.push(one));
    expect(out).toEqual([message]);
    expect(held).toBe(0);
  }
});

test("1,000 random mutations give messages or a typed error", () => {
  const frames = join([1, 50, 0, 700].map((size) => encodeFrame(new Uint8Array(size).fill(size))));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(frames.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 5 }),
      (changes, cuts) => {
        const bytes = frames.slice();
        for (const [at, value] of changes) bytes[at] = value;
        try {
          readAll(open(10_000), cut(bytes, cuts));
        } catch (error) {
          expect(error).toBeInstanceOf(CoterieError);
        }
      },
    ),
    { seed: 2, numRuns: 1000 },
  );
});
