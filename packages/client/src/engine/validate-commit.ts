import { toHex } from "@coterie/base";
import type { ErrorDetails, InboxId } from "@coterie/base";
import type { CommitView, Extension, GroupView, Proposal, ProposalInCommit } from "@coterie/mls";
import { createRoster, judgeChange } from "@coterie/policy";
import type { Change, Roster } from "@coterie/policy";
import { diffFacts, minimumVersionKey } from "./changes.ts";
import type { GroupChanges } from "./changes.ts";
import { decodeFacts, extensionType, findExtension } from "./extensions.ts";
import type { GroupFacts } from "./extensions.ts";
import { ownerOf } from "./leaf.ts";
import type { LeafOwner } from "./leaf.ts";
import { fitsAttribute } from "./limits.ts";
import { checkInstallations, diffInstallations, diffMembership, isLate } from "./membership.ts";
import type { IdentityPoint, IdentityView } from "./membership.ts";
import { isNewer, isVersion } from "./version.ts";

/** What a judge waits for: identity logs to be loaded, or a newer version of ourselves (XIN-30). */
export type Awaited =
  | {
      readonly kind: "identity";
      readonly needs: readonly IdentityPoint[];
      /** The log was loaded and ends before these: they may come, or never (XCV-11). */
      readonly late?: boolean | undefined;
    }
  | { readonly kind: "version"; readonly required: string };

/** A commit that every member accepts, with what it means. */
export interface ValidCommit {
  readonly committer: LeafOwner;
  readonly before: GroupFacts;
  readonly after: GroupFacts;
  readonly changes: GroupChanges;
  /** Whether it adds or removes installations. */
  readonly movesInstallations: boolean;
  /** Added installations, and whether their leaf claims the inbox that admitted them (XGC-12). */
  readonly claims: ReadonlyMap<string, boolean>;
}

export type CommitVerdict =
  | { readonly kind: "accept"; readonly commit: ValidCommit }
  | { readonly kind: "refuse"; readonly code: string; readonly details: ErrorDetails }
  | { readonly kind: "wait"; readonly for: Awaited };

type Refusal = Extract<CommitVerdict, { readonly kind: "refuse" }>;

export function refuse(what: string, rule: string, details: ErrorDetails = {}): Refusal {
  return { kind: "refuse", code: `client/${what}`, details: { rule, ...details } };
}

/** The facts of a context, or undefined where an extension is missing or damaged. */
function factsOf(extensions: readonly Extension[]): GroupFacts | undefined {
  try {
    return decodeFacts(extensions);
  } catch {
    return undefined;
  }
}

/** The members of a group as policies see them: by inbox (XPM-01). */
export function rosterOf(facts: GroupFacts): Roster {
  const dm = facts.immutable.dmMembers as readonly [InboxId, InboxId] | undefined;
  return createRoster({
    members: facts.membership.members.keys() as Iterable<InboxId>,
    admins: facts.metadata.admins as readonly InboxId[],
    superAdmins: facts.metadata.superAdmins as readonly InboxId[],
    dm: dm && { one: dm[0], two: dm[1] },
  });
}

/** The change that policies judge, made by one author. */
export function changeBy(actor: string, changes: GroupChanges): Change {
  return {
    actor: actor as InboxId,
    addedInboxes: changes.addedInboxes as readonly InboxId[],
    removedInboxes: changes.removedInboxes as readonly InboxId[],
    changedFields: changes.fields.map(({ field }) => field),
    adminsAdded: changes.adminsAdded as readonly InboxId[],
    adminsRemoved: changes.adminsRemoved as readonly InboxId[],
    superAdminsAdded: changes.superAdminsAdded as readonly InboxId[],
    superAdminsRemoved: changes.superAdminsRemoved as readonly InboxId[],
    superAdminsAfter: changes.superAdminsAfter,
    permissionsChanged: changes.permissionsChanged,
  };
}

/** XCV-05: only values that this commit changes count. */
export function tooLong(changes: GroupChanges): string | undefined {
  return changes.fields.find(
    ({ field, after }) => after !== undefined && !fitsAttribute(field, after),
  )?.field;
}

/** Proposals that no commit may carry here (XGC-08, XCV-07). */
function forbiddenProposal(proposal: Proposal): Refusal | undefined {
  switch (proposal.kind) {
    case "psk":
      return refuse("no-psk-support", "XCV-07");
    case "reinit":
    case "external-init":
    case "custom":
      return refuse("unsupported-proposal", "XGC-08", { proposal: proposal.kind });
    default:
      return undefined;
  }
}

interface Subjects {
  /** With the inbox that the leaf claims. */
  readonly added: ReadonlyMap<string, string>;
  readonly removed: ReadonlySet<string>;
  readonly updated: readonly LeafOwner[];
}

