// Clients of the released SDK in groups that our client made and keeps.
import { assert, eventually } from "../lib/check.mjs";
import { ourClient, ours, epochOf, texts } from "../lib/ours.mjs";
import { sdkClient } from "../lib/sdk.mjs";

export default async function run({ node, check }) {
  let ann;
  let ada;
  let bob;
  let group;
  let adas;
  let bobs;

  const converged = epochOf;
  const joined = async (client, id) => {
    await client.conversations.sync();
    const conversation = await client.conversations.getConversationById(id);
    assert.ok(conversation);
    return conversation;
  };

  await check("our client makes a group and two SDK clients join it", async () => {
    ann = await ourClient(node);
    ada = await sdkClient(node);
    bob = await sdkClient(node);
    group = await ann.conversations.createGroup([ada.inboxId, bob.inboxId], {
      groupName: "garden",
      groupDescription: "behind the house",
      groupImageUrlSquare: "https://example.org/garden.png",
      appData: '{"colour":"green"}',
    });
    adas = await joined(ada, group.id);
    bobs = await joined(bob, group.id);
    for (const their of [adas, bobs]) {
      assert.equal(their.name, "garden");
      assert.equal(their.description, "behind the house");
      assert.equal(their.imageUrl, "https://example.org/garden.png");
      assert.equal(their.appData, '{"colour":"green"}');
      assert.equal(their.addedByInboxId, ann.inboxId);
      assert.equal((await their.members()).length, 3);
      assert.deepEqual(their.listSuperAdmins(), [ann.inboxId]);
      assert.equal(their.permissions().policyType, 0);
    }
    await converged(group, adas, bobs);
  });

  await check("everybody talks", async () => {
    await group.sendText("from ann");
    await adas.sendText("from ada");
    await bobs.sendText("from bob");
    const said = ["from ann", "from ada", "from bob"];
    for (const one of [group, adas, bobs]) {
      await one.sync();
      assert.deepEqual(await texts(one), said);
    }
    await converged(group, adas, bobs);
  });

  await check("each preset and a custom set read as they were written", async () => {
    const { GroupPermissionsOptions } = ours;
    const only = await ann.conversations.createGroup([ada.inboxId], {
      permissions: GroupPermissionsOptions.AdminOnly,
    });
    assert.equal((await joined(ada, only.id)).permissions().policyType, 1);
    const custom = {
      addMemberPolicy: 2,
      removeMemberPolicy: 3,
      addAdminPolicy: 2,
      removeAdminPolicy: 3,
      updateGroupNamePolicy: 0,
      updateGroupDescriptionPolicy: 1,
      updateGroupImageUrlSquarePolicy: 2,
      updateMessageDisappearingPolicy: 3,
      updateAppDataPolicy: 0,
    };
    const own = await ann.conversations.createGroup([ada.inboxId], {
      permissions: GroupPermissionsOptions.CustomPolicy,
      customPermissionPolicySet: custom,
    });
    const read = (await joined(ada, own.id)).permissions();
    assert.equal(read.policyType, 2);
    assert.deepEqual({ ...read.policySet }, custom);
    assert.deepEqual({ ...own.permissions().policySet }, custom);
  });

  await check("a group of one grows", async () => {
    const alone = await ann.conversations.createGroup([]);
    assert.equal((await alone.debugInfo()).epoch, 1n);
    await alone.sendText("only me");
    await alone.addMembers([bob.inboxId]);
    const his = await joined(bob, alone.id);
    await his.sendText("not any more");
    await converged(alone, his);
    assert.deepEqual(await texts(alone), ["only me", "not any more"]);
    assert.deepEqual(await texts(his), ["not any more"]);
  });

  await check("members, admins, metadata and permissions change, and all follow", async () => {
    const cat = await sdkClient(node);
    await group.addMembers([cat.inboxId]);
    const cats = await joined(cat, group.id);
    await group.addAdmin(ada.inboxId);
    await group.addSuperAdmin(bob.inboxId);
    await group.updateName("orchard");
    await group.updatePermission(0, 2);
    await converged(group, adas, bobs, cats);
    assert.deepEqual(adas.listAdmins(), [ada.inboxId]);
    assert.deepEqual([...bobs.listSuperAdmins()].toSorted(), [ann.inboxId, bob.inboxId].toSorted());
    assert.equal(cats.name, "orchard");
    assert.equal(cats.permissions().policySet.addMemberPolicy, 2);
    await adas.removeMembers([cat.inboxId]);
    await converged(group, adas, bobs);
    await cats.sync().catch(() => {});
    assert.equal(cats.isActive, false);
    await bobs.removeSuperAdmin(ann.inboxId);
    await bobs.addSuperAdmin(ann.inboxId);
    await converged(group, adas, bobs);
    assert.equal(group.isSuperAdmin(ann.inboxId), true);
    await group.removeSuperAdmin(bob.inboxId);
    await group.removeAdmin(ada.inboxId);
    await converged(group, adas, bobs);
    assert.deepEqual(group.listAdmins(), []);
  });

  const forbidden = [
    ["XPM-02", "add a member", async () => adas.addMembers([(await sdkClient(node)).inboxId])],
    ["XPM-02", "remove a member", () => adas.removeMembers([bob.inboxId])],
    ["XPM-02", "make an admin", () => adas.addAdmin(ada.inboxId)],
    ["XPM-05", "make a super admin", () => adas.addSuperAdmin(ada.inboxId)],
    ["XPM-05", "unmake a super admin", () => adas.removeSuperAdmin(ann.inboxId)],
    ["XPM-06", "change permissions", () => adas.updatePermission(0, 0)],
    [
      "XPM-02",
      "set messages to disappear",
      () => adas.updateMessageDisappearingSettings(1n, 1000n),
    ],
  ];
  for (const [rule, what, attempt] of forbidden) {
    await check(
      `${rule}: an SDK member may not ${what}; ours and theirs refuse, nobody forks`,
      async () => {
        ann.refusals.length = 0;
        await assert.rejects(attempt);
        await group.sync();
        assert.ok(
          ann.refusals.some((event) => event.what === "commit" && event.rule.startsWith("XPM")),
          JSON.stringify(ann.refusals, (_, value) =>
            typeof value === "bigint" ? `${value}` : value,
          ),
        );
        await converged(group, adas, bobs);
        await group.sendText(`after trying to ${what}`);
        await converged(group, adas, bobs);
        assert.equal((await texts(adas)).at(-1), `after trying to ${what}`);
      },
    );
  }

  await check("a permitted change of an SDK member is accepted by ours and theirs", async () => {
    await adas.updateName("ada's orchard");
    await converged(group, adas, bobs);
    assert.equal(group.name, "ada's orchard");
  });

  await check("messages disappear on both sides", async () => {
    await group.updateMessageDisappearingSettings(1n, 1_000_000_000n);
    await group.sendText("gone soon");
    await adas.sync();
    assert.ok(adas.isMessageDisappearingEnabled());
    await eventually("both to forget", async () => {
      const all = [...(await texts(group)), ...(await texts(adas))];
      return !all.includes("gone soon");
    });
    await group.removeMessageDisappearingSettings();
    await converged(group, adas, bobs);
  });

  await check("a new installation of an SDK member is added by ours", async () => {
    const phone = await sdkClient(node, bob.wallet);
    await new Promise((resolve) => setTimeout(resolve, 5_200));
    await group.sendText("for bob's phone too");
    const found = await joined(phone, group.id);
    await found.sync();
    assert.ok((await texts(found)).includes("for bob's phone too"));
    await found.sendText("from bob's phone");
    await converged(group, adas, bobs, found);
    assert.equal((await texts(group)).at(-1), "from bob's phone");
    await bob.revokeAllOtherInstallations();
    await new Promise((resolve) => setTimeout(resolve, 5_200));
    await group.sendText("without the phone");
    await converged(group, adas, bobs);
    const installations = (await group.members()).flatMap(({ installationIds }) => installationIds);
    assert.ok(!installations.includes(phone.installationId));
  });

  await check("concurrent commits of everybody converge", async () => {
    for (let at = 0; at < 5; at++) {
      await Promise.allSettled([
        group.updateDescription(`ours ${at}`),
        adas.updateName(`ada ${at}`),
        bobs.updateName(`bob ${at}`),
        group.sendText(`meanwhile ${at}`),
      ]);
    }
    await converged(group, adas, bobs);
    assert.equal(group.name, adas.name);
    assert.equal(group.description, bobs.description);
    for (const one of [adas, bobs]) {
      const read = await texts(one);
      for (let at = 0; at < 5; at++) assert.ok(read.includes(`meanwhile ${at}`));
    }
  });

  await check("an SDK member leaves, and our super admin lets it go", async () => {
    await bobs.requestRemoval();
    await eventually("the removal", async () => {
      await group.sync();
      await bobs.sync().catch(() => {});
      return !bobs.isActive;
    });
    await converged(group, adas);
    const last = (await group.messages()).filter(({ content }) => content?.leftInboxes).at(-1);
    assert.deepEqual(last.content.leftInboxes, [{ inboxId: bob.inboxId }]);
    await group.addMembers([bob.inboxId]);
    bobs = await joined(bob, group.id);
    await bobs.sendText("back again");
    await converged(group, adas, bobs);
    assert.equal((await texts(group)).at(-1), "back again");
  });

  await check("a group of 40 of theirs and ours", async () => {
    const theirs = [];
    for (let at = 0; at < 20; at++) theirs.push(await sdkClient(node));
    const mine = [];
    for (let at = 0; at < 20; at++) mine.push(await ourClient(node));
    const all = [...theirs, ...mine];
    const large = await ann.conversations.createGroup(all.map(({ inboxId }) => inboxId));
    const first = await joined(theirs[0], large.id);
    const second = await joined(mine[0], large.id);
    await first.sendText("from theirs");
    await second.sendText("from ours");
    for (const client of all) {
      const one = await joined(client, large.id);
      await one.sync();
      assert.deepEqual(await texts(one), ["from theirs", "from ours"]);
    }
    await converged(large, first, second);
    for (const client of mine) await client.close();
  });
}
