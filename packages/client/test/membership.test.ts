import { expect, test } from "vitest";
import { checkInstallations, diffInstallations, diffMembership } from "../src/engine/membership.ts";
import type { IdentityView, InstallationCheck, Membership } from "../src/engine/membership.ts";

function membership(members: Record<string, bigint>, failed: string[] = []): Membership {
  return { members: new Map(Object.entries(members)), failedInstallations: new Set(failed) };
}

/** Installations by inbox and id; `loaded` bounds what counts as missing rather than unknown. */
function view(states: Record<string, string[]>, loaded: string[] = []): IdentityView {
  return {
    installationsAt(inboxId, sequenceId) {
      const known = states[`${inboxId}@${sequenceId}`];
      if (known) return { kind: "known", installations: new Set(known) };
      return { kind: loaded.includes(inboxId) ? "missing" : "unknown" };
    },
  };
}

const identity = view({ "a@1": ["a1"], "a@4": ["a1", "a2"], "b@2": ["b1"], "b@5": ["b2"] });

test("XCV-10: added, removed, updated and decreased inboxes are told apart", () => {
  expect(
    diffMembership(membership({ a: 1n, b: 2n, c: 3n }), membership({ a: 4n, b: 1n, d: 1n })),
  ).toEqual({ added: ["d"], removed: ["c"], updated: ["a"], decreased: ["b"] });
});

test("XGC-52: updated inboxes by their difference, removed ones by their old id", () => {
  const diff = diffInstallations(membership({ a: 1n, b: 2n }), membership({ a: 4n }), identity);
  expect(diff).toEqual({
    kind: "diff",
    added: new Map([["a2", "a"]]),
    removed: new Map([["b1", "b"]]),
  });
});

test("XGC-31: an old id of 0 stands for nothing", () => {
  const diff = diffInstallations(membership({ a: 0n }), membership({ a: 4n }), identity);
  expect(diff).toMatchObject({
    kind: "diff",
    added: new Map([
      ["a1", "a"],
      ["a2", "a"],
    ]),
  });
});

test("XID-31: what is not loaded is asked for, what the log does not have is missing", () => {
  const before = membership({ a: 1n });
  expect(diffInstallations(before, membership({ a: 3n }), identity)).toEqual({
    kind: "wait",
    needs: [{ inboxId: "a", sequenceId: 3n }],
  });
  expect(diffInstallations(before, membership({ a: 3n }), view({ "a@1": ["a1"] }, ["a"]))).toEqual({
    kind: "missing",
    point: { inboxId: "a", sequenceId: 3n },
  });
});

function check(more: Partial<InstallationCheck>): ReturnType<typeof checkInstallations> {
  return checkInstallations({
    expectedAdded: new Map(),
    expectedRemoved: new Map(),
    added: new Set(),
    removed: new Set(),
    newFailed: new Set(),
    committerIsSuperAdmin: false,
    inTree: () => false,
    ...more,
  });
}

test("XCV-13: added installations are expected or members already; expected ones may be missing", () => {
  expect(check({ expectedAdded: new Map([["x", "a"]]) })).toEqual({ kind: "accept" });
  expect(check({ expectedAdded: new Map([["x", "a"]]), added: new Set(["x"]) })).toEqual({
    kind: "accept",
  });
  expect(check({ added: new Set(["x"]), inTree: (id) => id === "x" })).toEqual({ kind: "accept" });
  expect(check({ added: new Set(["y"]) })).toMatchObject({ kind: "refuse", rule: "XCV-13" });
});

test("XCV-14, trap 10: removed installations equal the expected ones without the failed", () => {
  const expectedRemoved = new Map([
    ["x", "a"],
    ["y", "a"],
  ]);
  expect(check({ expectedRemoved, removed: new Set(["x", "y"]) })).toEqual({ kind: "accept" });
  expect(check({ expectedRemoved, removed: new Set(["x"]) })).toMatchObject({ rule: "XCV-14" });
  expect(check({ expectedRemoved, removed: new Set(["x", "y", "z"]) })).toMatchObject({
    rule: "XCV-14",
  });
  expect(check({ expectedRemoved, removed: new Set(["x"]), newFailed: new Set(["y"]) })).toEqual({
    kind: "accept",
  });
});

test("XCV-12: only a super admin removes and adds again", () => {
  const again = { added: new Set(["x"]), removed: new Set(["x"]), inTree: () => true };
  expect(check(again)).toMatchObject({ rule: "XCV-14" });
  expect(check({ ...again, committerIsSuperAdmin: true })).toEqual({ kind: "accept" });
  const lost = { removed: new Set(["x"]), newFailed: new Set(["x"]) };
  expect(check(lost)).toMatchObject({ rule: "XCV-14" });
  expect(check({ ...lost, committerIsSuperAdmin: true })).toEqual({ kind: "accept" });
});

test("XID-31: an inbox moved ahead of its log, with nothing in between, counts as unchanged; else it is missing", () => {
  const ahead = (last: bigint): IdentityView => ({
    installationsAt: (_, sequenceId) =>
      sequenceId === 1n
        ? { kind: "known", installations: new Set(["a1"]) }
        : { kind: "missing", before: { sequenceId: last, installations: new Set(["a1"]) } },
  });
  const before = membership({ a: 1n });
  expect(diffInstallations(before, membership({ a: 9n }), ahead(1n))).toMatchObject({
    kind: "diff",
    added: new Map(),
    removed: new Map(),
  });
  expect(diffInstallations(before, membership({ a: 9n }), ahead(5n))).toMatchObject({
    kind: "missing",
  });
  expect(diffInstallations(membership({ a: 0n }), membership({ a: 9n }), ahead(0n))).toMatchObject({
    kind: "missing",
  });
});
