import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeFiles } from "../src/archive/node-files.ts";

async function* chunks(...parts: readonly (Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield part;
  }
}

test("XHS-08: an archive on the disk is replaced once it is whole, and only its owner may read it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "coterie-archive-"));
  const path = join(folder, "history.xmtp");
  await nodeFiles.write(path, chunks(Uint8Array.of(1, 2), Uint8Array.of(3)));
  expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const failed = nodeFiles.write(path, chunks(Uint8Array.of(9), new Error("power cut")));
  await expect(failed).rejects.toThrow("power cut");
  expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  expect(readdirSync(folder)).toEqual(["history.xmtp"]);
  const read: number[] = [];
  for await (const chunk of nodeFiles.read(path)) read.push(...chunk);
  expect(read).toEqual([1, 2, 3]);
  const missing = async (): Promise<void> => {
    for await (const _ of nodeFiles.read(join(folder, "none"))) expect(_).toBeUndefined();
  };
  await expect(missing()).rejects.toMatchObject({
    code: "client/bad-argument",
    details: { file: "ENOENT" },
  });
  await expect(
    nodeFiles.write(join(folder, "no", "such", "place"), chunks(Uint8Array.of(1))),
  ).rejects.toMatchObject({ code: "client/bad-argument" });
  rmSync(folder, { recursive: true });
});
