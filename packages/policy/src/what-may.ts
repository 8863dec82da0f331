import type { InboxId } from "@coterie/base";
import type { Action } from "./action.ts";
import { decide } from "./decide.ts";
import { METADATA_FIELDS } from "./fields.ts";
import type { PolicySet } from "./policy.ts";
import { roleOf } from "./roster.ts";
import type { Role, Roster } from "./roster.ts";
import type { Decision } from "./rules.ts";

/** One row for a permissions screen. */
export interface Permission {
  readonly action: Action["kind"];
  /** The metadata key, in rows of "update-metadata". */
  readonly field?: string | undefined;
  readonly decision: Decision;
}

/** All that one inbox may do now. */
export interface Permissions {
  readonly role: Role;
  readonly rows: readonly Permission[];
}

// Not hex, so no inbox of the network can have these ids.
const newcomer = "a newcomer" as InboxId;
const plainMember = "a plain member" as InboxId;
const otherAdmin = "another admin" as InboxId;
const otherSuperAdmin = "another super admin" as InboxId;

/**
 * What an inbox may do, asked about an ordinary subject: a newcomer to add (in a DM, the missing peer), a plain member to
 * remove or promote, another admin to demote. A particular subject can still be denied; ask `decide` about it.
 */
export function whatMay(policy: PolicySet, roster: Roster, inbox: InboxId): Permissions {
  const role = roleOf(roster, inbox);
  const peer = missingPeer(roster, inbox);
  const imagined: Roster = {
    ...roster,
    members: new Set([...roster.members, plainMember, otherAdmin, otherSuperAdmin]),
    admins: new Set([...roster.admins, otherAdmin]),
    superAdmins: new Set([...roster.superAdmins, otherSuperAdmin]),
  };
  const row = (action: Action, from: Roster, field?: string): Permission => ({
    action: action.kind,
    ...(field === undefined ? {} : { field }),
    decision: decide({ policy, roster: from, action }),
  });
  const fields = new Set([...Object.values(METADATA_FIELDS), ...policy.metadata.keys()]);
  const actor = inbox;
  return {
    role,
    rows: [
      row({ kind: "add-members", actor, subjects: [peer ?? newcomer] }, roster),
      row({ kind: "remove-members", actor, subjects: [plainMember] }, imagined),
      ...[...fields].map((field) =>
        row({ kind: "update-metadata", actor, field, value: "" }, roster, field),
      ),
      row({ kind: "add-admin", actor, subject: plainMember }, imagined),
      row({ kind: "remove-admin", actor, subject: otherAdmin }, imagined),
      row({ kind: "add-super-admin", actor, subject: plainMember }, imagined),
      row({ kind: "remove-super-admin", actor, subject: otherSuperAdmin }, imagined),
      row({ kind: "update-permissions", actor, next: otherThan(policy) }, roster),
      row({ kind: "readd-installations", actor }, roster),
      row({ kind: "update-sequence-ids", actor }, roster),
      row({ kind: "key-update", actor }, roster),
      row({ kind: "leave", actor }, roster),
    ],
  };
}

function missingPeer(roster: Roster, inbox: InboxId): InboxId | undefined {
  if (roster.dm === undefined) return undefined;
  const peer = roster.dm.one === inbox ? roster.dm.two : roster.dm.one;
  return roster.members.has(peer) ? undefined : peer;
}

/** Any set that differs, so that the question is about a real change. */
function otherThan(policy: PolicySet): PolicySet {
  return { ...policy, addMember: policy.addMember === "deny" ? "allow" : "deny" };
}
