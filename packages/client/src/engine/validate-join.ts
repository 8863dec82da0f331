import { toHex } from "@coterie/base";
import type { ErrorDetails } from "@coterie/base";
import type { JoinView } from "@coterie/mls";
import { dmMismatches } from "@coterie/policy";
import { minimumVersionKey } from "./changes.ts";
import { decodeFacts } from "./extensions.ts";
import type { GroupFacts } from "./extensions.ts";
import { ownerOf } from "./leaf.ts";
import type { LeafOwner } from "./leaf.ts";
import type { IdentityPoint, IdentityView } from "./membership.ts";
import { refuse } from "./validate-commit.ts";
import type { Awaited } from "./validate-commit.ts";
import { isNewer } from "./version.ts";

/** A group that may be joined, with what its context says. */
export interface ValidJoin {
  readonly facts: GroupFacts;
  readonly addedBy: LeafOwner;
  /** XIN-30, XGC-61: joined, but read-only until we are newer. */
  readonly pausedForVersion?: string | undefined;
  /** XDM-04: a DM whose permissions are not the preset. */
  readonly policyMismatch: boolean;
}

export type JoinVerdict =
  | { readonly kind: "accept"; readonly join: ValidJoin }
  | { readonly kind: "refuse"; readonly code: string; readonly details: ErrorDetails }
  | { readonly kind: "wait"; readonly for: Awaited };

export interface JoinContext {
  readonly identity: IdentityView;
  readonly ownInboxId: string;
  /** Wait, rather than refuse, while an inbox log ends before an update that is named. */
  readonly patient?: boolean | undefined;
}

/** Proposal mode is no version, but its floor is (§6.6). */
const proposalModeVersion = "1.11.0";

/** XWL-13, XWL-17: whether a welcome leads into a group whose members are who they say they are. */
export function validateJoin(view: JoinView, context: JoinContext): JoinVerdict {
  let facts: GroupFacts;
  try {
    facts = decodeFacts(view.group.context.extensions);
  } catch {
    return refuse("bad-group-context", "XGC-36");
  }
  const addedBy = ownerOf(view.signer.leaf);
  if (!addedBy) return refuse("bad-credential", "XWL-15");
  const dm = checkDm(facts, addedBy, context.ownInboxId);
  if (dm) return dm;
  if (!isSyncGroupOf(facts, addedBy, context.ownInboxId)) {
    return refuse("foreign-sync-group", "XHS-01");
  }
  const members = checkMembers(view, facts, context);
  if (members) return members;

  const required = facts.metadata.attributes.get(minimumVersionKey);
  const paused =
    (required !== undefined && isNewer(required) ? required : undefined) ??
    (facts.proposalMode ? proposalModeVersion : undefined);
  const mismatches = facts.immutable.conversationType === "dm" ? dmMismatches(facts.policy) : [];
  return {
    kind: "accept",
    join: {
      facts,
      addedBy,
      // Versions pause groups only (XWL-18).
      pausedForVersion: facts.immutable.conversationType === "group" ? paused : undefined,
      policyMismatch: mismatches.length > 0,
    },
  };
}

/** XHS-01: what is said in a sync group is told to every member of it: to us alone, or it is none of ours. */
function isSyncGroupOf(facts: GroupFacts, addedBy: LeafOwner, self: string): boolean {
  if (facts.immutable.conversationType !== "sync") return true;
  return (
    addedBy.inboxId === self && [...facts.membership.members.keys()].every((id) => id === self)
  );
}

/** XDM-04. */
function checkDm(facts: GroupFacts, addedBy: LeafOwner, self: string): JoinVerdict | undefined {
  if (facts.immutable.conversationType !== "dm") return undefined;
  const pair = facts.immutable.dmMembers;
  if (!pair || !pair.includes(self)) return refuse("bad-dm", "XDM-04");
  if (addedBy.inboxId === self) return undefined;
  if (!pair.includes(addedBy.inboxId)) return refuse("bad-dm", "XDM-04");
  if (facts.metadata.admins.length > 0 || facts.metadata.superAdmins.length > 0) {
    return refuse("bad-dm", "XDM-04");
  }
  // Upstream refuses only where all five singular policies differ.
  return dmMismatches(facts.policy).length === 5 ? refuse("bad-dm", "XDM-04") : undefined;
}

function checkMembers(
  view: JoinView,
  facts: GroupFacts,
  { identity, patient }: JoinContext,
): JoinVerdict | undefined {
  const needs: IdentityPoint[] = [];
  const late: IdentityPoint[] = [];
  const states = new Map<string, ReadonlySet<string>>();
  for (const [inboxId, sequenceId] of facts.membership.members) {
    const at = identity.installationsAt(inboxId, sequenceId);
    if (at.kind === "known") states.set(inboxId, at.installations);
    else if (at.kind === "unknown") needs.push({ inboxId, sequenceId });
    else if (patient === true && at.late === true) late.push({ inboxId, sequenceId });
    else return refuse("missing-identity-update", "XID-31", { inboxId, sequenceId });
  }
  // XCV-11: the node may be behind with a log, or hide a part of it.
  if (late.length > 0) return { kind: "wait", for: { kind: "identity", needs: late, late: true } };
  if (needs.length > 0) return { kind: "wait", for: { kind: "identity", needs } };

  const present = new Set<string>();
  for (const { leaf, leafIndex } of view.group.members()) {
    const owner = ownerOf(leaf);
    if (!owner || !states.get(owner.inboxId)?.has(owner.installationId)) {
      return refuse("invalid-group-membership", "XWL-13", { leaf: leafIndex });
    }
    present.add(toHex(leaf.signatureKey));
  }
  for (const installations of states.values()) {
    for (const installationId of installations) {
      if (present.has(installationId)) continue;
      if (facts.membership.failedInstallations.has(installationId)) continue;
      return refuse("invalid-group-membership", "XWL-13", { installationId });
    }
  }
  return undefined;
}
