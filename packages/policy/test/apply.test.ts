import { expect, test } from "vitest";
import {
  adminOnlyPolicy,
  apply,
  createRoster,
  decide,
  defaultPolicy,
  dmPolicy,
  explain,
  whatMay,
} from "@coterie/policy";
import type { Action, GroupRights } from "@coterie/policy";
import { ada, dm, group, max, mia, sue, zoe } from "./world.ts";

const start: GroupRights = { policy: defaultPolicy, roster: group, metadata: new Map() };

function done(state: GroupRights, action: Action): GroupRights {
  const applied = apply(state, action);
  if (applied.kind === "denied") throw new Error(explain(applied).summary);
  return applied.state;
}

test("a removed admin stays on the list and is admin again when added back", () => {
  const gone = done(start, { kind: "remove-members", actor: sue, subjects: [ada] });
  expect(gone.roster.members.has(ada)).toBe(false);
  expect(gone.roster.admins.has(ada)).toBe(true);
  const asked: Action = { kind: "remove-members", actor: ada, subjects: [max] };
  expect(apply(gone, asked).kind).toBe("denied");
  const back = done(gone, { kind: "add-members", actor: mia, subjects: [ada] });
  expect(apply(back, asked).kind).toBe("applied");
});

test("each action moves its own part of the state", () => {
  expect(
    done(start, { kind: "add-members", actor: mia, subjects: [zoe, max] }).roster.members,
  ).toEqual(new Set([...group.members, zoe]));
  expect(done(start, { kind: "add-admin", actor: sue, subject: mia }).roster.admins.has(mia)).toBe(
    true,
  );
  expect(
    done(start, { kind: "remove-admin", actor: sue, subject: ada }).roster.admins.has(ada),
  ).toBe(false);
  const two = done(start, { kind: "add-super-admin", actor: sue, subject: ada });
  // Both lists may name one inbox; the higher role counts.
  expect(two.roster.admins.has(ada) && two.roster.superAdmins.has(ada)).toBe(true);
  const demoted = done(two, { kind: "remove-super-admin", actor: ada, subject: sue });
  expect(demoted.roster.superAdmins.has(sue)).toBe(false);
  const named = done(start, {
    kind: "update-metadata",
    actor: mia,
    field: "group_name",
    value: "x",
  });
  expect(named.metadata.get("group_name")).toBe("x");
  expect(start.metadata.size).toBe(0);
  const closed = done(start, { kind: "update-permissions", actor: sue, next: adminOnlyPolicy });
  expect(closed.policy).toBe(adminOnlyPolicy);
  for (const kind of ["leave", "key-update", "update-sequence-ids"] as const) {
    expect(done(start, { kind, actor: mia })).toBe(start);
  }
});

test("explain gives a sentence, and a line with rule and title per reason", () => {
  const denied = decide({
    policy: adminOnlyPolicy,
    roster: group,
    action: { kind: "remove-members", actor: mia, subjects: [sue] },
  });
  const { summary, lines } = explain(denied);
  expect(lines.map((line) => line.rule)).toEqual(["XPM-02", "XPM-07"]);
  for (const line of lines) {
    expect(summary).toContain(line.text);
    expect(line.title.length).toBeGreaterThan(0);
  }
  expect(explain({ kind: "allowed" }).lines).toEqual([]);
});

test("whatMay shows each permission once, with the rule that denies it", () => {
  const denials = (who: typeof sue, policy = defaultPolicy, roster = group): string[] =>
    whatMay(policy, roster, who).rows.flatMap(({ action, field, decision }) =>
      decision.kind === "denied" ? [`${field ?? action}: ${decision.reasons[0].rule}`] : [],
    );
  expect(denials(sue)).toEqual(["leave: XLV-01"]);
  expect(denials(ada)).toEqual([
    "minimum_supported_protocol_version: XPM-02",
    "add-admin: XPM-02",
    "remove-admin: XPM-02",
    "add-super-admin: XPM-05",
    "remove-super-admin: XPM-05",
    "update-permissions: XPM-06",
    "readd-installations: XGC-45",
  ]);
  expect(denials(mia).slice(0, 3)).toEqual([
    "remove-members: XPM-02",
    "message_disappear_from_ns: XPM-02",
    "message_disappear_in_ns: XPM-02",
  ]);
  for (const addMember of ["deny", "allow"] as const) {
    expect(denials(mia, { ...defaultPolicy, addMember })).toContain("update-permissions: XPM-06");
  }
  const rows = whatMay(defaultPolicy, group, sue).rows.map((row) => `${row.action} ${row.field}`);
  expect(new Set(rows).size).toBe(rows.length);
});

test("XPM-08: whatMay asks about the missing peer of a DM", () => {
  const may = (roster: typeof dm): string | undefined =>
    whatMay(dmPolicy, roster, mia).rows.find((row) => row.action === "add-members")?.decision.kind;
  expect(may(createRoster({ members: [mia], dm: { one: mia, two: max } }))).toBe("allowed");
  expect(may(createRoster({ members: [mia], dm: { one: max, two: mia } }))).toBe("allowed");
  expect(may(dm)).toBe("denied");
});
