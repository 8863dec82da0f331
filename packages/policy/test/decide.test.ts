import { expect, test } from "vitest";
import {
  METADATA_FIELDS,
  adminOnlyPolicy,
  changeOf,
  changePolicy,
  createRoster,
  decide,
  defaultPolicy,
  dmPolicy,
  judgeChange,
  noChange,
} from "@coterie/policy";
import type { Action, Change, OptionInput, PolicySet, Role, Roster } from "@coterie/policy";
import {
  abe,
  actorOf,
  ada,
  dm,
  group,
  inbox,
  max,
  mia,
  roles,
  rulesOf,
  sam,
  sue,
  zoe,
} from "./world.ts";

type Asked = Action extends infer A ? (A extends Action ? Omit<A, "actor"> : never) : never;

const ask = (policy: PolicySet, roster: Roster, action: Action): string[] =>
  rulesOf(decide({ policy, roster, action }));
const as = (actor: Action["actor"], asked: Asked): Action => ({ ...asked, actor }) as Action;

// The seed's options, the two that never reach the wire under the name they are stored by.
const options: readonly OptionInput[] = ["allow", "deny", "creator-only", "admin", "super-admin"];
const admitted: Readonly<Record<string, readonly Role[]>> = {
  allow: ["member", "admin", "super-admin"],
  deny: [],
  "creator-only": ["super-admin"],
  admin: ["admin", "super-admin"],
  "super-admin": ["super-admin"],
};

const permissions: readonly {
  readonly name: string;
  readonly asked: Asked;
  readonly set: (option: OptionInput) => PolicySet;
  readonly allowMeans: OptionInput;
}[] = [
  {
    name: "add member",
    asked: { kind: "add-members", subjects: [inbox("new")] },
    set: (option) => changePolicy(defaultPolicy, { permission: "add-member", option }),
    allowMeans: "allow",
  },
  {
    name: "remove member",
    asked: { kind: "remove-members", subjects: [max] },
    set: (option) => changePolicy(defaultPolicy, { permission: "remove-member", option }),
    allowMeans: "allow",
  },
  ...Object.values(METADATA_FIELDS).map((field) => ({
    name: `update metadata ${field}`,
    asked: { kind: "update-metadata" as const, field, value: "v" },
    set: (option: OptionInput) =>
      changePolicy(defaultPolicy, { permission: "update-metadata", field, option }),
    allowMeans: "allow" as const,
  })),
  {
    name: "add admin",
    asked: { kind: "add-admin", subject: max },
    set: (option) => changePolicy(defaultPolicy, { permission: "add-admin", option }),
    allowMeans: "super-admin",
  },
  {
    name: "remove admin",
    asked: { kind: "remove-admin", subject: abe },
    set: (option) => changePolicy(defaultPolicy, { permission: "remove-admin", option }),
    allowMeans: "super-admin",
  },
];

for (const { name, asked, set, allowMeans } of permissions) {
  for (const option of options) {
    for (const role of roles) {
      const expected = admitted[option === "allow" ? allowMeans : option]?.includes(role) ?? false;
      test(`XPM-01, XPM-02: ${name}, option ${option}: ${role} ${expected ? "may" : "may not"}`, () => {
        const denial = role === "non-member" ? "XCV-06" : "XPM-02";
        expect(ask(set(option), group, as(actorOf[role], asked))).toEqual(expected ? [] : [denial]);
      });
    }
  }
}

for (const stored of ["deny", "admin", "super-admin"] as const) {
  for (const role of roles) {
    test(`XPM-06: update permissions, stored ${stored}: ${role} ${role === "super-admin" ? "may" : "may not"}`, () => {
      const policy: PolicySet = { ...defaultPolicy, updatePermissions: stored };
      const action = as(actorOf[role], { kind: "update-permissions", next: adminOnlyPolicy });
      const denial = role === "non-member" ? ["XCV-06"] : ["XPM-06"];
      expect(ask(policy, group, action)).toEqual(role === "super-admin" ? [] : denial);
    });
  }
}

test("XPM-01: the creator has no privilege of their own", () => {
  const { members } = group;
  const demoted = createRoster({ members, superAdmins: [sam] });
  expect(ask(adminOnlyPolicy, demoted, as(sue, { kind: "add-members", subjects: [zoe] }))).toEqual([
    "XPM-02",
  ]);
});

