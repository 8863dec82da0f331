import { expect, test } from "vitest";
import type { GroupMessage } from "../src/log/log.ts";
import { createNewestHeads } from "../src/log/newest-heads.ts";

const group = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const message = (n: number, id: bigint): GroupMessage => ({
  groupId: group(n),
  id,
  createdNs: id * 1000n,
  data: new Uint8Array(100),
  senderHmac: new Uint8Array(32),
  shouldPush: true,
  isCommit: false,
});

test("XND-40: of each group the newest head is remembered, and no content", () => {
  const heads = createNewestHeads();
  heads.put(message(1, 5n));
  heads.put(message(1, 4n));
  heads.put(message(2, 6n));
  expect(heads.get(group(1))).toMatchObject({ id: 5n, createdNs: 5000n, data: new Uint8Array() });
  expect(heads.get(group(3))).toBeUndefined();
  heads.clear();
  expect(heads.get(group(1))).toBeUndefined();
});

test("a head keeps nothing of the request that its group id was read from, and no long id", () => {
  const heads = createNewestHeads();
  const request = Buffer.alloc(1_000_000, 7);
  heads.put({ ...message(7, 1n), groupId: request.subarray(10, 26) });
  const kept = heads.get(group(7))?.groupId;
  expect([kept?.length, kept?.buffer.byteLength]).toEqual([16, 16]);
  const long = request.subarray(0, 65);
  heads.put({ ...message(7, 2n), groupId: long });
  expect(heads.get(long)).toBeUndefined();
});

test("what was not asked for longest goes first, so that strangers cannot fill the memory", () => {
  const heads = createNewestHeads(2);
  heads.put(message(1, 1n));
  heads.put(message(2, 2n));
  heads.get(group(1));
  heads.put(message(3, 3n));
  expect([1, 2, 3].map((n) => heads.get(group(n))?.id)).toEqual([1n, undefined, 3n]);
});
