import { toUtf8 } from "@coterie/base";
import { expect, test } from "vitest";
import { acceptAll, adopt, commit, process, seal, snapshotChanges } from "../src/index.ts";
import type { Group } from "../src/index.ts";
import { bigGroup } from "./big-group.ts";
import type { Big } from "./big-group.ts";
import { crypto as plain, keyPackageOf, now, person } from "./people.ts";
import { counting } from "./world.ts";
import type { Calls } from "./world.ts";

const { crypto, calls } = counting(plain);
const sizes = [100, 400, 1_000, 4_000];
const depth = (size: number): number => Math.ceil(Math.log2(size));

function spend<T>(run: () => T): { spent: Calls; result: T } {
  const before = { ...calls };
  const result = run();
  const spent = { ...calls };
  for (const name of Object.keys(spent) as (keyof Calls)[]) spent[name] -= before[name];
  return { spent, result };
}

function take(group: Group, message: Uint8Array): Group {
  const result = process({ crypto, group, message, judge: acceptAll });
  if (result.kind === "refused") throw result.reason;
  if (!("group" in result)) throw new Error(result.kind);
  return result.group;
}

function written(before: Group, after: Group): { bytes: number; entries: number } {
  const { puts, deletes } = snapshotChanges(before, after);
  const keys = [...puts.map(([key]) => key), ...deletes].join("");
  const bytes = puts.reduce((sum, [, entry]) => sum + entry.length, keys.length);
  return { bytes, entries: puts.length };
}

const groups = new Map(sizes.map((size) => [size, bigGroup(size)] as const));
const at = (size: number): Big => groups.get(size) as Big;

test.each(sizes)(
  "cost: adding one to %i members, and taking that in, grows no faster than log N",
  (size) => {
    const { ada, bob } = at(size);
    const { keyPackage } = keyPackageOf(person("newcomer"));
    const proposals = [{ kind: "add", keyPackage } as const];
    const { group, signer } = ada;
    const added = spend(() => commit({ crypto, group, signer, proposals, nowSeconds: now }));
    // Key package and leaf; commit and GroupInfo.
    expect(added.spent).toMatchObject({ verify: 2, sign: 2 });
    expect(added.spent.hash).toBeLessThanOrEqual(16 + 4 * depth(size));
    expect(added.spent.hkdf).toBeLessThanOrEqual(50 + 2 * depth(size));

    // The newcomer's two signatures were checked by the same provider just now: they are remembered.
    const known = spend(() => take(bob.group, added.result.message));
    expect(known.spent).toMatchObject({ verify: 1, sign: 0, dh: 0, generateDh: 0 });
    const fresh = counting(plain);
    const cold = process({
      crypto: fresh.crypto,
      group: bob.group,
      message: added.result.message,
      judge: acceptAll,
    });
    expect(cold.kind).toBe("committed");
    expect(fresh.calls).toMatchObject({ verify: 3, sign: 0, dh: 0, generateDh: 0 });
    expect(fresh.calls.hash).toBeLessThanOrEqual(16 + 4 * depth(size));
    expect(fresh.calls.hkdf).toBeLessThanOrEqual(40 + 2 * depth(size));
  },
);

test.each(sizes)(
  "cost: taking in a commit with a path among %i members is one open and d key pairs",
  (size) => {
    const { ada, bob } = at(size);
    const { group, signer } = ada;
    const made = commit({ crypto, group, signer });
    const { spent, result } = spend(() => take(bob.group, made.message));
    expect(result.epoch).toBe(8n);
    // The commit and its leaf; one HPKE open; the root, which is all that the two share.
    expect(spent).toMatchObject({ verify: 2, sign: 0, dh: 1, generateDh: 0 });
    expect(spent.dhPublicKey).toBeLessThanOrEqual(depth(size) + 1);
    expect(spent.hash).toBeLessThanOrEqual(16 + 4 * depth(size));
    expect(spent.hkdf).toBeLessThanOrEqual(50 + 8 * depth(size));
  },
);

test.each(sizes)(
  "cost: sending and receiving a message among %i members; bytes written",
  (size) => {
    const { ada, bob } = at(size);
    const send = (group: Group) =>
      spend(() => seal({ crypto, group, signer: ada.signer, plaintext: toUtf8("hello") }));
    const first = send(ada.group);
    expect(first.spent).toMatchObject({ sign: 1, verify: 0, hash: 0 });
    expect(first.spent.hkdf).toBe(2 * depth(size) + 2 + 3 + 2);
    const firstHeard = spend(() => take(bob.group, first.result.message));
    expect(firstHeard.spent).toMatchObject({ sign: 0, verify: 1, hash: 0 });
    expect(firstHeard.spent.hkdf).toBe(2 * depth(size) + 2 + 3 + 2);
    expect(written(bob.group, firstHeard.result).bytes).toBeLessThan(2_048);
    expect(written(ada.group, first.result.group).bytes).toBeLessThan(2_048);

    const second = send(first.result.group);
    expect(second.spent).toMatchObject({ sign: 1, hkdf: 5 });
    const heard = spend(() => take(firstHeard.result, second.result.message));
    expect(heard.spent).toMatchObject({ verify: 1, hkdf: 5 });
    const one = written(firstHeard.result, heard.result);
    expect(one.entries).toBe(1);
    expect(one.bytes).toBeLessThan(512);
    expect(written(first.result.group, second.result.group).entries).toBe(1);

    // Four skipped keys are the most that a ratchet holds.
    let group = second.result.group;
    let message = second.result.message;
    for (let i = 0; i < 9; i++) ({ group, message } = send(group).result);
    const jumped = take(heard.result, message);
    expect(written(heard.result, jumped).bytes).toBeLessThan(2_048);
  },
);

test("cost: the epoch part of 1,000 members with 70 KB of extensions stays under 450 KB, and so do past epochs together", () => {
  const membership = { type: 0xff01, data: new Uint8Array(70_000) };
  const { ada, bob } = bigGroup(1_000, [membership]);
  let { group } = ada;
  for (let i = 0; i < 2; i++) {
    const made = commit({ crypto: plain, group, signer: ada.signer });
    const before = group;
    group = adopt({ group: made.group, pending: made.pending }).group;
    const { puts } = snapshotChanges(made.group, group);
    const sizeOf = (key: string): number =>
      puts.find(([name]) => name === key)?.[1].length ?? Number.NaN;
    expect(sizeOf("epoch")).toBeLessThan(450_000);
    expect(sizeOf(`past/${before.epoch}`)).toBeLessThan(1_024);
    bob.group = take(bob.group, made.message);
  }
  expect(bob.group.epochAuthenticator).toEqual(group.epochAuthenticator);
});
