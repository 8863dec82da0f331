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

test("what was not asked for longest goes first, so that strangers cannot fill the memory", () => {
  const heads = createNewestHeads(2);
  heads.put(message(1, 1n));
  heads.put(message(2, 2n));
  heads.get(group(1));
  heads.put(message(3, 3n));
  expect([1, 2, 3].map((n) => heads.get(group(n))?.id)).toEqual([1n, undefined, 3n]);
});
