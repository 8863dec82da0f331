import fc from "fast-check";
import { expect, test } from "vitest";
import {
  POLICY_LIMITS,
  PolicyError,
  defaultPolicy,
  parsePolicySet,
  policySetFromMessage,
  policySetToMessage,
  samePolicySet,
} from "@coterie/policy";
import { policySet } from "./world.ts";

const good = {
  addMember: "allow",
  removeMember: { kind: "and", of: ["admin", { kind: "any", of: ["super-admin", "allow"] }] },
  metadata: { group_name: "allow" },
  addAdmin: "admin",
  removeAdmin: "super-admin",
  updatePermissions: "deny",
};

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof PolicyError) return error.code;
    throw error;
  }
  return "none";
}
const parse = (input: unknown): string => codeOf(() => parsePolicySet(input));

function nested(depth: number, inner: unknown = "allow"): unknown {
  let out = inner;
  for (let i = 0; i < depth; i++) out = { kind: "any", of: [out] };
  return out;
}

test("a policy set is read from JSON, and metadata from a Map as well", () => {
  const set = parsePolicySet(JSON.parse(JSON.stringify(good)));
  expect(set.metadata).toEqual(new Map([["group_name", "allow"]]));
  expect(samePolicySet(set, parsePolicySet(set))).toBe(true);
  expect(parsePolicySet({ ...good, metadata: undefined }).metadata.size).toBe(0);
});

test("XPM-03: each of the five singular policies must be there", () => {
  for (const name of [
    "addMember",
    "removeMember",
    "addAdmin",
    "removeAdmin",
    "updatePermissions",
  ]) {
    expect(parse({ ...good, [name]: undefined })).toBe("policy/missing");
    expect(parse({ ...good, [name]: null })).toBe("policy/missing");
  }
});

test("XPM-02: empty lists, unknown values and missing kinds make the set unreadable", () => {
  for (const name of [
    "addMember",
    "removeMember",
    "addAdmin",
    "removeAdmin",
    "updatePermissions",
  ]) {
    expect(parse({ ...good, [name]: { kind: "and", of: [] } })).toBe("policy/empty-condition");
    expect(parse({ ...good, [name]: nested(3, { kind: "any", of: [] }) })).toBe(
      "policy/empty-condition",
    );
    expect(parse({ ...good, [name]: "everybody" })).toBe("policy/unknown-value");
    expect(parse({ ...good, [name]: 1 })).toBe("policy/unknown-value");
    expect(parse({ ...good, [name]: {} })).toBe("policy/unknown-value");
    expect(parse({ ...good, [name]: { kind: "not", of: ["deny"] } })).toBe("policy/unknown-value");
    expect(parse({ ...good, [name]: nested(2, null) })).toBe("policy/unknown-value");
    expect(parse({ ...good, [name]: { kind: "and" } })).toBe("policy/malformed");
  }
  expect(parse({ ...good, metadata: { a: "nobody" } })).toBe("policy/unknown-value");
  expect(parse({ ...good, metadata: { a: null } })).toBe("policy/unknown-value");
});

test("XPM-13: admins and permissions know no allow, at any depth", () => {
  for (const name of ["addAdmin", "removeAdmin", "updatePermissions"]) {
    expect(parse({ ...good, [name]: "allow" })).toBe("policy/unknown-value");
    expect(parse({ ...good, [name]: nested(4, "allow") })).toBe("policy/unknown-value");
  }
});

test("nesting and number of conditions are bounded", () => {
  expect(parse({ ...good, addMember: nested(POLICY_LIMITS.depth) })).toBe("none");
  expect(parse({ ...good, addMember: nested(POLICY_LIMITS.depth + 1) })).toBe("policy/too-deep");
  expect(parse({ ...good, addMember: nested(100_000) })).toBe("policy/too-deep");
  const wide = (count: number): unknown => ({ kind: "and", of: Array(count).fill("allow") });
  expect(parse({ ...good, removeMember: "admin", addMember: wide(60_000) })).toBe("none");
  expect(parse({ ...good, addMember: wide(65_536) })).toBe("policy/too-many");
  // Four more policies and the list itself.
  const plain = { ...good, removeMember: "admin", metadata: {} };
  expect(parse({ ...plain, addMember: wide(POLICY_LIMITS.conditions - 5) })).toBe("none");
  expect(parse({ ...plain, addMember: wide(POLICY_LIMITS.conditions - 4) })).toBe(
    "policy/too-many",
  );
  // The budget belongs to the set, not to one policy.
  expect(parse({ ...good, addMember: wide(40_000), removeMember: wide(40_000) })).toBe(
    "policy/too-many",
  );
  const many = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, "allow"]));
  expect(parse({ ...good, metadata: many })).toBe("policy/too-many");
  const sparse = { kind: "any", of: [] as unknown[] };
  sparse.of.length = 2 ** 31;
  expect(parse({ ...good, addMember: sparse })).toBe("policy/too-many");
  sparse.of.length = 3;
  expect(parse({ ...good, addMember: sparse })).toBe("policy/unknown-value");
});

test("metadata keys named like parts of a prototype are keys like others", () => {
  const set = parsePolicySet(
    JSON.parse(
      JSON.stringify({ ...good, metadata: 0 }).replace(
        '"metadata":0',
        '"metadata":{"__proto__":"deny","constructor":"admin"}',
      ),
    ),
  );
  expect([...set.metadata]).toEqual([
    ["__proto__", "deny"],
    ["constructor", "admin"],
  ]);
  expect(({} as { deny?: unknown }).deny).toBeUndefined();
  const again = policySetFromMessage(policySetToMessage(set));
  expect(samePolicySet(set, again)).toBe(true);
});

