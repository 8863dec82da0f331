import fc from "fast-check";
import { expect, test } from "vitest";
import {
  apply,
  changeOf,
  createRoster,
  decide,
  judgeChange,
  parsePolicySet,
  roleOf,
  samePolicySet,
  whatMay,
} from "@coterie/policy";
import type { InboxId } from "@coterie/base";
import type { Action, Change, GroupRights } from "@coterie/policy";
import { brokenRules } from "./naive.ts";
import {
  action,
  change,
  groupRulesOf,
  inbox,
  person,
  policySet,
  roster,
  rulesOf,
} from "./world.ts";

const sorted = (rules: readonly string[]): string[] => [...new Set(rules)].sort();

test("XCV-16: the judge agrees with a second evaluator on random policies, rosters and changes", () => {
  fc.assert(
    fc.property(policySet, roster, change, (policy, roster, change) => {
      const verdict = judgeChange({ policy, roster, change });
      expect(sorted(rulesOf(verdict))).toEqual(brokenRules(policy, roster, change));
    }),
    { numRuns: 3000, seed: 10 },
  );
});

test("decide and the judge agree: the group reasons of an action are those against its change", () => {
  fc.assert(
    fc.property(policySet, roster, action, (policy, roster, action) => {
      if (action.kind === "leave") return;
      const decision = decide({ policy, roster, action });
      const change = changeOf(policy, roster, action) as Change;
      expect(sorted(groupRulesOf(decision))).toEqual(brokenRules(policy, roster, change));
      expect(groupRulesOf(decision)).toEqual(rulesOf(judgeChange({ policy, roster, change })));
    }),
    { numRuns: 3000, seed: 11 },
  );
});

test("verdicts do not depend on the order of members, admin lists or metadata keys", () => {
  const flip = (set: ReadonlySet<InboxId>): ReadonlySet<InboxId> => new Set([...set].reverse());
  fc.assert(
    fc.property(policySet, roster, action, (policy, roster, action) => {
      const turned = {
        ...roster,
        members: flip(roster.members),
        admins: flip(roster.admins),
        superAdmins: flip(roster.superAdmins),
      };
      const mapped = { ...policy, metadata: new Map([...policy.metadata].reverse()) };
      expect(samePolicySet(policy, mapped)).toBe(true);
      expect(decide({ policy: mapped, roster: turned, action })).toEqual(
        decide({ policy, roster, action }),
      );
    }),
    { numRuns: 500, seed: 12 },
  );
});

/** What the change does to the state, read back by comparing before and after, as a member derives it from a commit. */
function diff(before: GroupRights, after: GroupRights, actor: Action["actor"]): Change {
  const minus = (a: ReadonlySet<InboxId>, b: ReadonlySet<InboxId>): Action["actor"][] =>
    [...a].filter((id) => !b.has(id));
  const keys = new Set([...before.metadata.keys(), ...after.metadata.keys()]);
  return {
    actor,
    addedInboxes: minus(after.roster.members, before.roster.members),
    removedInboxes: minus(before.roster.members, after.roster.members),
    changedFields: [...keys].filter((key) => before.metadata.get(key) !== after.metadata.get(key)),
    adminsAdded: minus(after.roster.admins, before.roster.admins),
    adminsRemoved: minus(before.roster.admins, after.roster.admins),
    superAdminsAdded: minus(after.roster.superAdmins, before.roster.superAdmins),
    superAdminsRemoved: minus(before.roster.superAdmins, after.roster.superAdmins),
    superAdminsAfter: after.roster.superAdmins.size,
    permissionsChanged: !samePolicySet(before.policy, after.policy),
  };
}

const metadata = new Map([["group_name", "old"]]);

test("apply: what it does is accepted by every member, and it touches nothing on a denial", () => {
  fc.assert(
    fc.property(policySet, roster, action, (policy, roster, action) => {
      const before: GroupRights = { policy, roster, metadata };
      const frozen = structuredClone(before);
      const applied = apply(before, action);
      expect(before).toEqual(frozen);
      if (applied.kind === "denied") {
        expect(applied).toEqual(decide({ policy, roster, action }));
        return;
      }
      const change = diff(before, applied.state, action.actor);
      expect(judgeChange({ policy, roster, change })).toEqual({ kind: "allowed" });
    }),
    { numRuns: 3000, seed: 13 },
  );
});

