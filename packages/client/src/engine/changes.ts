import type { Extension } from "@coterie/mls";
import { samePolicySet } from "@coterie/policy";
import { extensionType, sameExtension } from "./extensions.ts";
import type { GroupFacts } from "./extensions.ts";
import type { MutableMetadata } from "./state.ts";

interface FieldChange {
  readonly field: string;
  /** Undefined where the key was, or is, absent. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What a commit does to a group, as people would say it. */
export interface GroupChanges {
  readonly addedInboxes: readonly string[];
  readonly removedInboxes: readonly string[];
  readonly fields: readonly FieldChange[];
  readonly adminsAdded: readonly string[];
  readonly adminsRemoved: readonly string[];
  readonly superAdminsAdded: readonly string[];
  readonly superAdminsRemoved: readonly string[];
  readonly superAdminsAfter: number;
  readonly permissionsChanged: boolean;
}

export const minimumVersionKey = "minimum_supported_protocol_version";

function without(from: readonly string[], other: readonly string[]): string[] {
  const others = new Set(other);
  return [...new Set(from)].filter((item) => !others.has(item));
}

/** XCV-03: the changes of keys and lists from one mutable metadata to the next. */
function diffMetadata(
  before: MutableMetadata,
  after: MutableMetadata,
): Omit<GroupChanges, "addedInboxes" | "removedInboxes" | "permissionsChanged"> {
  const fields: FieldChange[] = [];
  for (const field of new Set([...before.attributes.keys(), ...after.attributes.keys()])) {
    const old = before.attributes.get(field);
    const now = after.attributes.get(field);
    if (old !== now) fields.push({ field, before: old, after: now });
  }
  return {
    fields,
    adminsAdded: without(after.admins, before.admins),
    adminsRemoved: without(before.admins, after.admins),
    superAdminsAdded: without(after.superAdmins, before.superAdmins),
    superAdminsRemoved: without(before.superAdmins, after.superAdmins),
    superAdminsAfter: new Set(after.superAdmins).size,
  };
}

/** XCV-03, XCV-04: everything that changes from one group context to the next. */
export function diffFacts(
  before: { readonly facts: GroupFacts; readonly extensions: readonly Extension[] },
  after: { readonly facts: GroupFacts; readonly extensions: readonly Extension[] },
): GroupChanges {
  const same = (type: number): boolean => sameExtension(before.extensions, after.extensions, type);
  const metadata = same(extensionType.mutableMetadata)
    ? diffMetadata(before.facts.metadata, before.facts.metadata)
    : diffMetadata(before.facts.metadata, after.facts.metadata);
  const old = before.facts.membership.members;
  const now = after.facts.membership.members;
  return {
    ...metadata,
    addedInboxes: [...now.keys()].filter((inboxId) => !old.has(inboxId)),
    removedInboxes: [...old.keys()].filter((inboxId) => !now.has(inboxId)),
    permissionsChanged:
      !same(extensionType.permissions) && !samePolicySet(before.facts.policy, after.facts.policy),
  };
}

/** Whether a transcript message is due (XCV-21). A set minimum version makes every commit produce one (upstream quirk). */
export function isNoteworthy(changes: GroupChanges, after: MutableMetadata): boolean {
  return (
    changes.addedInboxes.length > 0 ||
    changes.removedInboxes.length > 0 ||
    changes.fields.length > 0 ||
    changes.adminsAdded.length > 0 ||
    changes.adminsRemoved.length > 0 ||
    changes.superAdminsAdded.length > 0 ||
    changes.superAdminsRemoved.length > 0 ||
    after.attributes.has(minimumVersionKey)
  );
}
