// Our client in a group that the released SDK made and keeps.
import { assert, eventually, take } from "../lib/check.mjs";
import { ourClient, epochOf, texts } from "../lib/ours.mjs";
import { sdkClient, wallet } from "../lib/sdk.mjs";

export default async function run({ node, check }) {
  let ada;
  let bob;
  let ann;
  let group;
  let bobsGroup;
  let anns;

  const converged = epochOf;

  await check("our client registers and the SDK finds it", async () => {
    ada = await sdkClient(node);
    bob = await sdkClient(node);
    ann = await ourClient(node);
    const found = await ada.canMessage([ann.wallet.identifier]);
    assert.equal(found.get(ann.wallet.address), true);
    assert.equal(await ada.fetchInboxIdByIdentifier(ann.wallet.identifier), ann.inboxId);
    const [state] = await ada.preferences.fetchInboxStates([ann.inboxId]);
    assert.deepEqual(
      state.installations.map(({ id }) => id),
      [ann.installationId],
    );
    const statuses = await ada.fetchKeyPackageStatuses([ann.installationId]);
    assert.ok(statuses[ann.installationId].lifetime);
    assert.ok(!statuses[ann.installationId].validationError);
  });

  await check("the SDK creates a group with it, and it reads what was said", async () => {
    group = await ada.conversations.createGroup([bob.inboxId, ann.inboxId], {
      groupName: "stairs",
      groupDescription: "the house",
    });
    await group.sendText("welcome");
    await ann.conversations.sync();
    anns = await ann.conversations.getConversationById(group.id);
    assert.ok(anns);
    assert.equal(anns.name, "stairs");
    assert.equal(anns.description, "the house");
    assert.equal(anns.addedByInboxId, ada.inboxId);
    await anns.sync();
    assert.deepEqual(await texts(anns), ["welcome"]);
    assert.equal((await anns.members()).length, 3);
    assert.deepEqual(anns.listSuperAdmins(), [ada.inboxId]);
  });

  await check("it speaks: a key update first, then the message", async () => {
    await anns.sendText("hello from ours");
    await group.sync();
    await bob.conversations.sync();
    bobsGroup = await bob.conversations.getConversationById(group.id);
    await bobsGroup.sync();
    assert.deepEqual(await texts(group), ["welcome", "hello from ours"]);
    assert.deepEqual(await texts(bobsGroup), ["welcome", "hello from ours"]);
    await converged(anns, group, bobsGroup);
  });

  await check("message ids are the same on both sides", async () => {
    const id = await anns.sendText("same id");
    await group.sync();
    assert.ok((await group.messages()).some((message) => message.id === id));
  });

  await check("it follows renames, members, admins and permissions", async () => {
    await group.updateName("attic");
    await group.updateDescription("above");
    await group.addAdmin(bob.inboxId);
    await group.updatePermission(4, 2, 3);
    const cat = await sdkClient(node);
    await group.addMembers([cat.inboxId]);
    await group.removeMembers([cat.inboxId]);
    await anns.sync();
    assert.equal(anns.name, "attic");
    assert.equal(anns.description, "above");
    assert.deepEqual(anns.listAdmins(), [bob.inboxId]);
    assert.equal(anns.permissions().policySet.updateGroupImageUrlSquarePolicy, 2);
    assert.equal((await anns.members()).length, 3);
    await converged(anns, group, bobsGroup);
  });

  await check("its transcripts say what the SDK's say", async () => {
    const shape = (message) => {
      const update = message.content;
      if (update?.initiatedByInboxId === undefined) return [];
      const ids = (list) => (list ?? []).map(({ inboxId }) => inboxId).toSorted();
      return [
        {
          by: update.initiatedByInboxId,
          added: ids(update.addedInboxes),
          removed: ids(update.removedInboxes),
          fields: (update.metadataFieldChanges ?? []).map(({ fieldName, oldValue, newValue }) => [
            fieldName,
            oldValue ?? "",
            newValue ?? "",
          ]),
          admins: ids(update.addedAdminInboxes),
        },
      ];
    };
    const theirs = (await bobsGroup.messages()).flatMap(shape).slice(1);
    const mine = (await anns.messages()).flatMap(shape).slice(1);
    assert.deepEqual(mine, theirs);
    const last = (list) => list.filter(({ content }) => content?.initiatedByInboxId).at(-1).id;
    assert.equal(last(await anns.messages()), last(await bobsGroup.messages()));
  });

  await check("it commits: a rename, read by the SDK", async () => {
    await anns.updateName("cellar");
    await group.sync();
    await bobsGroup.sync();
    assert.equal(group.name, "cellar");
    assert.equal(bobsGroup.name, "cellar");
    await converged(anns, group, bobsGroup);
  });

  let dan;
  let dans;
  await check("it adds a member of the SDK, who reads and writes", async () => {
    dan = await sdkClient(node);
    await anns.addMembers([dan.inboxId]);
    await dan.conversations.sync();
    dans = await dan.conversations.getConversationById(group.id);
    assert.ok(dans);
    assert.equal(dans.addedByInboxId, ann.inboxId);
    await dans.sendText("dan here");
    await anns.sync();
    await group.sync();
    assert.equal((await texts(anns)).at(-1), "dan here");
    assert.equal((await texts(group)).at(-1), "dan here");
    await converged(anns, group, bobsGroup, dans);
  });

  await check("it adds six members of the SDK and one of ours at once: pointers", async () => {
    const many = [];
    for (let at = 0; at < 6; at++) many.push(await sdkClient(node));
    const eve = await ourClient(node);
    await anns.addMembers([...many.map(({ inboxId }) => inboxId), eve.inboxId]);
    const theirs = [];
    for (const client of [...many, eve]) {
      await client.conversations.sync();
      const found = await client.conversations.getConversationById(group.id);
      assert.ok(found);
      theirs.push(found);
    }
    await theirs[3].sendText("one of many");
    await converged(anns, group, dans, ...theirs);
    assert.equal((await texts(theirs.at(-1))).at(-1), "one of many");
    await group.removeMembers([...many.map(({ inboxId }) => inboxId), eve.inboxId]);
    await converged(anns, group, dans);
    await theirs
      .at(-1)
      .sync()
      .catch(() => {});
    assert.equal(theirs.at(-1).isActive, false);
  });

  await check(
    "a member of ours may not remove; it is refused before anything is sent",
    async () => {
      await assert.rejects(anns.removeMembers([dan.inboxId]), (error) => {
        assert.equal(error.code, "client/insufficient-permissions");
        assert.equal(error.details.rule, "XPM-02");
        return true;
      });
      await converged(anns, group, dans);
    },
  );

  await check("a forbidden commit of an SDK member is refused by ours and theirs", async () => {
    await assert.rejects(dans.removeMembers([bob.inboxId]));
    await anns.sync();
    assert.ok(ann.refusals.some(({ what, rule }) => what === "commit" && rule === "XPM-02"));
    await converged(anns, group, bobsGroup, dans);
    await group.sendText("still together");
    await anns.sync();
    assert.equal((await texts(anns)).at(-1), "still together");
  });

  await check("concurrent commits of ours and theirs converge", async () => {
    for (let at = 0; at < 5; at++) {
      await Promise.allSettled([
        anns.updateDescription(`ours ${at}`),
        bobsGroup.updateName(`theirs ${at}`),
        group.updateName(`also theirs ${at}`),
      ]);
    }
    await converged(anns, group, bobsGroup, dans);
    assert.equal(anns.name, group.name);
    assert.equal(anns.description, group.description);
  });

  await check("a stream of ours brings each message of theirs once, in order", async () => {
    const stream = await anns.stream();
    for (let at = 0; at < 10; at++) await group.sendText(`streamed ${at}`);
    const got = await take(stream, 10);
    assert.deepEqual(
      got.map(({ content }) => content),
      Array.from({ length: 10 }, (_, at) => `streamed ${at}`),
    );
    await stream.end();
  });

  await check("a stream of all messages brings new groups and their messages", async () => {
    const stream = await ann.conversations.streamAllMessages();
    const another = await ada.conversations.createGroup([ann.inboxId]);
    await another.sendText("in a new group");
    await group.sendText("in the old group");
    const got = [];
    while (got.length < 2) {
      const [message] = await take(stream, 1);
      if (typeof message.content === "string") got.push(message.content);
    }
    assert.deepEqual(got.toSorted(), ["in a new group", "in the old group"]);
    await stream.end();
  });

  await check("a stream of theirs brings messages of ours", async () => {
    const stream = await bobsGroup.stream();
    await anns.sendText("to the stream");
    const [message] = await take(stream, 1);
    assert.equal(message.content, "to the stream");
    await stream.end();
  });

  await check("a second installation of ours is added by the SDK", async () => {
    const phone = await ourClient(node, ann.wallet);
    assert.equal(phone.inboxId, ann.inboxId);
    await new Promise((resolve) => setTimeout(resolve, 5_500));
    await group.sendText("for both of ann's devices");
    const found = await eventually("the phone's welcome", async () => {
      await phone.conversations.sync();
      return phone.conversations.getConversationById(group.id);
    });
    await found.sync();
    assert.ok((await texts(found)).includes("for both of ann's devices"));
    await found.sendText("from the phone");
    await converged(anns, group, found);
    assert.equal((await texts(group)).at(-1), "from the phone");
    await phone.close();
  });

  await check("a direct message, from both sides", async () => {
    const dm = await ada.conversations.createDm(ann.inboxId);
    await dm.sendText("only you");
    await ann.conversations.sync();
    const mine = await ann.conversations.getDmByInboxId(ada.inboxId);
    await mine.sync();
    assert.deepEqual(await texts(mine), ["only you"]);
    await mine.sendText("only me");
    await dm.sync();
    assert.deepEqual(await texts(dm), ["only you", "only me"]);
    const other = await ann.conversations.createDm(bob.inboxId);
    await other.sendText("made by ours");
    await bob.conversations.sync();
    const bobs = bob.conversations.getDmByInboxId(ann.inboxId);
    await bobs.sync();
    assert.deepEqual(await texts(bobs), ["made by ours"]);
    await bobs.sendText("read by theirs");
    await other.sync();
    assert.deepEqual(await texts(other), ["made by ours", "read by theirs"]);
    await converged(other, bobs);
  });

  await check("it asks to leave, and the SDK's super admin lets it go", async () => {
    await anns.requestRemoval();
    assert.equal(anns.isPendingRemoval(), true);
    await eventually(
      "the removal",
      async () => {
        await group.sync();
        await anns.sync().catch(() => {});
        return !anns.isActive;
      },
      { timeoutMs: 30_000, everyMs: 500 },
    );
    await converged(group, bobsGroup);
  });

  await check("one person with a device of theirs and one of ours, device sync on", async () => {
    const who = wallet();
    const theirs = await sdkClient(node, who, { disableDeviceSync: false });
    const mine = await ourClient(node, who);
    assert.equal(theirs.inboxId, mine.inboxId);
    const shared = await ada.conversations.createGroup([mine.inboxId], { groupName: "both" });
    await shared.sendText("to both");
    for (const device of [theirs, mine]) {
      await device.conversations.sync();
      const own = await device.conversations.getConversationById(shared.id);
      await own.sync();
      assert.equal((await texts(own))[0], "to both");
      await own.sendText(device === mine ? "from ours" : "from theirs");
    }
    await shared.sync();
    assert.deepEqual((await texts(shared)).toSorted(), ["from ours", "from theirs", "to both"]);
    await theirs.conversations.syncAll();
    await mine.conversations.syncAll();
    assert.deepEqual(
      (await mine.conversations.list()).map(({ name }) => name),
      ["both"],
    );
    const own = await mine.conversations.getConversationById(shared.id);
    const their = await theirs.conversations.getConversationById(shared.id);
    await converged(own, their, shared);
    assert.deepEqual(mine.refusals, []);
    const state = await mine.preferences.fetchInboxState();
    assert.equal(state.installations.length, 2);
    await mine.revokeAllOtherInstallations();
    assert.equal((await mine.preferences.fetchInboxState()).installations.length, 1);
    const [seen] = await ada.preferences.fetchInboxStates([mine.inboxId]);
    assert.equal(seen.installations.length, 1);
    await new Promise((resolve) => setTimeout(resolve, 5_200));
    await own.sendText("alone again");
    await shared.sync();
    assert.equal((await texts(shared)).at(-1), "alone again");
    await their.sync().catch(() => {});
    assert.equal(their.isActive, false);
    await mine.close();
  });

  await check("it comes back to its database and goes on", async () => {
    const who = wallet();
    const { mkdtempSync } = await import("node:fs");
    const { tmpdir } = await import("node:os");
    const { join } = await import("node:path");
    const dbPath = join(mkdtempSync(join(tmpdir(), "coterie-b-")), "fay.db3");
    const dbEncryptionKey = new Uint8Array(32).fill(7);
    const fay = await ourClient(node, who, { dbPath, dbEncryptionKey });
    const house = await ada.conversations.createGroup([fay.inboxId]);
    await fay.conversations.sync();
    await (await fay.conversations.getConversationById(house.id)).sendText("before");
    await fay.close();
    await house.sync();
    await house.updateName("while away");
    await house.sendText("missed");
    const again = await ourClient(node, who, { dbPath, dbEncryptionKey });
    assert.equal(again.installationId, fay.installationId);
    const found = await again.conversations.getConversationById(house.id);
    await found.sync();
    assert.equal(found.name, "while away");
    assert.deepEqual(await texts(found), ["before", "missed"]);
    await found.sendText("after");
    await converged(found, house);
    assert.equal((await texts(house)).at(-1), "after");
    await again.close();
  });
}