test("XCV-06: being listed as an admin is nothing without membership", () => {
  const roster = createRoster({ members: [sue, mia], admins: [zoe], superAdmins: [sue, ada] });
  for (const actor of [zoe, ada]) {
    for (const asked of [
      { kind: "add-members", subjects: [max] },
      { kind: "update-metadata", field: "group_name", value: "" },
      { kind: "add-super-admin", subject: mia },
      { kind: "key-update" },
      { kind: "update-sequence-ids" },
      { kind: "readd-installations" },
    ] as const) {
      expect(ask(defaultPolicy, roster, as(actor, asked))).toEqual(["XCV-06"]);
    }
  }
});

test("XPM-04: keys without an entry are for admins, with _ for super admins", () => {
  const bare: PolicySet = { ...defaultPolicy, metadata: new Map() };
  const set = (role: Role, field: string): string[] =>
    ask(bare, group, as(actorOf[role], { kind: "update-metadata", field, value: "" }));
  for (const field of ["group_name", "mood", "", "constructor"]) {
    expect(set("member", field)).toEqual(["XPM-04"]);
    expect(set("admin", field)).toEqual([]);
    expect(set("super-admin", field)).toEqual([]);
  }
  for (const field of ["_commit_log_signer", "_", "__proto__"]) {
    expect(set("member", field)).toEqual(["XPM-04"]);
    expect(set("admin", field)).toEqual(["XPM-04"]);
    expect(set("super-admin", field)).toEqual([]);
  }
  // An entry of its own beats the prefix.
  const open: PolicySet = { ...bare, metadata: new Map([["_mood", "allow"]]) };
  expect(ask(open, group, as(mia, { kind: "update-metadata", field: "_mood", value: "" }))).toEqual(
    [],
  );
});

test("XPM-05: super admins alone change their list, whatever the policies say", () => {
  const open: PolicySet = { ...defaultPolicy, addAdmin: "admin", removeAdmin: "admin" };
  for (const asked of [
    { kind: "add-super-admin", subject: max },
    { kind: "remove-super-admin", subject: sam },
  ] as const) {
    expect(ask(open, group, as(mia, asked))).toEqual(["XPM-05"]);
    expect(ask(open, group, as(ada, asked))).toEqual(["XPM-05"]);
    expect(ask({ ...open, addAdmin: "deny" }, group, as(sue, asked))).toEqual([]);
  }
});

test("XPM-05: the last super admin stays one", () => {
  const roster = createRoster({ members: [sue, mia], superAdmins: [sue] });
  expect(ask(defaultPolicy, roster, as(sue, { kind: "remove-super-admin", subject: sue }))).toEqual(
    ["XPM-05"],
  );
  const change: Change = {
    ...noChange(group, sue),
    superAdminsRemoved: [sue, sam],
    superAdminsAfter: 0,
  };
  expect(rulesOf(judgeChange({ policy: defaultPolicy, roster: group, change }))).toEqual([
    "XPM-05",
  ]);
  // One comes as the other goes.
  expect(
    judgeChange({
      policy: defaultPolicy,
      roster,
      change: {
        ...change,
        superAdminsRemoved: [sue],
        superAdminsAdded: [mia],
        superAdminsAfter: 1,
      },
    }).kind,
  ).toBe("allowed");
  // An empty list that nobody emptied now is not this rule's business.
  const orphaned = createRoster({ members: [mia], superAdmins: [] });
  expect(ask(defaultPolicy, orphaned, as(mia, { kind: "key-update" }))).toEqual([]);
});

test("XPM-07: no one removes a super admin, and a commit that demotes at once does not either", () => {
  const open: PolicySet = { ...defaultPolicy, removeMember: "allow" };
  for (const actor of [mia, ada, sue]) {
    expect(ask(open, group, as(actor, { kind: "remove-members", subjects: [max, sam] }))).toEqual([
      "XPM-07",
    ]);
  }
  const change: Change = {
    ...noChange(group, sue),
    removedInboxes: [sam],
    superAdminsRemoved: [sam],
    superAdminsAfter: 1,
  };
  expect(rulesOf(judgeChange({ policy: open, roster: group, change }))).toEqual(["XPM-07"]);
});

