import { silentLog, toHex } from "@coterie/base";
import type { InboxId } from "@coterie/base";
import { opensslProvider as crypto } from "@coterie/crypto/openssl";
import { createInstallation } from "@coterie/identity";
import { createMemoryStore } from "@coterie/storage";
import { Status, TransportError } from "@coterie/transport";
import { expect, test } from "vitest";
import type { Api } from "../src/api.ts";
import { createKeyPackages } from "../src/key-packages.ts";
import type { KeyPackages } from "../src/key-packages.ts";
import { keys } from "../src/keys.ts";
import type { Ports } from "../src/run.ts";

const second = 1_000_000_000n;
const day = 86_400n * second;

/** Key packages of an installation whose uploads the test lets through or not. */
function bench(): {
  readonly own: KeyPackages;
  readonly uploads: string[];
  readonly kept: () => Promise<number>;
  readonly wait: (ns: bigint) => void;
  upload: () => Promise<void>;
} {
  let now = 1_700_000_000n * second;
  const store = createMemoryStore();
  const clock = { nowNs: () => now };
  const timers = { sleep: () => Promise.resolve() };
  const ports = { crypto, store, clock, random: crypto, timers, log: silentLog };
  const uploads: string[] = [];
  const made = {
    uploads,
    wait: (ns: bigint) => void (now += ns),
    kept: async () => (await store.list(keys.keyPackages())).length,
    upload: () => Promise.resolve(),
  };
  const api: Pick<Api, "uploadKeyPackage"> = {
    async uploadKeyPackage(bytes) {
      await made.upload();
      uploads.push(toHex(bytes));
    },
  };
  const inboxId = "ab".repeat(32) as InboxId;
  const signer = createInstallation(crypto);
  const own = createKeyPackages(ports as unknown as Ports, api as Api, { inboxId, signer });
  return Object.assign(made, { own });
}

const unreachable = (): Promise<void> =>
  Promise.reject(new TransportError(Status.unavailable, { sent: "no" }));

test("XKP-09: while uploads fail the same key package is tried again, and no second one is made", async () => {
  const made = bench();
  made.upload = unreachable;
  for (let i = 0; i < 5; i++) {
    await expect(made.own.tick()).rejects.toMatchObject({ code: "transport/unavailable" });
    await made.own.rotateSoon();
    made.wait(5n * second);
  }
  expect(await made.kept()).toBe(1);
  // One whose upload was not heard of for a day is not what a node should hand out for weeks.
  made.wait(2n * day);
  await expect(made.own.tick()).rejects.toMatchObject({ code: "transport/unavailable" });
  expect(await made.kept()).toBe(2);
  made.upload = () => Promise.resolve();
  await made.own.tick();
  await made.own.tick();
  expect([made.uploads.length, await made.kept()]).toEqual([1, 2]);
  // XKP-10: what was never uploaded goes with the older ones.
  made.wait(day + second);
  await made.own.tick();
  expect([made.uploads.length, await made.kept()]).toEqual([1, 1]);
});

test("XKP-08, XKP-10: rotations that are asked for at once come one after the other, each with a number of its own", async () => {
  const made = bench();
  made.upload = () => new Promise((resolve) => setImmediate(resolve));
  await Promise.all([made.own.rotate(), made.own.tick(), made.own.rotate()]);
  expect(new Set(made.uploads).size).toBe(2);
  expect([made.uploads.length, await made.kept()]).toEqual([2, 2]);
  made.wait(day + second);
  await made.own.tick();
  expect(await made.kept()).toBe(1);
});

test("XKP-10: keys that are past their day go while uploads fail, too", async () => {
  const made = bench();
  await made.own.rotate();
  await made.own.rotate();
  await made.own.rotateSoon();
  made.wait(day + second);
  made.upload = unreachable;
  await expect(made.own.tick()).rejects.toMatchObject({ code: "transport/unavailable" });
  expect(await made.kept()).toBe(2);
});
