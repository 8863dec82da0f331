import { changeOf } from "./action.ts";
import type { Action } from "./action.ts";
import { PUBLIC_FIELDS } from "./fields.ts";
import { groupReasons } from "./judge.ts";
import type { PolicySet } from "./policy.ts";
import { roleOf } from "./roster.ts";
import type { Roster } from "./roster.ts";
import { reason, verdict } from "./rules.ts";
import type { Decision, Reason } from "./rules.ts";

/** The group's state, and what somebody asks to do in it. */
export interface DecideInput {
  readonly policy: PolicySet;
  readonly roster: Roster;
  readonly action: Action;
}

/**
 * Decides what a local user asks, before anything is queued. The reasons of scope "group" are exactly those with which every
 * member would refuse the commit; those of scope "local" keep us from sending what could not work. Unknown actions are denied.
 */
export function decide({ policy, roster, action }: DecideInput): Decision {
  if (action.kind === "leave") return verdict(leaveReasons(roster, action));
  const change = changeOf(policy, roster, action);
  // OWN-02: unknown means no.
  if (change === undefined) return verdict([reason("OWN-02", "This kind of action is not known.")]);
  const group = groupReasons({ policy, roster, change });
  // Nothing more is worth saying to somebody who is not in the group.
  if (roleOf(roster, action.actor) === "non-member") return verdict(group);
  return verdict([...group, ...localReasons(roster, action)]);
}

type Committed = Exclude<Action, { readonly kind: "leave" }>;

function localReasons(roster: Roster, action: Committed): Reason[] {
  const isDm = roster.dm !== undefined;
  switch (action.kind) {
    case "add-members":
    case "update-sequence-ids":
    case "key-update":
      return [];
    case "remove-members":
      return [
        ...(isDm ? [reason("XDM-06", "Nobody is removed from a DM.")] : []),
        // XCV-15: a committer stays in the membership, so the commit would be refused.
        ...(action.subjects.includes(action.actor)
          ? [reason("XCV-15", "To go, ask to leave.", { subject: action.actor })]
          : []),
      ];
    case "update-metadata":
      return isDm && PUBLIC_FIELDS.includes(action.field)
        ? [
            reason("XDM-06", "A DM has no name, description, image or app data.", {
              field: action.field,
            }),
          ]
        : [];
    case "add-admin":
    case "add-super-admin":
      return [
        ...dmHasNoAdmins(isDm),
        // OWN-01: the wire would carry it, and the role would wait for whoever comes by that id.
        ...(roster.members.has(action.subject)
          ? []
          : [reason("OWN-01", "Only members are made admins.", { subject: action.subject })]),
      ];
    case "remove-admin":
    case "remove-super-admin":
      return dmHasNoAdmins(isDm);
    case "update-permissions":
      return isDm ? [reason("XPM-14", "The permissions of a DM are fixed.")] : [];
    case "readd-installations":
      // XGC-45, XCV-12: only a super admin's commit is read as adding again.
      return roster.superAdmins.has(action.actor)
        ? []
        : [reason("XGC-45", "Only super admins add installations again.")];
    default:
      return [unknownAction(action)];
  }
}

function leaveReasons(roster: Roster, { actor }: Action): Reason[] {
  const role = roleOf(roster, actor);
  if (role === "non-member") return [reason("XLV-01", "Who is not a member cannot leave.")];
  const out: Reason[] = [];
  if (roster.dm !== undefined) out.push(reason("XLV-01", "Nobody leaves a DM."));
  if (roster.members.size === 1) out.push(reason("XLV-01", "The only member cannot leave."));
  if (role === "super-admin") {
    out.push(reason("XLV-01", "A super admin cannot leave; give the role to somebody else first."));
  }
  return out;
}

function dmHasNoAdmins(isDm: boolean): Reason[] {
  return isDm ? [reason("XDM-06", "A DM has no admins.")] : [];
}

function unknownAction(_action: never): Reason {
  return reason("OWN-02", "This kind of action is not known.");
}
