import type { InboxId } from "@coterie/base";
import type { PolicySet } from "./policy.ts";
import type { Roster } from "./roster.ts";
import { samePolicySet } from "./policy.ts";

/** What somebody asks to do, before anything is sent. */
export type Action = { readonly actor: InboxId } & (
  | { readonly kind: "add-members" | "remove-members"; readonly subjects: readonly InboxId[] }
  | { readonly kind: "update-metadata"; readonly field: string; readonly value: string }
  | {
      readonly kind: "add-admin" | "remove-admin" | "add-super-admin" | "remove-super-admin";
      readonly subject: InboxId;
    }
  /** `next` is the whole set after the change. */
  | { readonly kind: "update-permissions"; readonly next: PolicySet }
  /** Remove and add again the same installations of members (XGC-45). */
  | { readonly kind: "readd-installations" }
  /** Record newer inbox-log positions of members, with the installations that come and go by them (XPM-09). */
  | { readonly kind: "update-sequence-ids" }
  | { readonly kind: "key-update" }
  | { readonly kind: "leave" }
);

/**
 * What a commit carries, derived from the states before and after it (XCV-03, XCV-04, XCV-09). Where proposals have several
 * authors there is one change per author, each with its own actor.
 */
export interface Change {
  readonly actor: InboxId;
  readonly addedInboxes: readonly InboxId[];
  readonly removedInboxes: readonly InboxId[];
  /** Metadata keys whose value differs, appeared or disappeared. */
  readonly changedFields: readonly string[];
  readonly adminsAdded: readonly InboxId[];
  readonly adminsRemoved: readonly InboxId[];
  readonly superAdminsAdded: readonly InboxId[];
  readonly superAdminsRemoved: readonly InboxId[];
  /** How many super admins are listed after the commit. */
  readonly superAdminsAfter: number;
  readonly permissionsChanged: boolean;
}

/** A change of nothing, to spread over. */
export function noChange(roster: Roster, actor: InboxId): Change {
  return {
    actor,
    addedInboxes: [],
    removedInboxes: [],
    changedFields: [],
    adminsAdded: [],
    adminsRemoved: [],
    superAdminsAdded: [],
    superAdminsRemoved: [],
    superAdminsAfter: roster.superAdmins.size,
    permissionsChanged: false,
  };
}

/**
 * The change that an action would make: an action is judged by what it changes. Adding who is there and removing who is not
 * changes nothing and so needs no right (XGC-57, XPM-09). Undefined for a kind that is not known.
 */
export function changeOf(policy: PolicySet, roster: Roster, action: Action): Change | undefined {
  const none = noChange(roster, action.actor);
  const { members, admins, superAdmins } = roster;
  switch (action.kind) {
    case "add-members":
      return { ...none, addedInboxes: unique(action.subjects).filter((id) => !members.has(id)) };
    case "remove-members":
      return { ...none, removedInboxes: unique(action.subjects).filter((id) => members.has(id)) };
    case "update-metadata":
      return { ...none, changedFields: [action.field] };
    case "add-admin":
      return admins.has(action.subject) ? none : { ...none, adminsAdded: [action.subject] };
    case "remove-admin":
      return admins.has(action.subject) ? { ...none, adminsRemoved: [action.subject] } : none;
    case "add-super-admin":
      if (superAdmins.has(action.subject)) return none;
      return {
        ...none,
        superAdminsAdded: [action.subject],
        superAdminsAfter: superAdmins.size + 1,
      };
    case "remove-super-admin":
      if (!superAdmins.has(action.subject)) return none;
      return {
        ...none,
        superAdminsRemoved: [action.subject],
        superAdminsAfter: superAdmins.size - 1,
      };
    case "update-permissions":
      return { ...none, permissionsChanged: !samePolicySet(policy, action.next) };
    case "readd-installations":
    case "update-sequence-ids":
    case "key-update":
    case "leave":
      return none;
    default:
      return unknownAction(action);
  }
}

/** Deny by default: the caller turns this into a denial (OWN-02). */
function unknownAction(_action: never): undefined {
  return undefined;
}

function unique(inboxes: readonly InboxId[]): InboxId[] {
  return [...new Set(inboxes)];
}
