import { deflateSync, gzipSync } from "node:zlib";
import { toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import { decompress, maxDecompressedBytes } from "../src/content/compression.ts";
import { textCodec } from "../src/content/text.ts";

const compressed = (content: Uint8Array, compression: number) => ({
  ...textCodec.encode(""),
  content,
  compression,
});

test("XMS-08: content compressed as a whole is read, by both methods", async () => {
  const text = "again and ".repeat(100);
  for (const [compression, bytes] of [
    [0, deflateSync(text)],
    [1, gzipSync(text)],
  ] as const) {
    const plain = await decompress(compressed(bytes, compression));
    expect(plain.compression).toBeUndefined();
    expect(textCodec.decode(plain)).toBe(text);
  }
  const plain = textCodec.encode("as it is");
  expect(await decompress(plain)).toBe(plain);
});

test("XMS-08: nothing grows beyond the cap, and damage is bad content", async () => {
  const bad = { code: "client/bad-content" };
  const bomb = gzipSync(new Uint8Array(maxDecompressedBytes + 1));
  expect(bomb.length).toBeLessThan(maxDecompressedBytes / 100);
  await expect(decompress(compressed(bomb, 1))).rejects.toMatchObject(bad);
  const most = gzipSync(new Uint8Array(maxDecompressedBytes));
  expect((await decompress(compressed(most, 1))).content.length).toBe(maxDecompressedBytes);
  await expect(decompress(compressed(toUtf8("no zlib"), 0))).rejects.toMatchObject(bad);
  await expect(decompress(compressed(toUtf8("of the future"), 2))).rejects.toMatchObject(bad);
  const whole = gzipSync("x".repeat(50));
  for (let length = 0; length < whole.length; length++) {
    const cut = compressed(whole.subarray(0, length), 1);
    await expect(decompress(cut)).rejects.toMatchObject(bad);
  }
});