test("XPM-08: the other inbox of a DM may be added in spite of deny, nobody else and never two", () => {
  const alone = createRoster({ members: [mia], dm: { one: mia, two: max } });
  const add = (roster: Roster, ...subjects: Action["actor"][]): string[] =>
    ask(dmPolicy, roster, as(mia, { kind: "add-members", subjects }));
  expect(add(alone, max)).toEqual([]);
  expect(add(alone, max, max)).toEqual([]);
  expect(add(alone, zoe)).toEqual(["XPM-02"]);
  expect(add(alone, max, zoe)).toEqual(["XPM-02"]);
  expect(add(createRoster({ members: [mia] }), max)).toEqual(["XPM-02"]);
  // The second of the pair, seen from the other side, and a third inside who adds the missing one.
  const other = createRoster({ members: [mia, zoe], dm: { one: max, two: zoe } });
  expect(add(other, max)).toEqual([]);
  const self: Change = { ...noChange(alone, mia), addedInboxes: [mia] };
  expect(rulesOf(judgeChange({ policy: dmPolicy, roster: alone, change: self }))).toEqual([
    "XPM-02",
  ]);
});

test("XPM-08: a DM whose policy allows more is judged by its policy", () => {
  const alone = createRoster({ members: [mia], dm: { one: mia, two: max } });
  const change: Change = { ...noChange(alone, mia), addedInboxes: [max, zoe] };
  const policy: PolicySet = { ...dmPolicy, addMember: "allow" };
  expect(judgeChange({ policy, roster: alone, change }).kind).toBe("allowed");
});

test("XPM-09: sequence ids and keys need membership and no policy", () => {
  const shut: PolicySet = { ...dmPolicy, metadata: new Map() };
  for (const kind of ["update-sequence-ids", "key-update"] as const) {
    for (const role of roles) {
      expect(ask(shut, group, { kind, actor: actorOf[role] })).toEqual(
        role === "non-member" ? ["XCV-06"] : [],
      );
    }
  }
});

test("XGC-45: super admins alone add installations again", () => {
  for (const role of roles) {
    const expected = { "non-member": ["XCV-06"], "super-admin": [] as string[] }[role as string];
    expect(
      ask(defaultPolicy, group, { kind: "readd-installations", actor: actorOf[role] }),
    ).toEqual(expected ?? ["XGC-45"]);
  }
});

test("XCV-03: an action counts the super admins after it", () => {
  const after = (action: Action): unknown =>
    changeOf(defaultPolicy, group, action)?.superAdminsAfter;
  expect(after({ kind: "add-super-admin", actor: sue, subject: max })).toBe(3);
  expect(after({ kind: "add-super-admin", actor: sue, subject: sam })).toBe(2);
  expect(after({ kind: "remove-super-admin", actor: sue, subject: sam })).toBe(1);
  expect(after({ kind: "remove-super-admin", actor: sue, subject: max })).toBe(2);
  expect(after({ kind: "key-update", actor: sue })).toBe(2);
});

test("XGC-57: what changes nothing needs no right", () => {
  const shut: PolicySet = { ...dmPolicy };
  const quiet: readonly Asked[] = [
    { kind: "add-members", subjects: [max, ada] },
    { kind: "add-members", subjects: [] },
    { kind: "remove-members", subjects: [zoe] },
    { kind: "add-admin", subject: ada },
    { kind: "remove-admin", subject: max },
    { kind: "add-super-admin", subject: sue },
    { kind: "remove-super-admin", subject: ada },
    { kind: "update-permissions", next: { ...dmPolicy, metadata: new Map(dmPolicy.metadata) } },
  ];
  for (const asked of quiet) expect(ask(shut, group, as(mia, asked))).toEqual([]);
});

test("XCV-15: nobody removes themselves", () => {
  const open: PolicySet = { ...defaultPolicy, removeMember: "allow" };
  expect(ask(open, group, as(mia, { kind: "remove-members", subjects: [mia] }))).toEqual([
    "XCV-15",
  ]);
  expect(ask(open, group, as(sue, { kind: "remove-members", subjects: [sue] }))).toEqual([
    "XPM-07",
    "XCV-15",
  ]);
});

