import fc from "fast-check";
import type { InboxId } from "@coterie/base";
import { createRoster } from "@coterie/policy";
import type {
  Action,
  AdminPolicy,
  Change,
  Condition,
  Decision,
  MemberBase,
  MemberPolicy,
  PolicySet,
  Role,
  Roster,
  RuleId,
} from "@coterie/policy";

/** Inbox ids that are short to write: "a" becomes 64 hex digits ending in its character code. */
export function inbox(name: string): InboxId {
  const hex = [...name].map((c) => c.charCodeAt(0).toString(16)).join("");
  return hex.padStart(64, "0") as InboxId;
}

export const sue = inbox("sue");
export const sam = inbox("sam");
export const ada = inbox("ada");
export const abe = inbox("abe");
export const mia = inbox("mia");
export const max = inbox("max");
export const zoe = inbox("zoe");

export const roles: readonly Role[] = ["non-member", "member", "admin", "super-admin"];
export const actorOf: Readonly<Record<Role, InboxId>> = {
  "non-member": zoe,
  member: mia,
  admin: ada,
  "super-admin": sue,
};

/** Two of each role; zoe is outside. */
export const group: Roster = createRoster({
  members: [sue, sam, ada, abe, mia, max],
  admins: [ada, abe],
  superAdmins: [sue, sam],
});

export const dm: Roster = createRoster({ members: [mia, max], dm: { one: mia, two: max } });

export function rulesOf(decision: Decision): RuleId[] {
  return decision.kind === "allowed" ? [] : decision.reasons.map((reason) => reason.rule);
}

export function groupRulesOf(decision: Decision): RuleId[] {
  if (decision.kind === "allowed") return [];
  return decision.reasons.filter(({ scope }) => scope === "group").map(({ rule }) => rule);
}

function condition<Base extends MemberBase>(bases: readonly Base[]): fc.Arbitrary<Condition<Base>> {
  const base = fc.constantFrom(...bases);
  return fc.letrec<{ node: Condition<Base> }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, depthIdentifier: "condition" },
      { arbitrary: base, weight: 3 },
      {
        arbitrary: fc.record({
          kind: fc.constantFrom("and" as const, "any" as const),
          of: fc.array(tie("node"), { minLength: 1, maxLength: 4 }),
        }),
        weight: 2,
      },
    ),
  })).node;
}

export const memberPolicy: fc.Arbitrary<MemberPolicy> = condition([
  "allow",
  "deny",
  "admin",
  "super-admin",
]);
const adminPolicy: fc.Arbitrary<AdminPolicy> = condition(["deny", "admin", "super-admin"]);

const field: fc.Arbitrary<string> = fc.constantFrom(
  "group_name",
  "description",
  "group_image_url_square",
  "app_data",
  "message_disappear_in_ns",
  "message_disappear_from_ns",
  "minimum_supported_protocol_version",
  "_commit_log_signer",
  "mood",
  "_secret",
  "__proto__",
  "constructor",
  "",
);

export const policySet: fc.Arbitrary<PolicySet> = fc.record({
  addMember: memberPolicy,
  removeMember: memberPolicy,
  metadata: fc.array(fc.tuple(field, memberPolicy), { maxLength: 6 }).map((list) => new Map(list)),
  addAdmin: adminPolicy,
  removeAdmin: adminPolicy,
  updatePermissions: adminPolicy,
});

const people = ["a", "b", "c", "d", "e", "f"].map(inbox);
export const person: fc.Arbitrary<InboxId> = fc.constantFrom(...people);
const some: fc.Arbitrary<InboxId[]> = fc.subarray(people);

/** Any roster, those with listed admins who are not members included. */
export const roster: fc.Arbitrary<Roster> = fc
  .record({
    members: some,
    admins: some,
    superAdmins: some,
    dm: fc.option(fc.record({ one: person, two: person }), { nil: undefined, freq: 3 }),
  })
  .map(createRoster);

export const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("add-members" as const, "remove-members" as const),
    actor: person,
    subjects: fc.array(person, { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant("update-metadata" as const),
    actor: person,
    field,
    value: fc.constantFrom("", "x"),
  }),
  fc.record({
    kind: fc.constantFrom(
      "add-admin" as const,
      "remove-admin" as const,
      "add-super-admin" as const,
      "remove-super-admin" as const,
    ),
    actor: person,
    subject: person,
  }),
  fc.record({ kind: fc.constant("update-permissions" as const), actor: person, next: policySet }),
  fc.record({
    kind: fc.constantFrom(
      "readd-installations" as const,
      "update-sequence-ids" as const,
      "key-update" as const,
      "leave" as const,
    ),
    actor: person,
  }),
);

export const change: fc.Arbitrary<Change> = fc.record({
  actor: person,
  addedInboxes: some,
  removedInboxes: some,
  changedFields: fc.uniqueArray(field, { maxLength: 3 }),
  adminsAdded: some,
  adminsRemoved: some,
  superAdminsAdded: some,
  superAdminsRemoved: some,
  superAdminsAfter: fc.nat(3),
  permissionsChanged: fc.boolean(),
});
