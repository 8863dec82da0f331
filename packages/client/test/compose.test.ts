import { fromHex } from "@coterie/base";
import { defaultPolicy } from "@coterie/policy";
import type { LeafNode, Member } from "@coterie/mls";
import { expect, test } from "vitest";
import { membershipProposals, planMembership, updatedPolicy } from "../src/engine/compose.ts";
import type { MembershipInput, MembershipPlan } from "../src/engine/compose.ts";
import { decodeMembership, encodeMembership } from "../src/engine/extensions.ts";
import type { GroupFacts } from "../src/engine/extensions.ts";
import type { IdentityView } from "../src/engine/membership.ts";
import { PermissionPolicy, PermissionUpdateType } from "../src/enums.ts";

const id = (n: number): string => n.toString(16).padStart(2, "0").repeat(32);
const [ownPhone, ownLaptop, friend, failed] = [id(1), id(2), id(3), id(4)] as [
  string,
  string,
  string,
  string,
];

function member(leafIndex: number, installation: string): Member {
  return { leafIndex, leaf: { signatureKey: fromHex(installation) } as unknown as LeafNode };
}

const states: Record<string, string[]> = {
  "me@1": [ownPhone],
  "me@2": [ownPhone, ownLaptop],
  "you@5": [friend],
  "you@7": [friend, failed],
};
const identity: IdentityView = {
  installationsAt: (inboxId, sequenceId) => {
    const known = states[`${inboxId}@${sequenceId}`];
    return known ? { kind: "known", installations: new Set(known) } : { kind: "missing" };
  },
};

function plan(
  more: Partial<MembershipInput> & { members?: readonly Member[] },
  members = new Map([["me", 0n]]),
  failedInstallations = new Set<string>(),
) {
  const facts = { membership: { members, failedInstallations } } as unknown as GroupFacts;
  return planMembership({
    facts,
    members: [member(0, ownPhone)],
    ownInstallationId: ownPhone,
    wish: { add: [], remove: [] },
    newest: new Map([
      ["me", 2n],
      ["you", 7n],
    ]),
    identity,
    ...more,
  });
}

test("XGC-31, XGC-52: the first commit adds the creator's other installations, but not its own", () => {
  const planned = plan({ wish: { add: ["you"], remove: [] } });
  expect(planned).toMatchObject({
    kind: "plan",
    plan: {
      next: {
        members: new Map([
          ["me", 2n],
          ["you", 7n],
        ]),
      },
      toAdd: new Map([
        [ownLaptop, "me"],
        [friend, "you"],
        [failed, "you"],
      ]),
      toRemove: [],
      addsInboxes: true,
    },
  });
});

test("XGC-50: an inbox without any update cannot be added", () => {
  expect(() => plan({ wish: { add: ["nobody"], remove: [] } })).toThrow(
    expect.objectContaining({ code: "client/missing-sequence-id" }),
  );
});

test("XGC-54, XGC-57: nothing to add, remove or update is no commit", () => {
  const newest = new Map([
    ["me", 2n],
    ["you", 7n],
  ]);
  const present = new Map(newest);
  expect(plan({ newest }, present)).toEqual({ kind: "nothing" });
  expect(plan({ newest, wish: { add: ["you"], remove: ["nobody"] } }, present)).toEqual({
    kind: "nothing",
  });
});

test("XGC-54: a commit that would take our own leaf out is not made", () => {
  const members = [member(0, ownPhone), member(1, friend)];
  expect(
    plan(
      { members, wish: { add: [], remove: ["me"] } },
      new Map([
        ["me", 2n],
        ["you", 7n],
      ]),
    ),
  ).toEqual({ kind: "nothing" });
});

test("XGC-51, XCV-14: a failed installation stays listed when its inbox goes, as it explains what is not removed", () => {
  const members = [member(0, ownPhone), member(1, ownLaptop), member(2, friend)];
  const planned = plan(
    { members, wish: { add: [], remove: ["you"] } },
    new Map([
      ["me", 2n],
      ["you", 7n],
    ]),
    new Set([failed]),
  );
  expect(planned).toMatchObject({
    kind: "plan",
    plan: { toRemove: [friend], next: { failedInstallations: new Set([failed]) } },
  });
});

function proposalsOf(more: Partial<MembershipPlan>) {
  const membership = { members: new Map([["me", 2n]]), failedInstallations: new Set<string>() };
  return membershipProposals(
    [encodeMembership(membership)],
    [member(0, ownPhone), member(4, friend)],
    {
      next: membership,
      toAdd: new Map(),
      toRemove: [],
      addsInboxes: false,
      ...more,
    },
    [],
  );
}

test("XGC-40, XGC-53: removals by leaf, one GCE, and installations without a key package as failed", () => {
  const { proposals } = proposalsOf({ toRemove: [friend], toAdd: new Map([[failed, "you"]]) });
  expect(proposals.map(({ kind }) => kind)).toEqual(["remove", "group-context-extensions"]);
  expect(proposals[0]).toMatchObject({ removed: 4 });
  const gce = proposals[1];
  if (gce?.kind !== "group-context-extensions") throw new Error("kind");
  expect(decodeMembership(gce.extensions[0]?.data).failedInstallations).toEqual(new Set([failed]));
});

test("XGC-53: adding an inbox of which no installation can be added is refused", () => {
  expect(() => proposalsOf({ addsInboxes: true, toAdd: new Map([[failed, "you"]]) })).toThrow(
    expect.objectContaining({ code: "client/failed-to-verify-installations" }),
  );
});

test("XPM-13, XPM-14: one policy is replaced; Allow for admins becomes super admins", () => {
  const { AddMember, AddAdmin, UpdateMetadata } = PermissionUpdateType;
  expect(updatedPolicy(defaultPolicy, AddMember, PermissionPolicy.Deny).addMember).toBe("deny");
  expect(updatedPolicy(defaultPolicy, AddAdmin, PermissionPolicy.Allow).addAdmin).toBe(
    "super-admin",
  );
  expect(
    updatedPolicy(defaultPolicy, UpdateMetadata, PermissionPolicy.Admin, "group_name").metadata.get(
      "group_name",
    ),
  ).toBe("admin");
  for (const bad of [4, 5, -1, 1.5]) {
    expect(() => updatedPolicy(defaultPolicy, AddMember, bad)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(client|policy)\//) }),
    );
  }
});
