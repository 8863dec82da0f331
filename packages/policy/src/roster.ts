import type { InboxId } from "@coterie/base";

/** What an inbox is in a group. Roles are by inbox, not by installation (XPM-01). */
export type Role = "non-member" | "member" | "admin" | "super-admin";

/** The two inboxes of a DM (XDM-01). */
export interface DmMembers {
  readonly one: InboxId;
  readonly two: InboxId;
}

/**
 * Who is in a group and in its two admin lists, as they stand before the change in question (XPM-01).
 * The lists may name inboxes that left: a removed admin stays listed on the wire, and is admin again when added back.
 */
export interface Roster {
  readonly members: ReadonlySet<InboxId>;
  readonly admins: ReadonlySet<InboxId>;
  readonly superAdmins: ReadonlySet<InboxId>;
  /** Set in DMs, where other rules hold (XPM-08, XDM-06). */
  readonly dm?: DmMembers | undefined;
}

/** Lists of inboxes, in any order and with repetitions. */
export interface RosterInput {
  readonly members: Iterable<InboxId>;
  readonly admins?: Iterable<InboxId> | undefined;
  readonly superAdmins?: Iterable<InboxId> | undefined;
  readonly dm?: DmMembers | undefined;
}

/** Copies lists of inboxes into a roster. */
export function createRoster(input: RosterInput): Roster {
  return {
    members: new Set(input.members),
    admins: new Set(input.admins),
    superAdmins: new Set(input.superAdmins),
    ...(input.dm === undefined ? {} : { dm: { one: input.dm.one, two: input.dm.two } }),
  };
}

/** The highest role an inbox has. Being listed as an admin means nothing without membership (XCV-06). */
export function roleOf(roster: Roster, inbox: InboxId): Role {
  if (!roster.members.has(inbox)) return "non-member";
  if (roster.superAdmins.has(inbox)) return "super-admin";
  return roster.admins.has(inbox) ? "admin" : "member";
}
