import { expect, test } from "vitest";
import {
  METADATA_FIELDS,
  OPTION_NAMES,
  PolicyError,
  adminOnlyPolicy,
  changePolicy,
  customPolicySet,
  defaultPolicy,
  detectPreset,
  dmMismatches,
  dmPolicy,
  metadataPolicy,
  parseOption,
  parsePolicySet,
  policyOptions,
  samePolicySet,
} from "@coterie/policy";
import type { CustomOptions, OptionInput, PolicySet } from "@coterie/policy";

const keys = Object.values(METADATA_FIELDS);
const map = (set: PolicySet): unknown[] => keys.map((key) => set.metadata.get(key));
// In the order of METADATA_FIELDS: name, description, image, from, in, version, app data.

test("XPM-10: presets have these seven keys and these values", () => {
  expect(map(defaultPolicy)).toEqual("allow allow allow admin admin super-admin allow".split(" "));
  expect(map(adminOnlyPolicy)).toEqual(
    "admin admin admin admin admin super-admin admin".split(" "),
  );
  expect(map(dmPolicy)).toEqual(Array(7).fill("allow"));
  for (const preset of [defaultPolicy, adminOnlyPolicy, dmPolicy]) {
    expect(preset.metadata.size).toBe(7);
    expect(metadataPolicy(preset, "_commit_log_signer")).toBe("super-admin");
    expect(samePolicySet(parsePolicySet(preset), preset)).toBe(true);
  }
  const five = (set: PolicySet): unknown[] => [
    set.addMember,
    set.removeMember,
    set.addAdmin,
    set.removeAdmin,
    set.updatePermissions,
  ];
  const supers = ["super-admin", "super-admin", "super-admin"];
  expect(five(defaultPolicy)).toEqual(["allow", "admin", ...supers]);
  expect(five(adminOnlyPolicy)).toEqual(["admin", "admin", ...supers]);
  expect(five(dmPolicy)).toEqual(Array(5).fill("deny"));
});

test("XCV-04: sets are the same by their entries, not by their order or by what lacks an entry", () => {
  const metadata = new Map([...defaultPolicy.metadata].reverse());
  expect(samePolicySet({ ...defaultPolicy, metadata }, defaultPolicy)).toBe(true);
  metadata.delete("app_data");
  expect(samePolicySet({ ...defaultPolicy, metadata }, defaultPolicy)).toBe(false);
  expect(samePolicySet(defaultPolicy, { ...defaultPolicy, metadata })).toBe(false);
  metadata.set("mood", "allow");
  expect(samePolicySet(defaultPolicy, { ...defaultPolicy, metadata })).toBe(false);
  for (const name of [
    "addMember",
    "removeMember",
    "addAdmin",
    "removeAdmin",
    "updatePermissions",
  ] as const) {
    expect(samePolicySet({ ...dmPolicy, [name]: "admin" }, dmPolicy)).toBe(false);
  }
});

test("XPM-11: presets are detected, absent keys do not matter, keys of later versions follow the plain fields", () => {
  expect(detectPreset(defaultPolicy)).toBe("default");
  expect(detectPreset(adminOnlyPolicy)).toBe("admin-only");
  expect(detectPreset(dmPolicy)).toBe("custom");
  const withKeys = (set: PolicySet, metadata: PolicySet["metadata"]): PolicySet => ({
    ...set,
    metadata,
  });
  expect(detectPreset(withKeys(defaultPolicy, new Map()))).toBe("default");
  expect(detectPreset(withKeys(adminOnlyPolicy, new Map()))).toBe("admin-only");
  expect(detectPreset(withKeys(defaultPolicy, new Map([["mood", "allow"]])))).toBe("default");
  expect(detectPreset(withKeys(adminOnlyPolicy, new Map([["mood", "admin"]])))).toBe("admin-only");
  expect(detectPreset(withKeys(defaultPolicy, new Map([["mood", "admin"]])))).toBe("custom");
});

test("XPM-11: any one value changed makes the set custom", () => {
  for (const preset of [defaultPolicy, adminOnlyPolicy]) {
    for (const name of [
      "addMember",
      "removeMember",
      "addAdmin",
      "removeAdmin",
      "updatePermissions",
    ] as const) {
      expect(detectPreset({ ...preset, [name]: "deny" })).toBe("custom");
      // A condition that means the same is not the same.
      expect(detectPreset({ ...preset, [name]: { kind: "and", of: [preset[name]] } })).toBe(
        "custom",
      );
    }
    for (const key of keys) {
      const metadata = new Map(preset.metadata).set(key, "deny");
      expect(detectPreset({ ...preset, metadata })).toBe("custom");
    }
  }
});

test("XDM-04: a DM is refused only where all five policies differ from its preset", () => {
  expect(dmMismatches(dmPolicy)).toEqual([]);
  expect(dmMismatches(defaultPolicy)).toHaveLength(5);
  expect(dmMismatches({ ...defaultPolicy, addMember: "deny" })).toHaveLength(4);
});

const every = (option: OptionInput): CustomOptions => ({
  addMember: option,
  removeMember: option,
  addAdmin: option === "allow" || option === 0 ? "admin" : option,
  removeAdmin: option === "allow" || option === 0 ? "admin" : option,
  updateMessageDisappearing: option,
  updateMetadata: option,
});

