import * as zlib from "node:zlib";
import { expect, test } from "vitest";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { BackupElement } from "@coterie/wire";
import { nextNonce, readArchive, writeArchive } from "../src/archive/frames.ts";
import type { ReadElement } from "../src/archive/frames.ts";
import { readZstd, storeZstd } from "../src/archive/zstd.ts";

/** Node has zstd of its own from 22.15 on. */
const noPeer = !("zstdCompressSync" in zlib);

const key = new Uint8Array(32).fill(7);
const nonce = new Uint8Array(12).fill(9);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}
function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
/** Numbers that look like noise and are the same every time. */
function noise(length: number, seed = 1): Uint8Array {
  const out = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

const metadata: BackupElement = {
  kind: "metadata",
  value: { elements: [2, 1], exportedAtNs: 5n },
};
const consent = (n: number): BackupElement => ({
  kind: "consent",
  value: { entityType: 2, state: 2, entity: `inbox ${n}`, consentedAtNs: BigInt(n) },
});
const elements = [metadata, consent(1), consent(2), consent(3)];

async function archive(of: readonly BackupElement[] = elements): Promise<Uint8Array> {
  return joined(await collect(writeArchive(crypto, key, nonce, of)));
}
/** What an archive holds before compression, each element under the nonce given for it. */
function plainArchive(of: readonly BackupElement[], nonces: readonly Uint8Array[]): Uint8Array {
  const parts = of.map((element, i) => {
    const at = nonces[i] as Uint8Array;
    const none = new Uint8Array(0);
    const body = crypto.aeadSeal("aes256gcm", key, at, none, BackupElement.encode(element));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    return Buffer.concat([length, body]);
  });
  return Uint8Array.from(Buffer.concat(parts));
}
async function framed(plain: Uint8Array): Promise<Uint8Array> {
  return joined([Uint8Array.of(0, 0), nonce, ...(await collect(storeZstd([plain])))]);
}
async function read(bytes: Uint8Array, size = 1 << 16): Promise<ReadElement[]> {
  return collect(readArchive(crypto, key, cut(bytes, size)));
}

test.skipIf(noPeer)(
  "XHS-08: what we store is a zstd frame that others read, at every size around a block",
  async () => {
    for (const size of [0, 1, 131_071, 131_072, 131_073, 300_000]) {
      const plain = noise(size);
      const frame = joined(await collect(storeZstd(cut(plain, 50_000))));
      expect(Buffer.compare(zlib.zstdDecompressSync(frame), plain)).toBe(0);
      expect(Buffer.compare(joined(await collect(readZstd(cut(frame, 10_000)))), plain)).toBe(0);
    }
  },
);

test.skipIf(noPeer)(
  "XHS-08: we read frames that others compress, with and without checksum, in pieces of any size",
  async () => {
    const plain = joined([
      noise(40_000),
      new Uint8Array(500_000),
      noise(40_000),
      noise(200_000, 2),
    ]);
    for (const checksum of [0, 1]) {
      for (const level of [1, 3, 12]) {
        const frame = zlib.zstdCompressSync(plain, {
          params: {
            [zlib.constants.ZSTD_c_checksumFlag]: checksum,
            [zlib.constants.ZSTD_c_compressionLevel]: level,
          },
        });
        for (const size of [1, 7, 4_096, frame.length]) {
          if (size === 1 && level !== 3) continue;
          const out = joined(await collect(readZstd(cut(frame, size))));
          expect(Buffer.compare(out, plain)).toBe(0);
        }
      }
    }
  },
);

test("XHS-08: a frame that wants more memory than any honest one, or has no end, is refused", async () => {
  const huge = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 1, 0, 0);
  const single = Uint8Array.of(
    0x28,
    0xb5,
    0x2f,
    0xfd,
    0xe0,
    255,
    255,
    255,
    255,
    255,
    0,
    0,
    0,
    1,
    0,
    0,
  );
  for (const bytes of [huge, single]) {
    await expect(collect(readZstd([bytes]))).rejects.toMatchObject({
      code: "client/bad-archive",
      details: { reason: "window" },
    });
  }
  const good = joined(await collect(storeZstd([noise(1000)])));
  await expect(collect(readZstd([good, Uint8Array.of(1)]))).rejects.toMatchObject({
    code: "client/bad-archive",
  });
  // Blocks that repeat one byte: each is taken and checked before the next is made.
  const bomb = joined([
    Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38),
    ...Array.from({ length: 5_000 }, () => Uint8Array.of(0x02, 0x00, 0x10, 0)),
  ]);
  const bytes = joined([Uint8Array.of(0, 0), nonce, bomb]);
  await expect(read(bytes)).rejects.toMatchObject({ details: { reason: "element length" } });
});