test("arbitrary JSON gives a policy set or a PolicyError, nothing else", () => {
  const anything = fc.jsonValue({ maxDepth: 6 });
  const nearly = fc.record(
    {
      addMember: fc.oneof(anything, fc.constant("allow")),
      removeMember: fc.constant("admin"),
      metadata: fc.oneof(anything, fc.dictionary(fc.string(), fc.constantFrom("allow", "deny", 1))),
      addAdmin: fc.oneof(
        fc.constantFrom("admin", "allow"),
        fc.record({ kind: fc.constantFrom("and", "any", "or"), of: fc.array(anything) }),
      ),
      removeAdmin: fc.constant("deny"),
      updatePermissions: fc.constant("deny"),
    },
    { requiredKeys: ["removeMember", "removeAdmin"] },
  );
  fc.assert(
    fc.property(fc.oneof(anything, nearly), (input) => {
      // codeOf throws what is not a PolicyError.
      const own = codeOf(() => parsePolicySet(input));
      if (own === "none") expect(parse(parsePolicySet(input))).toBe("none");
      codeOf(() => policySetFromMessage(input));
    }),
    { numRuns: 3000, seed: 3 },
  );
  for (const input of [undefined, null, 0, "", [], new Map(), () => 1, Symbol("x"), 1n]) {
    expect(parse(input)).toMatch(/^policy\//);
    expect(codeOf(() => policySetFromMessage(input))).toMatch(/^policy\//);
  }
});

test("mutated policy sets parse to a valid set or fail with a code (1,000 mutations)", () => {
  fc.assert(
    fc.property(
      policySet,
      fc.nat(),
      fc.constantFrom<unknown>(null, 0, 7, "allow", "x", [], {}, { kind: "and", of: [] }),
      (set, where, what) => {
        const json = JSON.parse(
          JSON.stringify({ ...set, metadata: Object.fromEntries(set.metadata) }),
        ) as unknown;
        const spots: { parent: Record<string, unknown>; key: string }[] = [];
        const walk = (value: unknown): void => {
          if (typeof value !== "object" || value === null) return;
          for (const key of Object.keys(value)) {
            spots.push({ parent: value as Record<string, unknown>, key });
            walk((value as Record<string, unknown>)[key]);
          }
        };
        walk(json);
        const spot = spots[where % spots.length];
        if (spot) spot.parent[spot.key] = what;
        if (parse(json) === "none") {
          const read = parsePolicySet(json);
          expect(samePolicySet(read, parsePolicySet(read))).toBe(true);
        }
      },
    ),
    { numRuns: 1000, seed: 4 },
  );
});

test("errors name the place in the input and the rule, not the value", () => {
  try {
    parsePolicySet({ ...good, addMember: { kind: "and", of: ["allow", "my secret"] } });
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({
      code: "policy/unknown-value",
      disposition: "reject",
      details: { at: "addMember.1", rule: "XPM-02" },
    });
    expect(String(error)).not.toContain("secret");
  }
});

test("XGC-23: the message of a set has the wire's numbers, and comes back equal", () => {
  const base = (value: number): unknown => ({ kind: "base", value });
  expect(policySetToMessage(defaultPolicy)).toEqual({
    addMemberPolicy: base(1),
    removeMemberPolicy: base(3),
    updateMetadataPolicy: new Map([
      ["group_name", base(1)],
      ["description", base(1)],
      ["group_image_url_square", base(1)],
      ["message_disappear_from_ns", base(3)],
      ["message_disappear_in_ns", base(3)],
      ["minimum_supported_protocol_version", base(4)],
      ["app_data", base(1)],
    ]),
    addAdminPolicy: base(3),
    removeAdminPolicy: base(3),
    updatePermissionsPolicy: base(3),
  });
  fc.assert(
    fc.property(policySet, (set) => {
      expect(samePolicySet(policySetFromMessage(policySetToMessage(set)), set)).toBe(true);
    }),
    { numRuns: 300, seed: 5 },
  );
});

test("XPM-02: wire values 0 and beyond the table, unset kinds and empty lists are refused", () => {
  const message = policySetToMessage(defaultPolicy);
  const read = (name: string, value: unknown): string =>
    codeOf(() => policySetFromMessage({ ...message, [name]: value }));
  for (const value of [0, 5, -1, 1.5, 2 ** 31, "1", undefined]) {
    expect(read("addMemberPolicy", { kind: "base", value })).toBe("policy/unknown-value");
  }
  // Permissions end at 3 where membership ends at 4.
  expect(read("addMemberPolicy", { kind: "base", value: 4 })).toBe("none");
  expect(read("addAdminPolicy", { kind: "base", value: 4 })).toBe("policy/unknown-value");
  for (const part of [null, undefined, 3, "allow"]) {
    expect(read("addMemberPolicy", { kind: "anyCondition", value: { policies: [part] } })).toBe(
      "policy/unknown-value",
    );
  }
  expect(read("addAdminPolicy", { kind: "unset" })).toBe("policy/unknown-value");
  expect(read("addAdminPolicy", undefined)).toBe("policy/missing");
  expect(read("removeMemberPolicy", { kind: "andCondition", value: { policies: [] } })).toBe(
    "policy/empty-condition",
  );
  expect(read("removeMemberPolicy", { kind: "anyCondition", value: null })).toBe(
    "policy/malformed",
  );
});
