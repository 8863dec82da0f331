// A second opinion, written from the rules alone and by other means: a condition becomes the set of roles it admits, as bits.
import type { Change, MemberPolicy, PolicySet, Roster, RuleId } from "@coterie/policy";

const MEMBER = 1;
const ADMIN = 2;
const SUPER = 4;

export function admits(condition: MemberPolicy): number {
  if (condition === "allow") return MEMBER | ADMIN | SUPER;
  if (condition === "admin") return ADMIN | SUPER;
  if (condition === "super-admin") return SUPER;
  if (condition === "deny") return 0;
  let bits = condition.kind === "and" ? 7 : 0;
  for (const part of condition.of) {
    if (condition.kind === "and") bits &= admits(part);
    else bits |= admits(part);
  }
  return bits;
}

/** The rules that a change breaks, as a sorted set. */
export function brokenRules(policy: PolicySet, roster: Roster, change: Change): RuleId[] {
  const me = change.actor;
  if (!roster.members.has(me)) return ["XCV-06"];
  let bit = MEMBER;
  if (roster.admins.has(me)) bit = ADMIN;
  if (roster.superAdmins.has(me)) bit = SUPER;
  const can = (condition: MemberPolicy): boolean => (admits(condition) & bit) !== 0;
  const broken = new Set<RuleId>();

  if (change.addedInboxes.length !== 0 && !can(policy.addMember)) {
    const pair = roster.dm ? [roster.dm.one, roster.dm.two] : [];
    const only = change.addedInboxes.length === 1 ? change.addedInboxes[0] : undefined;
    if (only === undefined || only === me || !pair.includes(only)) broken.add("XPM-02");
  }
  if (change.removedInboxes.length !== 0 && !can(policy.removeMember)) broken.add("XPM-02");
  if (change.removedInboxes.some((id) => roster.superAdmins.has(id))) broken.add("XPM-07");
  for (const key of change.changedFields) {
    const own = policy.metadata.get(key);
    if (own !== undefined && !can(own)) broken.add("XPM-02");
    if (own === undefined && bit === MEMBER) broken.add("XPM-04");
    if (own === undefined && bit === ADMIN && key[0] === "_") broken.add("XPM-04");
  }
  if (change.adminsAdded.length !== 0 && !can(policy.addAdmin)) broken.add("XPM-02");
  if (change.adminsRemoved.length !== 0 && !can(policy.removeAdmin)) broken.add("XPM-02");
  if (change.superAdminsAdded.length + change.superAdminsRemoved.length > 0 && bit !== SUPER) {
    broken.add("XPM-05");
  }
  if (change.superAdminsRemoved.length !== 0 && change.superAdminsAfter === 0) broken.add("XPM-05");
  if (change.permissionsChanged && bit !== SUPER) broken.add("XPM-06");
  return [...broken].sort();
}
