import type { InboxId } from "@coterie/base";
import { decide } from "@coterie/policy";
import type { PolicySet, Roster } from "@coterie/policy";
import type { Invitation, InviteAnswer, InvitePolicy } from "./invitation.ts";

export interface InvitationRules {
  /** Read at every invitation, so that later changes count. */
  readonly policy: PolicySet | (() => PolicySet);
  readonly roster: Roster | (() => Roster);
  /** Whose app this is. */
  readonly self: InboxId;
  /** Whose app invites; undefined for a stranger. */
  readonly inboxOf: (invitation: Invitation) => InboxId | undefined;
  /** For strangers, and for whoever may not. Default "deny". */
  readonly otherwise?: Exclude<InviteAnswer, "accept"> | undefined;
}

/** Takes an invitation from whoever the policy lets add members to the group (SGR-21). */
export function invitationsByPolicy(rules: InvitationRules): InvitePolicy {
  const { self, otherwise = "deny" } = rules;
  return (invitation) => {
    const actor = rules.inboxOf(invitation);
    if (actor === undefined) return otherwise;
    const policy = typeof rules.policy === "function" ? rules.policy() : rules.policy;
    const roster = typeof rules.roster === "function" ? rules.roster() : rules.roster;
    const action = { kind: "add-members", actor, subjects: [self] } as const;
    return decide({ policy, roster, action }).kind === "denied" ? otherwise : "accept";
  };
}
