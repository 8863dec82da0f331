import fc from "fast-check";
import { expect, test } from "vitest";
import { describeCondition, holds, sameCondition } from "@coterie/policy";
import type { MemberPolicy, Role } from "@coterie/policy";
import { memberPolicy, roles } from "./world.ts";
import { admits } from "./naive.ts";

const bitOf: Record<Role, number> = { "non-member": 0, member: 1, admin: 2, "super-admin": 4 };

test("XPM-02: base values admit these roles and no others", () => {
  const admitted = (policy: MemberPolicy): Role[] => roles.filter((role) => holds(policy, role));
  expect(admitted("allow")).toEqual(["member", "admin", "super-admin"]);
  expect(admitted("deny")).toEqual([]);
  expect(admitted("admin")).toEqual(["admin", "super-admin"]);
  expect(admitted("super-admin")).toEqual(["super-admin"]);
});

test("XPM-02: and needs all, any needs one, nested as deep as it goes", () => {
  fc.assert(
    fc.property(memberPolicy, fc.constantFrom(...roles), (policy, role) => {
      expect(holds(policy, role)).toBe((admits(policy) & bitOf[role]) !== 0);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test("XPM-02: what skipped the parser is denied: empty lists, unknown values and kinds", () => {
  const odd = [
    { kind: "and", of: [] },
    { kind: "any", of: [] },
    { kind: "not", of: ["deny"] },
    "everybody",
    "",
  ] as unknown as MemberPolicy[];
  for (const policy of odd) {
    for (const role of roles) expect(holds(policy, role)).toBe(false);
  }
});

test("XCV-04: conditions are equal by structure", () => {
  fc.assert(
    fc.property(memberPolicy, memberPolicy, (a, b) => {
      expect(sameCondition(a, structuredClone(a))).toBe(true);
      expect(sameCondition(a, b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
    { numRuns: 500, seed: 2 },
  );
  expect(
    sameCondition({ kind: "and", of: ["admin", "deny"] }, { kind: "and", of: ["deny", "admin"] }),
  ).toBe(false);
});

test("conditions are told in words, lists with their parts", () => {
  const words = describeCondition({
    kind: "any",
    of: ["super-admin", { kind: "and", of: ["admin", "allow"] }],
  });
  expect(words).toBe("any of: super admins, (all of: admins and super admins, every member)");
  expect(describeCondition("deny")).toBe("nobody");
});
