import type { Member } from "@coterie/mls";
import { identifiersOf, toPublicIdentifier } from "@coterie/identity";
import type { PublicIdentifier } from "@coterie/identity";
import type { Context } from "./context.ts";
import type { GroupFacts } from "./engine/extensions.ts";
import { ownerOf } from "./engine/leaf.ts";
import { ConsentEntityType, PermissionLevel } from "./enums.ts";
import type { ConsentState } from "./enums.ts";

export interface GroupMember {
  readonly inboxId: string;
  readonly accountIdentifiers: readonly PublicIdentifier[];
  readonly installationIds: readonly string[];
  readonly permissionLevel: PermissionLevel;
  readonly consentState: ConsentState;
}

/** The inboxes of a group as apps see them, with the installations that are in its tree. */
export async function listMembers(
  context: Context,
  facts: GroupFacts,
  leaves: readonly Member[],
): Promise<GroupMember[]> {
  const points = [...facts.membership.members].map(([inboxId, sequenceId]) => ({
    inboxId,
    sequenceId,
  }));
  await context.identity.load(points.filter(({ sequenceId }) => sequenceId > 0n));
  const installations = new Map<string, string[]>();
  for (const { leaf } of leaves) {
    const owner = ownerOf(leaf);
    if (!owner) continue;
    const known = installations.get(owner.inboxId);
    if (known) known.push(owner.installationId);
    else installations.set(owner.inboxId, [owner.installationId]);
  }
  return Promise.all(
    points.map(async ({ inboxId, sequenceId }) => {
      const state =
        context.identity.stateAt(inboxId, sequenceId) ?? (await context.identity.state(inboxId));
      return {
        inboxId,
        accountIdentifiers: state ? identifiersOf(state).map(toPublicIdentifier) : [],
        installationIds: installations.get(inboxId) ?? [],
        permissionLevel: facts.metadata.superAdmins.includes(inboxId)
          ? PermissionLevel.SuperAdmin
          : facts.metadata.admins.includes(inboxId)
            ? PermissionLevel.Admin
            : PermissionLevel.Member,
        consentState: context.preferences.getConsent(ConsentEntityType.InboxId, inboxId),
      };
    }),
  );
}
