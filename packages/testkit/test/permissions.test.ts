import {
  GroupPermissionsOptions,
  MetadataField,
  PermissionPolicy,
  PermissionUpdateType,
} from "@coterie/client";
import type { AskedAction, Group, PermissionChoices } from "@coterie/client";
import { expect, test } from "vitest";
import { fromHex } from "@coterie/base";
import { GroupMessage, GroupMutableMetadataV1 } from "@coterie/wire";
import {
  createWorld,
  crew,
  follow,
  groupOf,
  settle,
  standings,
  unsafeForgerOf,
} from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

const { Allow, Deny, Admin, SuperAdmin, DoesNotExist } = PermissionPolicy;
const all = (policy: PermissionChoices["addMemberPolicy"]): PermissionChoices => ({
  addMemberPolicy: policy,
  removeMemberPolicy: policy,
  addAdminPolicy: policy,
  removeAdminPolicy: policy,
  updateGroupNamePolicy: policy,
  updateGroupDescriptionPolicy: policy,
  updateGroupImageUrlSquarePolicy: policy,
  updateMessageDisappearingPolicy: policy,
  updateAppDataPolicy: policy,
});

test("XPM-11: presets and custom sets read back as they were asked for, at every member", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const { Default, AdminOnly, CustomPolicy } = GroupPermissionsOptions;
  const made = [
    [{}, Default, { ...all(SuperAdmin), ...open(Allow), removeMemberPolicy: Admin }],
    [
      { permissions: AdminOnly },
      AdminOnly,
      { ...all(SuperAdmin), ...open(Admin), removeMemberPolicy: Admin },
    ],
    [
      { permissions: CustomPolicy, customPermissionPolicySet: all(Admin) },
      CustomPolicy,
      all(Admin),
    ],
    [{ permissions: CustomPolicy, customPermissionPolicySet: all(Deny) }, CustomPolicy, all(Deny)],
    // §13: by its older name.
    [{ permissions: "creator-only" }, CustomPolicy, all(SuperAdmin)],
    [
      { permissions: CustomPolicy, customPermissionPolicySet: all("creator-only") },
      CustomPolicy,
      all(SuperAdmin),
    ],
  ] as const;
  function open(policy: PermissionPolicy) {
    return {
      addMemberPolicy: policy,
      updateGroupNamePolicy: policy,
      updateGroupDescriptionPolicy: policy,
      updateGroupImageUrlSquarePolicy: policy,
      updateAppDataPolicy: policy,
      updateMessageDisappearingPolicy: Admin,
    };
  }
  for (const [options, policyType, policySet] of made) {
    // Where nobody may add anybody, the creator may not either.
    const denied = policySet.addMemberPolicy === Deny;
    const group = await ada.client.conversations.createGroup(
      denied ? [] : [bo.client.inboxId],
      options,
    );
    const others = denied ? [] : [await follow(bo, group.id)];
    for (const own of [group, ...others])
      expect(own.permissions()).toEqual({ policyType, policySet });
  }
  await world.close();
});

test("XPM-13: Allow for admins, unspecified and unknown options are refused at creation", async () => {
  const world = createWorld();
  const { conversations } = (await world.join("ada")).client;
  const { CustomPolicy, Default } = GroupPermissionsOptions;
  const refused: readonly (readonly [string, object])[] = [
    [
      "policy/allow-refused",
      { customPermissionPolicySet: { ...all(Admin), addAdminPolicy: Allow } },
    ],
    [
      "policy/allow-refused",
      { customPermissionPolicySet: { ...all(Admin), removeAdminPolicy: Allow } },
    ],
    ["policy/unknown-value", { customPermissionPolicySet: all(DoesNotExist) }],
    ["policy/unspecified", { customPermissionPolicySet: all("unspecified" as never) }],
    ["policy/missing", { customPermissionPolicySet: {} }],
    ["client/bad-argument", { customPermissionPolicySet: undefined }],
    ["client/bad-argument", { permissions: Default, customPermissionPolicySet: all(Admin) }],
    ["client/bad-argument", { permissions: 7 }],
  ];
  for (const [code, options] of refused) {
    await expect(
      conversations.createGroup([], { permissions: CustomPolicy, ...options } as never),
    ).rejects.toMatchObject({ code });
  }
  expect(await conversations.listGroups()).toEqual([]);
  await world.close();
});