test("XPM-12: a custom set has five keys, and permissions are for super admins", () => {
  const set = customPolicySet({ ...every("admin"), updateGroupName: "allow", updateAppData: 1 });
  expect([...set.metadata]).toEqual([
    ["group_name", "allow"],
    ["description", "admin"],
    ["group_image_url_square", "admin"],
    ["message_disappear_in_ns", "admin"],
    ["app_data", "deny"],
  ]);
  expect(set.updatePermissions).toBe("super-admin");
  // disappear_from has no entry and falls under XPM-04.
  expect(metadataPolicy(set, METADATA_FIELDS.disappearFrom)).toBe("admin");
  expect(policyOptions(set)).toEqual({
    addMember: "admin",
    removeMember: "admin",
    addAdmin: "admin",
    removeAdmin: "admin",
    updateGroupName: "allow",
    updateGroupDescription: "admin",
    updateGroupImageUrlSquare: "admin",
    updateMessageDisappearing: "admin",
    updateAppData: "deny",
  });
});

test("XPM-13: options are read by name and number, Creator Only writes super admin, the rest is refused", () => {
  const pairs = [
    ["allow", 0, "allow"],
    ["deny", 1, "deny"],
    ["admin", 2, "admin"],
    ["super-admin", 3, "super-admin"],
  ] as const;
  for (const [name, number, base] of pairs) {
    expect(parseOption(name)).toBe(base);
    expect(parseOption(number)).toBe(base);
  }
  expect(parseOption("creator-only")).toBe("super-admin");
  expect(OPTION_NAMES.slice(0, 4)).toEqual(pairs.map(([name]) => name));
  expect(OPTION_NAMES.slice(4)).toEqual(["does-not-exist", "other"]);
  const code = (input: unknown): unknown => {
    try {
      return parseOption(input);
    } catch (error) {
      expect(error).toBeInstanceOf(PolicyError);
      return [(error as PolicyError).code, (error as PolicyError).disposition];
    }
  };
  expect(code("unspecified")).toEqual(["policy/unspecified", "fix-caller"]);
  for (const odd of [4, 5, -1, "Allow", "", null, {}, 0n, NaN]) {
    expect(code(odd)).toEqual(["policy/unknown-value", "fix-caller"]);
  }
  expect(code(undefined)).toEqual(["policy/missing", "fix-caller"]);
});

test("XPM-13: reading shows absent keys and conditions for what they are", () => {
  const bare: PolicySet = { ...defaultPolicy, metadata: new Map() };
  expect(policyOptions(bare).updateGroupName).toBe("does-not-exist");
  const nested: PolicySet = { ...defaultPolicy, addMember: { kind: "any", of: ["allow"] } };
  expect(policyOptions(nested).addMember).toBe("other");
  expect(policyOptions(customPolicySet(every("creator-only"))).addMember).toBe("super-admin");
});

test("XPM-13: allow for admins is refused at creation and becomes super admin in a change", () => {
  for (const name of ["addAdmin", "removeAdmin"] as const) {
    for (const option of ["allow", 0] as const) {
      expect(() => customPolicySet({ ...every("admin"), [name]: option })).toThrow(
        expect.objectContaining({
          code: "policy/allow-refused",
          details: { at: name, rule: "XPM-13" },
        }),
      );
    }
  }
  for (const permission of ["add-admin", "remove-admin"] as const) {
    const changed = changePolicy(dmPolicy, { permission, option: "allow" });
    expect(permission === "add-admin" ? changed.addAdmin : changed.removeAdmin).toBe("super-admin");
  }
});

test("XPM-12: a custom set without a field is refused", () => {
  const { updateMetadata: _, ...rest } = every("admin");
  expect(() => customPolicySet(rest)).toThrow(expect.objectContaining({ code: "policy/missing" }));
  expect(
    customPolicySet({
      ...rest,
      updateGroupName: "allow",
      updateGroupDescription: "allow",
      updateGroupImageUrlSquare: "allow",
      updateAppData: "allow",
    }).metadata.size,
  ).toBe(5);
});

test("XPM-14: a change replaces one policy and nothing else", () => {
  const names = {
    "add-member": "addMember",
    "remove-member": "removeMember",
    "add-admin": "addAdmin",
    "remove-admin": "removeAdmin",
  } as const;
  for (const [permission, name] of Object.entries(names)) {
    const changed = changePolicy(defaultPolicy, {
      permission: permission as keyof typeof names,
      option: "deny",
    });
    expect(changed).toEqual({ ...defaultPolicy, [name]: "deny" });
  }
  const one = changePolicy(defaultPolicy, {
    permission: "update-metadata",
    field: "mood",
    option: "creator-only",
  });
  expect([...one.metadata]).toEqual([...defaultPolicy.metadata, ["mood", "super-admin"]]);
  const all = changePolicy(defaultPolicy, { permission: "update-metadata", option: 2 });
  expect(map(all)).toEqual(["admin", "admin", "admin", "admin", "admin", "super-admin", "admin"]);
  expect(map(defaultPolicy)[0]).toBe("allow");
});
