import type { AdminPolicy, MemberBase, MemberPolicy } from "./condition.ts";
import { sameCondition } from "./condition.ts";
import { METADATA_FIELDS } from "./fields.ts";
import type { PolicySet } from "./policy.ts";

/** What the SDK reports as `policyType`: 0, 1 and 2 in this order (XPM-11). */
export type PresetName = "default" | "admin-only" | "custom";

const fields = METADATA_FIELDS;

/** Everybody adds members and edits metadata; admins remove members; super admins make admins. */
export const defaultPolicy: PolicySet = {
  addMember: "allow",
  removeMember: "admin",
  metadata: metadataOf("allow", {
    [fields.disappearFrom]: "admin",
    [fields.disappearIn]: "admin",
    [fields.minimumVersion]: "super-admin",
  }),
  addAdmin: "super-admin",
  removeAdmin: "super-admin",
  updatePermissions: "super-admin",
};

/** Admins run the group; super admins make admins. */
export const adminOnlyPolicy: PolicySet = {
  addMember: "admin",
  removeMember: "admin",
  metadata: metadataOf("admin", { [fields.minimumVersion]: "super-admin" }),
  addAdmin: "super-admin",
  removeAdmin: "super-admin",
  updatePermissions: "super-admin",
};

/** A DM: nobody comes or goes but by XPM-08, and both may edit metadata. */
export const dmPolicy: PolicySet = {
  addMember: "deny",
  removeMember: "deny",
  metadata: metadataOf("allow", {}),
  addAdmin: "deny",
  removeAdmin: "deny",
  updatePermissions: "deny",
};

/**
 * Which preset a set equals (XPM-11): the five singular policies match, and each metadata entry that is there has the preset's
 * value. Absent keys do not matter; keys that no preset lists must have the value of the preset's plain fields.
 */
export function detectPreset(policy: PolicySet): PresetName {
  if (matches(policy, defaultPolicy)) return "default";
  return matches(policy, adminOnlyPolicy) ? "admin-only" : "custom";
}

/** The singular policies in which a set differs from the DM preset. Members refuse a DM where all five do (XDM-04). */
export function dmMismatches(policy: PolicySet): readonly SingularPolicy[] {
  return singular.filter((name) => !sameCondition(policy[name], dmPolicy[name]));
}

/** The policies every set has once (XPM-03). */
export type SingularPolicy = Exclude<keyof PolicySet, "metadata">;

const singular: readonly SingularPolicy[] = [
  "addMember",
  "removeMember",
  "addAdmin",
  "removeAdmin",
  "updatePermissions",
];

function matches(policy: PolicySet, preset: PolicySet): boolean {
  const plain = preset.metadata.get(fields.name) as MemberPolicy;
  for (const [field, condition] of policy.metadata) {
    if (!sameCondition(condition, preset.metadata.get(field) ?? plain)) return false;
  }
  return singular.every((name) =>
    sameCondition(policy[name] satisfies MemberPolicy | AdminPolicy, preset[name]),
  );
}

/** All seven keys of XPM-10 with one value, but for the exceptions. */
function metadataOf(
  plain: MemberBase,
  exceptions: Readonly<Record<string, MemberBase>>,
): ReadonlyMap<string, MemberPolicy> {
  return new Map(Object.values(fields).map((field) => [field, exceptions[field] ?? plain]));
}