test("XPM-14: policies are replaced one by one; Update Metadata alone sets the four public fields", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const his = await groupOf(actors[1] as Actor, group.id);
  await group.updatePermission(PermissionUpdateType.UpdateMetadata, "admin");
  await group.updatePermission(PermissionUpdateType.AddMember, "creator-only");
  await group.updatePermission(PermissionUpdateType.AddAdmin, Allow);
  await group.updatePermission(
    PermissionUpdateType.UpdateMetadata,
    Deny,
    MetadataField.MessageExpirationInNs,
  );
  await his.sync();
  for (const own of [group, his]) {
    expect(own.permissions().policySet).toEqual({
      addMemberPolicy: SuperAdmin,
      removeMemberPolicy: Admin,
      // XPM-13: the wire has no Allow here.
      addAdminPolicy: SuperAdmin,
      removeAdminPolicy: SuperAdmin,
      updateGroupNamePolicy: Admin,
      updateGroupDescriptionPolicy: Admin,
      updateGroupImageUrlSquarePolicy: Admin,
      updateAppDataPolicy: Admin,
      updateMessageDisappearingPolicy: Deny,
    });
  }
  for (const option of [DoesNotExist, "unspecified"]) {
    await expect(
      group.updatePermission(PermissionUpdateType.AddMember, option as never),
    ).rejects.toMatchObject({ disposition: "fix-caller" });
  }
  const dm = await (actors[0] as Actor).client.conversations.createDm(
    (actors[1] as Actor).client.inboxId,
  );
  expect("updatePermission" in dm).toBe(false);
  expect((await standings(actors, group.id)).size).toBe(1);
  await world.close();
});

test("explain gives the reason and the rule for every action, as the refusal does", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"], {
    permissions: GroupPermissionsOptions.AdminOnly,
  });
  const [ada, bo, cy] = actors as [Actor, Actor, Actor];
  const dee = await world.join("dee");
  const his = await groupOf(bo, group.id);
  const text = await his.sendText("pin me");
  const subject = cy.client.inboxId;
  const asked: readonly (readonly [string, AskedAction, (own: Group) => Promise<unknown>])[] = [
    [
      "XPM-02",
      { kind: "add-members", subjects: [dee.client.inboxId] },
      (own) => own.addMembers([dee.client.inboxId]),
    ],
    [
      "XPM-02",
      { kind: "remove-members", subjects: [subject] },
      (own) => own.removeMembers([subject]),
    ],
    [
      "XPM-07",
      { kind: "remove-members", subjects: [ada.client.inboxId] },
      (own) => own.removeMembers([ada.client.inboxId]),
    ],
    [
      "XPM-02",
      { kind: "update-metadata", field: MetadataField.GroupName },
      (own) => own.updateName("x"),
    ],
    [
      "XPM-02",
      { kind: "update-metadata", field: "description" },
      (own) => own.updateDescription("x"),
    ],
    ["XPM-02", { kind: "pin-message" }, (own) => own.pinMessage(text)],
    ["XPM-02", { kind: "add-admin", subject }, (own) => own.addAdmin(subject)],
    ["XPM-05", { kind: "add-super-admin", subject }, (own) => own.addSuperAdmin(subject)],
    [
      "XPM-05",
      { kind: "remove-super-admin", subject: ada.client.inboxId },
      (own) => own.removeSuperAdmin(ada.client.inboxId),
    ],
    [
      "XPM-06",
      { kind: "update-permission", update: PermissionUpdateType.AddMember, policy: "allow" },
      (own) => own.updatePermission(PermissionUpdateType.AddMember, "allow"),
    ],
  ];
  const { epoch } = await his.debugInfo();
  for (const [rule, action, attempt] of asked) {
    const { summary, lines } = await his.explain(action);
    expect(summary.startsWith("Denied: ")).toBe(true);
    expect(lines.map((line) => line.rule)).toContain(rule);
    const decision = await his.decide(action);
    const rules = decision.kind === "denied" ? decision.reasons.map((reason) => reason.rule) : [];
    await expect(attempt(his)).rejects.toMatchObject({
      code: "client/insufficient-permissions",
      details: { rule: rules[0], rules: rules.join(" "), reason: expect.any(String) as string },
    });
    // Of somebody else: the super admin may all of it but one.
    const hers = await his.decide({ ...action, actor: ada.client.inboxId });
    expect(hers.kind).toBe(
      ["XPM-07", "remove-super-admin"].some((no) => no === rule || no === action.kind)
        ? "denied"
        : "allowed",
    );
  }
  expect((await his.debugInfo()).epoch).toBe(epoch);
  expect(await his.explain({ kind: "leave" })).toEqual({ summary: "Allowed.", lines: [] });
  expect((await group.explain({ kind: "leave" })).lines[0]?.rule).toBe("XLV-01");
  await expect(his.decide({ kind: "add-admin", subject: "nobody" })).rejects.toMatchObject({
    code: "client/bad-argument",
  });
  const mine = await his.whatMay();
  expect(mine.role).toBe("member");
  expect((await his.whatMay(ada.client.inboxId)).role).toBe("super-admin");
  await world.close();
});

