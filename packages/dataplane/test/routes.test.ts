import fc from "fast-check";
import { expect, test } from "vitest";
import { createRouteTable, nameKey, nullIdKey } from "../src/routes.ts";
import type { Holder, LinkKind, NameKey } from "../src/routes.ts";

const holder = (label: string, kind: LinkKind = "edge"): Holder & { label: string } => ({
  label,
  kind,
});
const name = (prefix: string, id: string = nullIdKey): NameKey => ({ prefix, id });
const written = { organization: "o", namespace: "n", service: "s" };
const a = holder("a");
const b = holder("b");
const c = holder("c");

test("SNM-02: an encoded name without an id is NULL", () => {
  const encoded = Uint8Array.from({ length: 40 }, (_, i) => (i < 24 ? i : 0xff));
  expect(nameKey(encoded)).toEqual(nameKey(encoded.subarray(0, 24)));
  expect(nameKey(encoded).id).toBe(nullIdKey);
});

test("SRT-02: an exact id goes to its holder, never to one of the same service, never back", () => {
  const table = createRouteTable<typeof a>();
  table.add(name("x", "1"), a, 1n, written);
  table.add(name("x", "2"), b, 1n, written);
  expect(table.one(name("x", "1"), c)).toBe(a);
  expect(table.one(name("x", "1"), a)).toBeUndefined();
  expect(table.one(name("x", "3"), undefined)).toBeUndefined();
  expect(table.one(name("y", "1"), undefined)).toBeUndefined();
});

test("SRT-02, SNM-12: a NULL id takes turns over the instances", () => {
  const table = createRouteTable<typeof a>();
  table.add(name("x", "1"), a, 1n, written);
  table.add(name("x", "2"), b, 1n, written);
  table.add(name("x", "3"), c, 1n, written);
  const taken = Array.from({ length: 6 }, () => table.one(name("x"), undefined)?.label);
  expect(taken).toEqual(["a", "b", "c", "a", "b", "c"]);
  expect(table.one(name("x"), a)).not.toBe(a);
});

test("SNM-13: who subscribed to NULL is not found by an exact id", () => {
  const table = createRouteTable<typeof a>();
  table.add(name("x"), a, 1n, written);
  expect(table.one(name("x", "1"), undefined)).toBeUndefined();
  expect(table.one(name("x"), undefined)).toBe(a);
});

test("SRT-01: the nearest kind of connection comes first", () => {
  const table = createRouteTable<typeof a>();
  const local = holder("local", "local");
  const remote = holder("remote", "remote");
  for (const one of [a, holder("peer", "peer"), remote, local])
    table.add(name("x", "1"), one, 1n, written);
  expect(table.one(name("x", "1"), undefined)).toBe(local);
  expect(table.one(name("x", "1"), local)).toBe(remote);
});

test("SRT-04: what came from a peer goes to no other peer", () => {
  const table = createRouteTable<typeof a>();
  for (const one of [a, holder("p", "peer")]) table.add(name("x", "1"), one, 1n, written);
  expect(table.one(name("x", "1"), undefined)?.label).toBe("p");
  expect(table.one(name("x", "1"), undefined, true)?.label).toBe("a");
  expect(table.all(name("x", "1"), undefined, true)).toEqual([a]);
});

test("SRT-03: fan-out reaches every holder once, the sender excepted", () => {
  const table = createRouteTable<typeof a>();
  table.add(name("x", "1"), a, 1n, written);
  table.add(name("x", "1"), b, 1n, written);
  table.add(name("x", "2"), b, 2n, written);
  table.add(name("x", "2"), c, 1n, written);
  expect(table.all(name("x", "1"), undefined)).toEqual([a, b]);
  expect(table.all(name("x"), a)).toEqual([b, c]);
});

test("SRT-10: a name goes with its last subscription", () => {
  const table = createRouteTable<typeof a>();
  expect(table.add(name("x", "1"), a, 1n, written)?.name).toBe(written);
  expect(table.add(name("x", "1"), a, 2n, written)).toBeUndefined();
  expect(table.remove(name("x", "1"), a, 3n)).toBe("unknown-id");
  expect(table.remove(name("x", "1"), a, 1n)).toEqual({ left: undefined });
  expect(table.one(name("x", "1"), undefined)).toBe(a);
  expect(table.remove(name("x", "1"), a, 2n)).toMatchObject({ left: { name: written } });
  expect(table.remove(name("x", "1"), a, 2n)).toBe("unknown");
  expect([table.one(name("x", "1"), undefined), table.size]).toEqual([undefined, 0]);
});

test("SCN-35: with a connection goes all it held; against a plain list, over random changes", () => {
  const holders = [a, b, c];
  const change = fc.record({
    what: fc.constantFrom("add", "add", "add", "remove", "gone"),
    who: fc.nat(2),
    prefix: fc.constantFrom("x", "y"),
    id: fc.constantFrom("1", "2", nullIdKey),
    subscription: fc.bigInt({ min: 1n, max: 3n }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const table = createRouteTable<typeof a>();
      let list: { who: typeof a; prefix: string; id: string; subscription: bigint }[] = [];
      for (const { what, who: index, prefix, id, subscription } of changes) {
        const who = holders[index] as typeof a;
        const isIt = (one: (typeof list)[number]) =>
          one.who === who &&
          one.prefix === prefix &&
          one.id === id &&
          one.subscription === subscription;
        if (what === "add") {
          table.add({ prefix, id }, who, subscription, written);
          if (!list.some(isIt)) list.push({ who, prefix, id, subscription });
        } else if (what === "remove") {
          const known = list.some(isIt);
          const outcome = table.remove({ prefix, id }, who, subscription);
          expect(typeof outcome === "object").toBe(known);
          list = list.filter((one) => !isIt(one));
        } else {
          table.removeHolder(who);
          list = list.filter((one) => one.who !== who);
        }
        expect(table.size).toBe(new Set(list.map((one) => one.prefix + one.id)).size);
        for (const id2 of ["1", "2", nullIdKey]) {
          const expected = list.filter(
            (one) => one.prefix === "x" && (id2 === nullIdKey || one.id === id2),
          );
          expect(new Set(table.all(name("x", id2), undefined))).toEqual(
            new Set(expected.map((one) => one.who)),
          );
          const chosen = table.one(name("x", id2), undefined);
          expect(chosen === undefined).toBe(expected.length === 0);
        }
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});
