import { toHex } from "@coterie/base";
import type { Extension, KeyPackage, Member, Proposal } from "@coterie/mls";
import { changePolicy } from "@coterie/policy";
import type { PolicyChange, PolicySet } from "@coterie/policy";
import { PermissionPolicy, PermissionUpdateType } from "../enums.ts";
import { ClientError } from "../errors.ts";
import {
  encodeMembership,
  encodeMutableMetadata,
  encodePermissions,
  replaceExtensions,
} from "./extensions.ts";
import type { GroupFacts } from "./extensions.ts";
import { diffInstallations } from "./membership.ts";
import type { IdentityPoint, IdentityView, Membership } from "./membership.ts";
import type { AdminAction, MutableMetadata, Recipient } from "./state.ts";

function replacing(extensions: readonly Extension[], changed: Extension): Proposal {
  return {
    kind: "group-context-extensions",
    extensions: replaceExtensions(extensions, [changed]),
  };
}

/** XGC-41: one attribute changed. */
export function metadataProposal(
  extensions: readonly Extension[],
  facts: GroupFacts,
  field: string,
  value: string,
): Proposal {
  const attributes = new Map(facts.metadata.attributes).set(field, value);
  return replacing(extensions, encodeMutableMetadata({ ...facts.metadata, attributes }));
}

/** The lists after one action; adding twice and removing the absent change nothing (XGC-42). */
function applyAdminAction(
  metadata: MutableMetadata,
  action: AdminAction,
  inboxId: string,
): MutableMetadata {
  const plus = (list: readonly string[]): string[] =>
    list.includes(inboxId) ? [...list] : [...list, inboxId];
  const minus = (list: readonly string[]): string[] => list.filter((id) => id !== inboxId);
  switch (action) {
    case "add-admin":
      return { ...metadata, admins: plus(metadata.admins) };
    case "remove-admin":
      return { ...metadata, admins: minus(metadata.admins) };
    case "add-super-admin":
      return { ...metadata, superAdmins: plus(metadata.superAdmins) };
    case "remove-super-admin":
      return { ...metadata, superAdmins: minus(metadata.superAdmins) };
  }
}

/** XGC-42. */
export function adminProposal(
  extensions: readonly Extension[],
  facts: GroupFacts,
  action: AdminAction,
  inboxId: string,
): Proposal {
  return replacing(
    extensions,
    encodeMutableMetadata(applyAdminAction(facts.metadata, action, inboxId)),
  );
}

/** XPM-14: the policy set after `updatePermission(type, policy, field)`. Throws `client/bad-argument`. */
export function updatedPolicy(
  policy: PolicySet,
  update: number,
  option: number,
  field?: string,
): PolicySet {
  if (option !== PermissionPolicy.Allow && !(option >= 1 && option <= 3)) {
    throw new ClientError("client/bad-argument", { rule: "XPM-13", policy: option });
  }
  const choice = option as 0 | 1 | 2 | 3;
  const change = ((): PolicyChange => {
    switch (update) {
      case PermissionUpdateType.AddMember:
        return { permission: "add-member", option: choice };
      case PermissionUpdateType.RemoveMember:
        return { permission: "remove-member", option: choice };
      case PermissionUpdateType.AddAdmin:
        return { permission: "add-admin", option: choice };
      case PermissionUpdateType.RemoveAdmin:
        return { permission: "remove-admin", option: choice };
      case PermissionUpdateType.UpdateMetadata:
        return { permission: "update-metadata", field, option: choice };
      default:
        throw new ClientError("client/bad-argument", { rule: "XPM-14", update });
    }
  })();
  return changePolicy(policy, change);
}

/** XGC-43. */
export function permissionsProposal(extensions: readonly Extension[], policy: PolicySet): Proposal {
  return replacing(extensions, encodePermissions(policy));
}

