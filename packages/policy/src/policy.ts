import { sameCondition } from "./condition.ts";
import type { AdminPolicy, MemberPolicy } from "./condition.ts";
import { SUPER_ADMIN_FIELD_PREFIX } from "./fields.ts";

/** Who may do what in one group: the permissions extension of its context, decoded. All singular policies are there (XPM-03). */
export interface PolicySet {
  readonly addMember: MemberPolicy;
  readonly removeMember: MemberPolicy;
  /** By metadata key. Keys without an entry fall under XPM-04. */
  readonly metadata: ReadonlyMap<string, MemberPolicy>;
  readonly addAdmin: AdminPolicy;
  readonly removeAdmin: AdminPolicy;
  /** Stored and shown, but never asked: only super admins change permissions (XPM-06). */
  readonly updatePermissions: AdminPolicy;
}

/** The policy of one metadata key: its own entry, else super admins for `_` keys and admins for the rest (XPM-04). */
export function metadataPolicy(policy: PolicySet, field: string): MemberPolicy {
  return (
    policy.metadata.get(field) ??
    (field.startsWith(SUPER_ADMIN_FIELD_PREFIX) ? "super-admin" : "admin")
  );
}

/** Equality by meaning rather than by bytes (XCV-04): the order of metadata keys does not matter, that within conditions does. */
export function samePolicySet(a: PolicySet, b: PolicySet): boolean {
  if (a.metadata.size !== b.metadata.size) return false;
  for (const [field, condition] of a.metadata) {
    const other = b.metadata.get(field);
    if (other === undefined || !sameCondition(condition, other)) return false;
  }
  return (
    sameCondition(a.addMember, b.addMember) &&
    sameCondition(a.removeMember, b.removeMember) &&
    sameCondition(a.addAdmin, b.addAdmin) &&
    sameCondition(a.removeAdmin, b.removeAdmin) &&
    sameCondition(a.updatePermissions, b.updatePermissions)
  );
}