test("OWN-01: only members are made admins or super admins", () => {
  for (const kind of ["add-admin", "add-super-admin"] as const) {
    expect(ask(defaultPolicy, group, { kind, actor: sue, subject: zoe })).toEqual(["OWN-01"]);
  }
  // Others may write it, and members accept it.
  const change: Change = { ...noChange(group, sue), adminsAdded: [zoe] };
  expect(judgeChange({ policy: defaultPolicy, roster: group, change }).kind).toBe("allowed");
});

test("XDM-06, XPM-14: a DM has no public fields, admins or permissions to change, and keeps its members", () => {
  const open: PolicySet = { ...dmPolicy, removeMember: "allow" };
  for (const field of ["group_name", "description", "group_image_url_square", "app_data"]) {
    expect(ask(open, dm, as(mia, { kind: "update-metadata", field, value: "" }))).toEqual([
      "XDM-06",
    ]);
  }
  for (const field of ["message_disappear_in_ns", "message_disappear_from_ns"]) {
    expect(ask(open, dm, as(mia, { kind: "update-metadata", field, value: "1" }))).toEqual([]);
  }
  expect(ask(open, dm, as(mia, { kind: "remove-members", subjects: [max] }))).toEqual(["XDM-06"]);
  expect(ask(open, dm, as(mia, { kind: "add-admin", subject: max }))).toEqual(["XPM-02", "XDM-06"]);
  expect(ask(open, dm, as(mia, { kind: "remove-admin", subject: max }))).toEqual(["XDM-06"]);
  expect(ask(open, dm, as(mia, { kind: "add-super-admin", subject: max }))).toEqual([
    "XPM-05",
    "XDM-06",
  ]);
  expect(ask(open, dm, as(mia, { kind: "update-permissions", next: defaultPolicy }))).toEqual([
    "XPM-06",
    "XPM-14",
  ]);
  // Local care only: a member who does it anyway is judged by the policies.
  const renamed: Change = { ...noChange(dm, mia), changedFields: ["group_name"] };
  expect(judgeChange({ policy: dmPolicy, roster: dm, change: renamed }).kind).toBe("allowed");
});

test("XLV-01: who may leave", () => {
  const leave = (roster: Roster, actor: Action["actor"]): string[] =>
    ask(dmPolicy, roster, { kind: "leave", actor });
  expect(leave(group, mia)).toEqual([]);
  expect(leave(group, ada)).toEqual([]);
  expect(leave(group, sue)).toEqual(["XLV-01"]);
  expect(leave(group, zoe)).toEqual(["XLV-01"]);
  expect(leave(dm, mia)).toEqual(["XLV-01"]);
  expect(leave(createRoster({ members: [mia] }), mia)).toEqual(["XLV-01"]);
  expect(leave(createRoster({ members: [sue], superAdmins: [sue] }), sue)).toEqual([
    "XLV-01",
    "XLV-01",
  ]);
});

test("OWN-02: an action that is not known is denied", () => {
  for (const kind of ["pin-message", "", "__proto__", undefined]) {
    const action = { kind, actor: sue } as unknown as Action;
    expect(ask(defaultPolicy, group, action)).toEqual(["OWN-02"]);
  }
});

test("every reason that speaks against is told, in a fixed order", () => {
  const change: Change = {
    actor: mia,
    addedInboxes: [zoe],
    removedInboxes: [sue, max],
    changedFields: ["group_name", "mood"],
    adminsAdded: [max],
    adminsRemoved: [ada],
    superAdminsAdded: [],
    superAdminsRemoved: [sue, sam],
    superAdminsAfter: 0,
    permissionsChanged: true,
  };
  const decision = judgeChange({ policy: adminOnlyPolicy, roster: group, change });
  expect(rulesOf(decision)).toEqual(
    "XPM-02 XPM-02 XPM-07 XPM-02 XPM-04 XPM-02 XPM-02 XPM-05 XPM-05 XPM-06".split(" "),
  );
  if (decision.kind !== "denied") return;
  expect(decision.reasons[2]).toMatchObject({ rule: "XPM-07", scope: "group", subject: sue });
  expect(decision.reasons[4]).toMatchObject({ rule: "XPM-04", field: "mood" });
});