const paths: readonly (readonly [
  string,
  (own: Group, actor: Actor, bytes: Uint8Array) => Promise<unknown>,
])[] = [
  ["a sync", (own) => own.sync()],
  ["a sync of everything", (_own, { client }) => client.conversations.syncAll()],
  ["a stream of the group", async (own) => (await own.stream()).end()],
  [
    "a stream of everything",
    async (_own, { client }) => (await client.conversations.streamAllMessages()).end(),
  ],
  ["a push", (own, _actor, bytes) => own.processStreamedMessage(bytes)],
  ["a look before an own change", (own) => own.updateDescription("by an admin")],
  ["a restart", (_own, actor) => actor.restart().then((client) => client.conversations.syncAll())],
];

test.each(paths)(
  "XCV-16: a forbidden commit that comes by %s is refused with its rule",
  async (_path, come) => {
    const world = createWorld();
    const { actors, group } = await crew(world, ["ada", "bo", "cy"], {
      permissions: GroupPermissionsOptions.AdminOnly,
    });
    const [ada, bo, cy] = actors as [Actor, Actor, Actor];
    await group.addAdmin(cy.client.inboxId);
    await follow(bo, group.id);
    const own = await follow(cy, group.id);
    const forger = await unsafeForgerOf(world, bo.store, group.id);
    const extensions = forger.group.context.extensions.map((extension) => {
      if (extension.type !== 0xff00) return extension;
      const value = GroupMutableMetadataV1.decode(extension.data);
      const attributes = new Map(value.attributes).set("group_name", "mine now");
      return { ...extension, data: GroupMutableMetadataV1.encode({ ...value, attributes }) };
    });
    const { message } = await forger.commit([{ kind: "group-context-extensions", extensions }]);
    const [newest] = await world.log.newestGroupMessages([fromHex(group.id)], {
      content: false,
    });
    if (!newest) throw new Error("nothing was published");
    const pushed = GroupMessage.encode({
      kind: "v1",
      value: {
        id: newest.id,
        createdNs: newest.createdNs,
        groupId: fromHex(group.id),
        data: message,
        senderHmac: new Uint8Array(0),
        shouldPush: false,
        isCommit: true,
      },
    });
    await come(own, cy, pushed);
    await settle();
    const mine = await groupOf(cy, group.id);
    await mine.sync();
    expect(mine.name).toBe("");
    expect(cy.events.filter(({ kind }) => kind === "refused")).toMatchObject([
      {
        what: "commit",
        rule: "XPM-02",
        code: expect.stringMatching(/insufficient-permissions$/) as string,
      },
    ]);
    expect((await mine.debugInfo()).lastRefusedCommit).toBeDefined();
    expect((await standings([ada, cy], group.id)).size).toBe(1);
    await world.close();
  },
);