test("XHS-08: elements come back in their order, in pieces of any size", async () => {
  const bytes = await archive();
  for (const size of [1, 5, 64, bytes.length]) {
    const found = await read(bytes, size);
    expect(found).toEqual(elements.map((element) => ({ kind: "element", element })));
  }
});

test("XHS-08: nonces count up as one little-endian number and wrap", () => {
  expect(nextNonce(Uint8Array.of(255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))).toEqual(
    Uint8Array.of(0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  );
  expect(nextNonce(new Uint8Array(12).fill(255))).toEqual(new Uint8Array(12));
});

test("XHS-08: a nonce that a writer used twice does not end the reading", async () => {
  const second = nextNonce(nonce);
  const nonces = [nonce, nonce, second, nextNonce(second)];
  const found = await read(await framed(plainArchive(elements, nonces)));
  expect(found.map(({ kind }) => kind)).toEqual(["element", "element", "element", "element"]);
});

test("XHS-10: a bad element is passed over, those after it are read", async () => {
  const plain = plainArchive(
    elements,
    [nonce, nextNonce(nonce), nextNonce(nextNonce(nonce))].concat(
      nextNonce(nextNonce(nextNonce(nonce))),
    ),
  );
  const first = new DataView(plain.buffer).getUint32(0, true);
  plain[4 + first + 4 + 2] = (plain[4 + first + 4 + 2] as number) ^ 1;
  const found = await read(await framed(plain));
  expect(found.map(({ kind }) => kind)).toEqual(["element", "bad", "element", "element"]);
  const many = [metadata, ...Array.from({ length: 1_100 }, (_, n) => consent(n))];
  const wrong = plainArchive(
    many,
    many.map((_, i) => (i === 0 ? nonce : new Uint8Array(12))),
  );
  await expect(read(await framed(wrong))).rejects.toMatchObject({
    details: { reason: "elements" },
  });
});

test("XHS-08: another key, another version, no metadata first, nothing at all: client/bad-archive", async () => {
  const bytes = await archive();
  const other = new Uint8Array(32).fill(8);
  await expect(collect(readArchive(crypto, other, [bytes]))).rejects.toMatchObject({
    code: "client/bad-archive",
    details: { reason: "key" },
  });
  await expect(collect(readArchive(crypto, key.subarray(1), [bytes]))).rejects.toMatchObject({
    code: "client/bad-argument",
  });
  await expect(read(Uint8Array.of(1, 0, ...bytes.subarray(2)))).rejects.toMatchObject({
    details: { reason: "version", version: 1 },
  });
  await expect(read(await archive([consent(1)]))).rejects.toMatchObject({
    details: { reason: "no metadata" },
  });
  await expect(read(await archive([]))).rejects.toMatchObject({ details: { reason: "empty" } });
});

test("XHS-08: cut at any byte an archive is client/bad-archive", async () => {
  const bytes = await archive();
  for (let length = 0; length < bytes.length; length++) {
    await expect(read(bytes.subarray(0, length))).rejects.toMatchObject({
      code: "client/bad-archive",
    });
  }
});

test.skipIf(noPeer)(
  "XHS-08: a thousand random changes of an archive: it is read, or client/bad-archive",
  async () => {
    const stored = await archive();
    const compressed = joined([
      stored.subarray(0, 14),
      zlib.zstdCompressSync(
        plainArchive(
          elements.map((item) => item),
          [0, 1, 2, 3].map((n) => {
            let at: Uint8Array = nonce;
            for (let i = 0; i < n; i++) at = nextNonce(at);
            return at;
          }),
        ),
      ),
    ]);
    let seed = 11;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 1_000; round++) {
      const bytes = (round % 2 === 0 ? stored : compressed).slice();
      for (let n = 0; n <= random(3); n++) bytes[random(bytes.length)] = random(256);
      try {
        const found = await read(bytes);
        expect(found[0]).toMatchObject({ kind: "element", element: { kind: "metadata" } });
      } catch (error) {
        expect(error).toMatchObject({ code: "client/bad-archive" });
      }
    }
  },
);
