/** The membership extension 0xff01: inboxes with the sequence id up to which their log counts, and whom nobody could add. */
export interface Membership {
  readonly members: ReadonlyMap<string, bigint>;
  /** Installation ids in hex. */
  readonly failedInstallations: ReadonlySet<string>;
}

/** One point of an inbox log. */
export interface IdentityPoint {
  readonly inboxId: string;
  readonly sequenceId: bigint;
}

/** What is known now of the installations of an inbox at exactly one sequence id (XID-31). */
type InstallationsAt =
  | { readonly kind: "known"; readonly installations: ReadonlySet<string> }
  /** The log was not loaded that far. */
  | { readonly kind: "unknown" }
  /** The log was loaded and has no update with this id; `before` is the state of the last one ahead of it. */
  | {
      readonly kind: "missing";
      /** The log ends before this id: an update may still come under it. */
      readonly late?: boolean | undefined;
      readonly before?:
        | { readonly sequenceId: bigint; readonly installations: ReadonlySet<string> }
        | undefined;
    };

/** Verified identity logs as far as they are in memory. */
export interface IdentityView {
  installationsAt(inboxId: string, sequenceId: bigint): InstallationsAt;
}

/** Whether the log was read and ends before this point. */
export function isLate(identity: IdentityView, { inboxId, sequenceId }: IdentityPoint): boolean {
  const at = identity.installationsAt(inboxId, sequenceId);
  return at.kind === "missing" && at.late === true;
}

export interface MembershipDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** In both, with a higher sequence id than before. */
  readonly updated: readonly string[];
  /** In both, with a lower one (XCV-10). */
  readonly decreased: readonly string[];
}

/** XID-32 for inboxes: what changed from one membership to the next. */
export function diffMembership(before: Membership, after: Membership): MembershipDiff {
  const added: string[] = [];
  const updated: string[] = [];
  const decreased: string[] = [];
  for (const [inboxId, sequenceId] of after.members) {
    const old = before.members.get(inboxId);
    if (old === undefined) added.push(inboxId);
    else if (sequenceId > old) updated.push(inboxId);
    else if (sequenceId < old) decreased.push(inboxId);
  }
  const removed = [...before.members.keys()].filter((inboxId) => !after.members.has(inboxId));
  return { added, removed, updated, decreased };
}

export type InstallationDiff =
  | {
      readonly kind: "diff";
      /** Installation to the inbox it belongs to. */
      readonly added: ReadonlyMap<string, string>;
      readonly removed: ReadonlyMap<string, string>;
    }
  | { readonly kind: "wait"; readonly needs: readonly IdentityPoint[] }
  | { readonly kind: "missing"; readonly point: IdentityPoint };

const none: ReadonlySet<string> = new Set();

/**
 * Whether an inbox that moves from one id to another has no update in between, although the newer id is none of the log's. Released
 * members take that for no change, so a member that refused it would be forked off; nobody honest writes it.
 */
function nothingBetween(
  identity: IdentityView,
  inboxId: string,
  from: bigint,
  to: bigint,
): boolean {
  if (from === 0n) return false;
  const at = identity.installationsAt(inboxId, to);
  return at.kind === "missing" && at.before !== undefined && at.before.sequenceId <= from;
}

/**
 * XGC-52, XCV-11: the installations that a change of membership adds and removes. Added and updated inboxes by the difference of
 * their states, where an old id of 0 stands for nothing (XGC-31); removed inboxes with all installations of their old id.
 */
export function diffInstallations(
  before: Membership,
  after: Membership,
  identity: IdentityView,
): InstallationDiff {
  const diff = diffMembership(before, after);
  const needs: IdentityPoint[] = [];
  let missing: IdentityPoint | undefined;
  const at = (inboxId: string, sequenceId: bigint): ReadonlySet<string> => {
    const answer = identity.installationsAt(inboxId, sequenceId);
    if (answer.kind === "known") return answer.installations;
    if (answer.kind === "unknown") needs.push({ inboxId, sequenceId });
    else missing ??= { inboxId, sequenceId };
    return none;
  };
  const added = new Map<string, string>();
  const removed = new Map<string, string>();
  for (const inboxId of [...diff.added, ...diff.updated]) {
    const oldId = before.members.get(inboxId) ?? 0n;
    const newId = after.members.get(inboxId) as bigint;
    const old = oldId === 0n ? none : at(inboxId, oldId);
    if (nothingBetween(identity, inboxId, oldId, newId)) continue;
    const now = at(inboxId, newId);
    for (const installation of now) if (!old.has(installation)) added.set(installation, inboxId);
    for (const installation of old) if (!now.has(installation)) removed.set(installation, inboxId);
  }
  for (const inboxId of diff.removed) {
    const old = at(inboxId, before.members.get(inboxId) as bigint);
    for (const installation of old) removed.set(installation, inboxId);
  }
  if (missing) return { kind: "missing", point: missing };
  if (needs.length > 0) return { kind: "wait", needs };
  return { kind: "diff", added, removed };
}

export interface InstallationCheck {
  readonly expectedAdded: ReadonlyMap<string, string>;
  readonly expectedRemoved: ReadonlyMap<string, string>;
  /** Signature keys of Add leaves and of removed leaves, in hex. */
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
  readonly newFailed: ReadonlySet<string>;
  readonly committerIsSuperAdmin: boolean;
  /** Installations in the tree before the commit. */
  readonly inTree: (installation: string) => boolean;
}

export type InstallationVerdict =
  | { readonly kind: "accept" }
  | { readonly kind: "refuse"; readonly rule: "XCV-13" | "XCV-14"; readonly installation: string };

/** XCV-12 to XCV-14: whether the leaves that a commit adds and removes are those that the identity logs ask for. */
export function checkInstallations(check: InstallationCheck): InstallationVerdict {
  const added = new Set(check.added);
  const removed = new Set(check.removed);
  const failed = new Set(check.newFailed);
  if (check.committerIsSuperAdmin) {
    // XCV-12: re-added installations, and removed ones that could not be added again.
    for (const installation of check.added) {
      if (!removed.has(installation)) continue;
      added.delete(installation);
      removed.delete(installation);
    }
    for (const installation of removed) {
      if (failed.delete(installation)) removed.delete(installation);
    }
  }
  for (const installation of added) {
    if (check.expectedAdded.has(installation) || check.inTree(installation)) continue;
    return { kind: "refuse", rule: "XCV-13", installation };
  }
  const expectedRemoved = new Set(
    [...check.expectedRemoved.keys()].filter((installation) => !failed.has(installation)),
  );
  for (const installation of removed) {
    if (!expectedRemoved.has(installation)) {
      return { kind: "refuse", rule: "XCV-14", installation };
    }
  }
  for (const installation of expectedRemoved) {
    if (!removed.has(installation)) return { kind: "refuse", rule: "XCV-14", installation };
  }
  return { kind: "accept" };
}