test("XGC-56: groups keep to their size, which the app may set", async () => {
  const world = createWorld();
  const ada = await world.join("ada", { maxGroupSize: 2 });
  const bo = await world.join("bo");
  const cy = await world.join("cy", { maxGroupSize: Number.POSITIVE_INFINITY });
  const limited = {
    code: "client/user-limit-exceeded",
    details: { limit: 2, size: 3, rule: "XGC-56" },
  };
  const two = [bo.client.inboxId, cy.client.inboxId];
  await expect(ada.client.conversations.createGroup(two)).rejects.toMatchObject(limited);
  const group = await ada.client.conversations.createGroup([bo.client.inboxId]);
  await expect(group.addMembers([cy.client.inboxId])).rejects.toMatchObject(limited);
  await expect(
    group.addMembersByIdentifiers([await cy.signer.getIdentifier()]),
  ).rejects.toMatchObject(limited);
  // Receivers never ask: his own limit counts for what he adds.
  await (await follow(bo, group.id)).addMembers([cy.client.inboxId]);
  expect((await (await follow(ada, group.id)).members()).length).toBe(3);
  // 400 of them by default, the creator counted. Nobody knows these people: that is the next thing to be said.
  const people = (count: number): string[] =>
    Array.from({ length: count }, (_item, n) => n.toString(16).padStart(64, "0"));
  await expect(bo.client.conversations.createGroup(people(400))).rejects.toMatchObject({
    code: "client/user-limit-exceeded",
    details: { limit: 400, size: 401 },
  });
  for (const { client } of [bo, cy]) {
    const size = client === bo.client ? 399 : 1_000;
    await expect(client.conversations.createGroup(people(size))).rejects.toMatchObject({
      code: "client/missing-sequence-id",
    });
  }
  for (const maxGroupSize of [0, -1, Number.NaN]) {
    await expect(world.join("odd", { maxGroupSize })).rejects.toMatchObject({
      code: "client/bad-argument",
    });
  }
  const alone = await ada.client.conversations.createGroup([]);
  await alone.sendText("to myself");
  expect((await alone.members()).length).toBe(1);
  await world.close();
});

test("13: pins are shared, survive a race, and leave other app data alone", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"], { appData: '{"theme":"dark"}' });
  const bo = actors[1] as Actor;
  const his = await groupOf(bo, group.id);
  const one = await group.sendText("one");
  const two = await group.sendText("two");
  await his.sync();
  // Both at once: whoever loses the race builds on what the other did.
  await Promise.all([group.pinMessage(one), his.pinMessage(two)]);
  for (const own of [group, his]) {
    await own.sync();
    expect(own.pinnedMessageIds().toSorted()).toEqual([one, two].toSorted());
    expect(JSON.parse(own.appData)).toMatchObject({ theme: "dark" });
    expect((await own.pinnedMessages()).map(({ content }) => content).toSorted()).toEqual([
      "one",
      "two",
    ]);
  }
  await group.pinMessage(one);
  expect(group.pinnedMessageIds()).toEqual([one, two]);
  await group.unpinMessage(two);
  const { epoch } = await group.debugInfo();
  await group.unpinMessage(two);
  expect((await group.debugInfo()).epoch).toBe(epoch);
  await his.sync();
  expect(his.pinnedMessageIds()).toEqual([one]);
  const [transcript] = await group.messages({ kind: 1 });
  for (const id of ["ff".repeat(32), transcript?.id ?? "", "nothing"]) {
    await expect(group.pinMessage(id)).rejects.toMatchObject({ code: "client/not-found" });
  }
  await group.updateAppData("plain words");
  await expect(group.pinMessage(one)).rejects.toMatchObject({ code: "client/app-data-in-use" });
  expect(await group.pinnedMessages()).toEqual([]);
  await group.updateAppData(JSON.stringify({ filler: "x".repeat(8_150) }));
  await expect(group.pinMessage(one)).rejects.toMatchObject({ code: "client/too-many-characters" });
  await world.close();
});