interface MembershipWish {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** A change of membership before key packages were fetched. */
export interface MembershipPlan {
  /** New members with their ids; failed installations as before. */
  readonly next: Membership;
  /** Installations to add, with their inboxes. */
  readonly toAdd: ReadonlyMap<string, string>;
  readonly toRemove: readonly string[];
  readonly addsInboxes: boolean;
}

export type MembershipPlanning =
  | { readonly kind: "plan"; readonly plan: MembershipPlan }
  /** XGC-54: nothing to do. */
  | { readonly kind: "nothing" }
  | { readonly kind: "wait"; readonly needs: readonly IdentityPoint[] };

export interface MembershipInput {
  readonly facts: GroupFacts;
  readonly members: readonly Member[];
  readonly ownInstallationId: string;
  readonly wish: MembershipWish;
  /** Newest sequence id of every current and added inbox (XGC-50). */
  readonly newest: ReadonlyMap<string, bigint>;
  readonly identity: IdentityView;
}

/** XGC-50 to XGC-54: what a membership commit will have to hold. Throws `client/missing-sequence-id`. */
export function planMembership(input: MembershipInput): MembershipPlanning {
  const { membership } = input.facts;
  const members = new Map(membership.members);
  for (const inboxId of new Set([...membership.members.keys(), ...input.wish.add])) {
    const newest = input.newest.get(inboxId);
    if (newest === undefined) {
      throw new ClientError("client/missing-sequence-id", { rule: "XGC-50", inboxId });
    }
    if (newest > (members.get(inboxId) ?? -1n)) members.set(inboxId, newest);
  }
  // Who is removed goes at the old id (XGC-52), whatever else their log says.
  for (const inboxId of input.wish.remove) members.delete(inboxId);

  // XGC-51
  const next: Membership = { members, failedInstallations: membership.failedInstallations };
  const diff = diffInstallations(membership, next, input.identity);
  if (diff.kind === "wait") return { kind: "wait", needs: diff.needs };
  if (diff.kind === "missing") {
    throw new ClientError("client/missing-sequence-id", { rule: "XID-31", ...diff.point });
  }
  const inTree = new Set(input.members.map(({ leaf }) => toHex(leaf.signatureKey)));
  const toAdd = new Map([...diff.added].filter(([installation]) => !inTree.has(installation)));
  const toRemove = [...diff.removed.keys()].filter((installation) => inTree.has(installation));
  if (toRemove.includes(input.ownInstallationId)) return { kind: "nothing" };
  const changed =
    members.size !== membership.members.size ||
    [...members].some(([inboxId, id]) => membership.members.get(inboxId) !== id);
  if (!changed && toAdd.size === 0 && toRemove.length === 0) return { kind: "nothing" };
  return {
    kind: "plan",
    plan: {
      next: withoutReturned(next, toRemove),
      toAdd,
      toRemove,
      addsInboxes: input.wish.add.some((inboxId) => !membership.members.has(inboxId)),
    },
  };
}

/**
 * Failed installations stay listed even when their inbox goes: they explain a removal that nobody could make (XCV-14). Those that
 * are in the tree after all, and leave it now, must not be listed.
 */
function withoutReturned(membership: Membership, removed: readonly string[]): Membership {
  const failedInstallations = new Set(membership.failedInstallations);
  for (const installation of removed) failedInstallations.delete(installation);
  return { ...membership, failedInstallations };
}

/** A fetched and verified key package (XKP-11). */
export interface UsableKeyPackage {
  readonly installationId: string;
  readonly keyPackage: KeyPackage;
  readonly recipient: Recipient;
}

export interface MembershipCommit {
  readonly proposals: readonly Proposal[];
  readonly recipients: readonly Recipient[];
}

/** XGC-40: Adds, Removes and the one GCE. Throws `client/failed-to-verify-installations` (XGC-53). */
export function membershipProposals(
  extensions: readonly Extension[],
  members: readonly Member[],
  plan: MembershipPlan,
  usable: readonly UsableKeyPackage[],
): MembershipCommit {
  const byId = new Map(usable.map((item) => [item.installationId, item]));
  const failed = [...plan.toAdd.keys()].filter((installation) => !byId.has(installation));
  if (plan.addsInboxes && usable.length === 0 && failed.length > 0) {
    throw new ClientError("client/failed-to-verify-installations", {
      rule: "XGC-53",
      failed: failed.length,
    });
  }
  const leaves = new Map(
    members.map(({ leaf, leafIndex }) => [toHex(leaf.signatureKey), leafIndex]),
  );
  const membership: Membership = {
    members: plan.next.members,
    failedInstallations: new Set([...plan.next.failedInstallations, ...failed]),
  };
  const proposals: Proposal[] = usable.map(({ keyPackage }) => ({ kind: "add", keyPackage }));
  for (const installation of plan.toRemove) {
    const removed = leaves.get(installation);
    if (removed !== undefined) proposals.push({ kind: "remove", removed });
  }
  proposals.push(replacing(extensions, encodeMembership(membership)));
  return { proposals, recipients: usable.map(({ recipient }) => recipient) };
}

/** XGC-45: the same installations out and in again. Those without a usable key package stay out, listed as failed (XCV-12). */
export function readdProposals(
  extensions: readonly Extension[],
  members: readonly Member[],
  facts: GroupFacts,
  installations: readonly string[],
  usable: readonly UsableKeyPackage[],
): MembershipCommit {
  const byId = new Map(usable.map((item) => [item.installationId, item]));
  const failedInstallations = new Set(facts.membership.failedInstallations);
  for (const installation of installations) {
    if (!byId.has(installation)) failedInstallations.add(installation);
  }
  const proposals: Proposal[] = usable.map(({ keyPackage }) => ({ kind: "add", keyPackage }));
  for (const { leaf, leafIndex } of members) {
    if (!installations.includes(toHex(leaf.signatureKey))) continue;
    proposals.push({ kind: "remove", removed: leafIndex });
  }
  const membership = encodeMembership({ members: facts.membership.members, failedInstallations });
  proposals.push(replacing(extensions, membership));
  return { proposals, recipients: usable.map(({ recipient }) => recipient) };
}
