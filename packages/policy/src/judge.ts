import type { Change } from "./action.ts";
import { describeCondition, holds } from "./condition.ts";
import type { MemberPolicy } from "./condition.ts";
import { metadataPolicy } from "./policy.ts";
import type { PolicySet } from "./policy.ts";
import { roleOf } from "./roster.ts";
import type { Role, Roster } from "./roster.ts";
import { reason, verdict } from "./rules.ts";
import type { Decision, Reason } from "./rules.ts";

/** The group's state before the commit, and what its author changed. */
export interface JudgeInput {
  readonly policy: PolicySet;
  readonly roster: Roster;
  readonly change: Change;
}

/**
 * Whether every member accepts what a commit changes (XCV-16, and XCV-06 for its author). Depends on group state alone, so all
 * members reach the same verdict; whoever applies a denied commit is forked off.
 */
export function judgeChange(input: JudgeInput): Decision {
  return verdict(groupReasons(input));
}

/** The reasons of scope "group" against a change, in a fixed order. */
export function groupReasons({ policy, roster, change }: JudgeInput): Reason[] {
  const role = roleOf(roster, change.actor);
  // XCV-06: whatever the admin lists say about an outsider.
  if (role === "non-member") {
    return [reason("XCV-06", "The actor is not a member of the group.", { subject: change.actor })];
  }
  return [
    ...membershipReasons(policy, roster, change, role),
    ...metadataReasons(policy, change, role),
    ...adminReasons(policy, change, role),
    ...superAdminReasons(change, role),
    ...permissionReasons(change, role),
  ];
}

function membershipReasons(
  policy: PolicySet,
  roster: Roster,
  change: Change,
  role: Role,
): Reason[] {
  const out: Reason[] = [];
  if (change.addedInboxes.length > 0 && !isDmPeer(roster, change)) {
    out.push(...byPolicy(policy.addMember, role, "add members"));
  }
  if (change.removedInboxes.length > 0) {
    out.push(...byPolicy(policy.removeMember, role, "remove members"));
  }
  for (const subject of change.removedInboxes) {
    // XPM-07: by the list before the commit, which may demote in the same breath.
    if (roster.superAdmins.has(subject)) {
      out.push(
        reason("XPM-07", "A super admin cannot be removed; take the role away first.", { subject }),
      );
    }
  }
  return out;
}

/** XPM-08: the other member of a DM may be added, whatever the policy says. */
function isDmPeer(roster: Roster, change: Change): boolean {
  const [added, ...more] = change.addedInboxes;
  if (roster.dm === undefined || added === undefined || more.length > 0) return false;
  return added !== change.actor && (added === roster.dm.one || added === roster.dm.two);
}

function metadataReasons(policy: PolicySet, change: Change, role: Role): Reason[] {
  const out: Reason[] = [];
  for (const field of change.changedFields) {
    const condition = metadataPolicy(policy, field);
    if (holds(condition, role)) continue;
    const who = describeCondition(condition);
    out.push(
      policy.metadata.has(field)
        ? reason("XPM-02", `Changing ${field} is allowed for ${who}.`, { field })
        : reason("XPM-04", `${field} has no policy of its own and is for ${who}.`, { field }),
    );
  }
  return out;
}

function adminReasons(policy: PolicySet, change: Change, role: Role): Reason[] {
  const out: Reason[] = [];
  if (change.adminsAdded.length > 0) out.push(...byPolicy(policy.addAdmin, role, "add admins"));
  if (change.adminsRemoved.length > 0) {
    out.push(...byPolicy(policy.removeAdmin, role, "remove admins"));
  }
  return out;
}

function superAdminReasons(change: Change, role: Role): Reason[] {
  const removed = change.superAdminsRemoved.length > 0;
  if (change.superAdminsAdded.length === 0 && !removed) return [];
  const out: Reason[] = [];
  // XPM-05: no policy is asked.
  if (role !== "super-admin") {
    out.push(reason("XPM-05", "Only super admins change who is a super admin."));
  }
  if (removed && change.superAdminsAfter <= 0) {
    out.push(reason("XPM-05", "The last super admin cannot be demoted; name another one first."));
  }
  return out;
}

function permissionReasons(change: Change, role: Role): Reason[] {
  // XPM-06: updatePermissions of the set is not asked.
  return change.permissionsChanged && role !== "super-admin"
    ? [reason("XPM-06", "Only super admins change permissions.")]
    : [];
}

function byPolicy(condition: MemberPolicy, role: Role, what: string): Reason[] {
  if (holds(condition, role)) return [];
  return [reason("XPM-02", `To ${what} is allowed for ${describeCondition(condition)}.`)];
}