/** XCV-08: installations that the commit adds, removes and updates. */
function collectSubjects(
  proposals: readonly ProposalInCommit[],
  before: GroupView,
): Subjects | Refusal {
  const added = new Map<string, string>();
  const removed = new Set<string>();
  const updated: LeafOwner[] = [];
  for (const { proposal } of proposals) {
    const forbidden = forbiddenProposal(proposal);
    if (forbidden) return forbidden;
    if (proposal.kind === "add") {
      const owner = ownerOf(proposal.keyPackage.leafNode);
      if (!owner) return refuse("bad-credential", "XGC-11");
      added.set(owner.installationId, owner.inboxId);
    } else if (proposal.kind === "remove") {
      const leaf = before.memberAt(proposal.removed)?.leaf;
      if (!leaf) return refuse("subject-does-not-exist", "XCV-08", { leaf: proposal.removed });
      removed.add(toHex(leaf.signatureKey));
    } else if (proposal.kind === "update") {
      const owner = ownerOf(proposal.leafNode);
      if (!owner) return refuse("subject-does-not-exist", "XCV-08");
      updated.push(owner);
    }
  }
  return { added, removed, updated };
}

/** XCV-06: the committer by its leaf in the tree and by the leaf of its path, which must agree. */
function committerOf(view: CommitView): LeafOwner | Refusal {
  const owner = ownerOf(view.committer.leaf);
  const path = view.pathLeaf && ownerOf(view.pathLeaf);
  if (view.external || !owner || !path) return refuse("actor-could-not-be-found", "XCV-06");
  if (path.inboxId !== owner.inboxId || path.installationId !== owner.installationId) {
    return refuse("actor-could-not-be-found", "XCV-06");
  }
  return owner;
}

/** The inboxes that wrote the proposals of a kind; the committer where there are none (direct mode). */
function authorsOf(view: CommitView, committer: LeafOwner): ReadonlySet<string> | Refusal {
  const authors = new Set<string>();
  for (const { proposal, sender } of view.proposals) {
    const owner = sender.kind === "member" ? ownerOf(sender.leaf) : undefined;
    if (!owner) return refuse("actor-not-member", "XCV-06");
    if (proposal.kind !== "update") authors.add(owner.inboxId);
  }
  return authors.size > 0 ? authors : new Set([committer.inboxId]);
}

/** XCV-16: every author of a proposal must be allowed what the commit changes. */
function checkPolicies(
  facts: GroupFacts,
  changes: GroupChanges,
  authors: ReadonlySet<string>,
): Refusal | undefined {
  const roster = rosterOf(facts);
  for (const author of authors) {
    const decision = judgeChange({
      policy: facts.policy,
      roster,
      change: changeBy(author, changes),
    });
    if (decision.kind === "denied") {
      return refuse("insufficient-permissions", decision.reasons[0].rule, { actor: author });
    }
  }
  return undefined;
}

export interface JudgeContext {
  readonly identity: IdentityView;
  /** Defaults to the version whose rules we follow. */
  readonly ownVersion?: string | undefined;
  /** Wait, rather than refuse, while an inbox log ends before an update that is named. */
  readonly patient?: boolean | undefined;
}

/** Rules whose verdict hangs on what an inbox log holds. */
const logRules: ReadonlySet<unknown> = new Set(["XID-31", "XCV-13", "XCV-14", "XCV-15"]);

/** XCV-01 to XCV-17: the one check that every member makes of every commit, its own included. Pure and synchronous. */
export function validateCommit(view: CommitView, context: JudgeContext): CommitVerdict {
  const verdict = judgeCommit(view, context);
  if (verdict.kind !== "refuse" || context.patient !== true) return verdict;
  if (!logRules.has(verdict.details["rule"])) return verdict;
  // XCV-11: a node that is behind with an inbox log must not make us refuse what all others accept.
  const needs = latePoints(view, context.identity);
  return needs.length > 0
    ? { kind: "wait", for: { kind: "identity", needs, late: true } }
    : verdict;
}

/** Points that the commit moves inboxes to and that lie after the end of their logs. */
function latePoints(view: CommitView, identity: IdentityView): readonly IdentityPoint[] {
  const before = factsOf(view.before.context.extensions)?.membership.members;
  const after = factsOf(view.after.context.extensions)?.membership.members;
  return [...(after ?? [])].flatMap(([inboxId, sequenceId]) => {
    if (before?.get(inboxId) === sequenceId) return [];
    return isLate(identity, { inboxId, sequenceId }) ? [{ inboxId, sequenceId }] : [];
  });
}

