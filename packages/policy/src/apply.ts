import { unreachable } from "@coterie/base";
import type { InboxId } from "@coterie/base";
import type { Action } from "./action.ts";
import { decide } from "./decide.ts";
import type { PolicySet } from "./policy.ts";
import type { Roster } from "./roster.ts";
import type { Decision } from "./rules.ts";

/** The part of a group's state that policies are about. */
export interface GroupRights {
  readonly policy: PolicySet;
  readonly roster: Roster;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The next value, or the verdict that keeps the state where it is. */
export type Applied =
  | { readonly kind: "applied"; readonly state: GroupRights }
  | Extract<Decision, { readonly kind: "denied" }>;

/**
 * Decides an action and, if allowed, gives the state after it; the input stays untouched. Adding twice is harmless.
 * @NOTE Removing a member leaves the admin list alone, as on the wire: added back, they are admin again.
 */
export function apply(state: GroupRights, action: Action): Applied {
  const decision = decide({ policy: state.policy, roster: state.roster, action });
  if (decision.kind === "denied") return decision;
  return { kind: "applied", state: next(state, action) };
}

function next(state: GroupRights, action: Action): GroupRights {
  const { roster } = state;
  const withRoster = (change: Partial<Roster>): GroupRights => ({
    ...state,
    roster: { ...roster, ...change },
  });
  switch (action.kind) {
    case "add-members":
      return withRoster({ members: plus(roster.members, action.subjects) });
    case "remove-members":
      return withRoster({ members: minus(roster.members, action.subjects) });
    case "update-metadata":
      return { ...state, metadata: new Map(state.metadata).set(action.field, action.value) };
    case "add-admin":
      return withRoster({ admins: plus(roster.admins, [action.subject]) });
    case "remove-admin":
      return withRoster({ admins: minus(roster.admins, [action.subject]) });
    case "add-super-admin":
      return withRoster({ superAdmins: plus(roster.superAdmins, [action.subject]) });
    case "remove-super-admin":
      return withRoster({ superAdmins: minus(roster.superAdmins, [action.subject]) });
    case "update-permissions":
      return { ...state, policy: action.next };
    // XLV-02: a request to leave moves nobody; a super admin's commit does.
    case "leave":
    case "readd-installations":
    case "update-sequence-ids":
    case "key-update":
      return state;
    default:
      return unreachable(action);
  }
}

function plus(set: ReadonlySet<InboxId>, ids: readonly InboxId[]): ReadonlySet<InboxId> {
  return new Set([...set, ...ids]);
}

function minus(set: ReadonlySet<InboxId>, ids: readonly InboxId[]): ReadonlySet<InboxId> {
  const out = new Set(set);
  for (const id of ids) out.delete(id);
  return out;
}