test("apply: over any history the super admins stay, stay members, and outsiders gain no role", () => {
  const start = fc.record({
    policy: policySet,
    roster: fc.constant(
      createRoster({
        members: ["a", "b", "c"].map(inbox),
        admins: [inbox("b")],
        superAdmins: [inbox("a")],
      }),
    ),
    metadata: fc.constant(metadata),
  });
  fc.assert(
    fc.property(start, fc.array(action, { maxLength: 30 }), (start, actions) => {
      let state: GroupRights = start;
      for (const action of actions) {
        const applied = apply(state, action);
        if (applied.kind === "denied") continue;
        const { roster } = applied.state;
        // XPM-05, and with OWN-01, XPM-07 and XLV-01 they remain inside.
        expect(roster.superAdmins.size).toBeGreaterThan(0);
        for (const id of roster.superAdmins) expect(roster.members.has(id)).toBe(true);
        for (const id of roster.admins) {
          if (!state.roster.admins.has(id)) expect(roster.members.has(id)).toBe(true);
        }
        // The actor is still there.
        expect(roster.members.has(action.actor)).toBe(true);
        expect(() => parsePolicySet(applied.state.policy)).not.toThrow();
        // Once more changes nothing.
        const again = apply(applied.state, action);
        if (again.kind === "applied") expect(again.state).toEqual(applied.state);
        state = applied.state;
      }
    }),
    { numRuns: 400, seed: 14 },
  );
});

test("roles are ordered: super admins may do what admins may, admins what members may; leaving apart", () => {
  const [low, high] = [inbox("low"), inbox("high")];
  const ranks = ["member", "admin", "super-admin"] as const;
  fc.assert(
    fc.property(policySet, roster, action, fc.constantFrom(0, 1), (policy, base, action, rank) => {
      if (action.kind === "leave") return;
      const may = (actor: Action["actor"], role: (typeof ranks)[number] | undefined): boolean => {
        const asked = createRoster({
          members: [...base.members, actor],
          admins: role === "admin" ? [...base.admins, actor] : base.admins,
          superAdmins: role === "super-admin" ? [...base.superAdmins, actor] : base.superAdmins,
          dm: base.dm,
        });
        return decide({ policy, roster: asked, action: { ...action, actor } }).kind === "allowed";
      };
      if (may(low, ranks[rank])) expect(may(high, ranks[rank + 1])).toBe(true);
    }),
    { numRuns: 2000, seed: 15 },
  );
});

test("whatMay says what decide says, for everybody and every permission", () => {
  fc.assert(
    fc.property(policySet, roster, person, (policy, roster, who) => {
      const { role, rows } = whatMay(policy, roster, who);
      expect(role).toBe(roleOf(roster, who));
      if (role === "non-member") {
        for (const row of rows) expect(row.decision.kind).toBe("denied");
      }
      const row = (kind: Action["kind"], field?: string): string | undefined =>
        rows.find((row) => row.action === kind && row.field === field)?.decision.kind;
      for (const field of policy.metadata.keys()) {
        const asked = decide({
          policy,
          roster,
          action: { kind: "update-metadata", actor: who, field, value: "" },
        });
        expect(row("update-metadata", field)).toBe(asked.kind);
      }
      for (const subject of roster.members) {
        if (roleOf(roster, subject) !== "member" || subject === who || roster.dm) continue;
        for (const kind of ["add-admin", "add-super-admin"] as const) {
          // Former admins who were added back are listed already.
          if (roster.admins.has(subject) || roster.superAdmins.has(subject)) continue;
          const asked = decide({ policy, roster, action: { kind, actor: who, subject } });
          expect(row(kind)).toBe(asked.kind);
        }
        const asked = decide({
          policy,
          roster,
          action: { kind: "remove-members", actor: who, subjects: [subject] },
        });
        expect(row("remove-members")).toBe(asked.kind);
      }
      expect(row("leave")).toBe(
        decide({ policy, roster, action: { kind: "leave", actor: who } }).kind,
      );
    }),
    { numRuns: 800, seed: 16 },
  );
});