function judgeCommit(view: CommitView, context: JudgeContext): CommitVerdict {
  const beforeExtensions = view.before.context.extensions;
  const afterExtensions = view.after.context.extensions;
  const before = factsOf(beforeExtensions);
  const after = factsOf(afterExtensions);
  // XCV-09: the memberships before and after.
  for (const extensions of [beforeExtensions, afterExtensions]) {
    if (findExtension(extensions, extensionType.membership)) continue;
    return refuse("missing-group-membership", "XCV-09");
  }
  // XCV-02, XGC-36
  if (!before || !after) return refuse("bad-group-context", "XCV-02");

  const committer = committerOf(view);
  if ("kind" in committer) return committer;
  const authors = authorsOf(view, committer);
  if ("kind" in authors) return authors;
  const subjects = collectSubjects(view.proposals, view.before);
  if ("kind" in subjects) return subjects;

  const changes = diffFacts(
    { facts: before, extensions: beforeExtensions },
    { facts: after, extensions: afterExtensions },
  );
  const long = tooLong(changes);
  if (long !== undefined) return refuse("too-many-characters", "XCV-05", { field: long });

  const [decreased] = diffMembership(before.membership, after.membership).decreased;
  if (decreased !== undefined) {
    return refuse("sequence-id-decreased", "XCV-10", { inboxId: decreased });
  }
  // Policies need no identity logs, so a forbidden commit costs nobody a request.
  const denied = checkPolicies(before, changes, authors);
  if (denied) return denied;

  const expected = diffInstallations(before.membership, after.membership, context.identity);
  if (expected.kind === "wait") {
    return { kind: "wait", for: { kind: "identity", needs: expected.needs } };
  }
  if (expected.kind === "missing") {
    return refuse("missing-identity-update", "XID-31", { ...expected.point });
  }
  const tree = new Map(view.before.members().map(({ leaf }) => [toHex(leaf.signatureKey), leaf]));
  const installations = checkInstallations({
    expectedAdded: expected.added,
    expectedRemoved: expected.removed,
    added: new Set(subjects.added.keys()),
    removed: subjects.removed,
    newFailed: after.membership.failedInstallations,
    committerIsSuperAdmin: before.metadata.superAdmins.includes(committer.inboxId),
    inTree: (installation) => tree.has(installation),
  });
  if (installations.kind === "refuse") {
    const what =
      installations.rule === "XCV-13"
        ? "unexpected-installation-added"
        : "unexpected-installations-removed";
    return refuse(what, installations.rule, { installationId: installations.installation });
  }
  const present = checkPresent([committer, ...subjects.updated], before, after, context.identity);
  if (present) return present;

  const required = after.metadata.attributes.get(minimumVersionKey);
  // XCV-17: a floor that is no version stops every commit of released members, also one that was there before.
  if (required !== undefined && !isVersion(required)) return refuse("bad-version", "XCV-17", {});
  if (required !== undefined && isNewer(required, context.ownVersion)) {
    return { kind: "wait", for: { kind: "version", required } };
  }
  const movesInstallations = subjects.added.size + subjects.removed.size > 0;
  const claims = new Map<string, boolean>();
  for (const [installation, inboxId] of subjects.added) {
    const leaf = tree.get(installation);
    const admittedBy = expected.added.get(installation) ?? (leaf && ownerOf(leaf)?.inboxId);
    claims.set(installation, admittedBy === inboxId);
  }
  const commit = { committer, before, after, changes, movesInstallations, claims };
  return { kind: "accept", commit };
}

/** XCV-15: the committer and every updated leaf stay members, with their installation in the inbox's state. */
function checkPresent(
  owners: readonly LeafOwner[],
  before: GroupFacts,
  after: GroupFacts,
  identity: IdentityView,
): CommitVerdict | undefined {
  const needs: IdentityPoint[] = [];
  for (const { inboxId, installationId } of owners) {
    const sequenceId = after.membership.members.get(inboxId);
    if (sequenceId === undefined) return refuse("subject-does-not-exist", "XCV-15", { inboxId });
    // XGC-31: 0 says that nothing was verified yet. Nobody may choose it: it counts only where it stood before.
    if (sequenceId === 0n && before.membership.members.get(inboxId) === 0n) continue;
    const at = identity.installationsAt(inboxId, sequenceId);
    if (at.kind === "unknown") needs.push({ inboxId, sequenceId });
    else if (at.kind === "missing") {
      return refuse("missing-identity-update", "XID-31", { inboxId, sequenceId });
    } else if (!at.installations.has(installationId)) {
      return refuse("inbox-validation-failed", "XCV-15", { inboxId, installationId });
    }
  }
  return needs.length > 0 ? { kind: "wait", for: { kind: "identity", needs } } : undefined;
}
