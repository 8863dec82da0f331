import { members as membersIn } from "@coterie/mls";
import { inChunks } from "./chunks.ts";
import type { Context } from "./context.ts";
import { stepEnv } from "./context.ts";
import { membershipProposals, planMembership, readdProposals } from "./engine/compose.ts";
import type { MembershipCommit, MembershipPlan, UsableKeyPackage } from "./engine/compose.ts";
import { decodeFacts } from "./engine/extensions.ts";
import { ownerOf } from "./engine/leaf.ts";
import { limits } from "./engine/limits.ts";
import { announceChecks, checkKeyPackage } from "./engine/profile.ts";
import { mlsOf } from "./engine/send.ts";
import type { GroupState } from "./engine/state.ts";

import { withRetry } from "./run.ts";

/** Key packages of these installations; the unusable ones are left out and so become failed installations (XKP-12). */
async function fetchKeyPackages(
  context: Context,
  wanted: ReadonlyMap<string, string>,
): Promise<UsableKeyPackage[]> {
  const { crypto, clock, log } = context.ports;
  const installations = [...wanted.keys()];
  const usable: UsableKeyPackage[] = [];
  const ask = (chunk: readonly string[]): Promise<readonly Uint8Array[]> =>
    withRetry(context.ports, () => context.api.fetchKeyPackages(chunk));
  await inChunks(installations, limits.keyPackageChunk, ask, (chunk, packages) => {
    announceChecks(crypto, packages);
    chunk.forEach((installationId, i) => {
      try {
        usable.push(
          checkKeyPackage(crypto, packages[i] ?? new Uint8Array(0), {
            installationId,
            inboxId: wanted.get(installationId) as string,
            nowNs: clock.nowNs(),
          }),
        );
      } catch (error) {
        log.write("warn", "bad-key-package", { installationId, error: String(error) });
      }
    });
  });
  return usable;
}

/**
 * Everything that a membership commit needs from outside: identity logs of all members and added inboxes, then key packages
 * (XGC-50 to XGC-53). Undefined where there is nothing to do (XGC-54).
 */
export async function gatherMembership(
  context: Context,
  state: GroupState,
  wish: { readonly add: readonly string[]; readonly remove: readonly string[] },
): Promise<MembershipCommit | undefined> {
  const group = mlsOf(state);
  const { extensions } = group.context;
  const facts = decodeFacts(extensions);
  const inboxes = [...new Set([...facts.membership.members.keys(), ...wish.add])];
  const newest = await withRetry(context.ports, () => context.identity.refresh(inboxes));
  const members = membersIn(group);
  let notFound: ReadonlySet<string> = new Set();
  for (;;) {
    const planning = planMembership({
      facts,
      members,
      ownInstallationId: context.installationId,
      wish,
      newest,
      identity: stepEnv(context, notFound).identity,
    });
    if (planning.kind === "nothing") return undefined;
    if (planning.kind === "wait") {
      const { needs } = planning;
      notFound = await withRetry(context.ports, () => context.identity.load(needs));
      continue;
    }
    const plan: MembershipPlan = planning.plan;
    const usable = await fetchKeyPackages(context, plan.toAdd);
    return membershipProposals(extensions, members, plan, usable);
  }
}

/** XGC-45: what adding installations again needs. Undefined where none of them is in the group any more. */
export async function gatherReadd(
  context: Context,
  state: GroupState,
  wish: { readonly installations: readonly string[] },
): Promise<MembershipCommit | undefined> {
  const group = mlsOf(state);
  const { extensions } = group.context;
  const members = membersIn(group);
  const owners = new Map<string, string>();
  for (const { leaf } of members) {
    const owner = ownerOf(leaf);
    if (!owner || owner.installationId === context.installationId) continue;
    if (wish.installations.includes(owner.installationId)) {
      owners.set(owner.installationId, owner.inboxId);
    }
  }
  if (owners.size === 0) return undefined;
  const usable = await fetchKeyPackages(context, owners);
  return readdProposals(extensions, members, decodeFacts(extensions), [...owners.keys()], usable);
}
