// Clients of the released SDK, and nothing else, on our node.
import { join } from "node:path";
import { ConsentState } from "@xmtp/node-sdk";
import { assert, eventually, take } from "../lib/check.mjs";
import { sdkClient, wallet } from "../lib/sdk.mjs";

const texts = async (conversation) =>
  (await conversation.messages())
    .map(({ content }) => content)
    .filter((content) => typeof content === "string");

export default async function run({ node, check, folder }) {
  const [adaWallet, bobWallet] = [wallet(), wallet()];
  let ada;
  let bob;
  let group;
  let bobsGroup;

  await check("two clients register", async () => {
    ada = await sdkClient(node, adaWallet, { dbPath: join(folder, "ada.db3") });
    bob = await sdkClient(node, bobWallet, { dbPath: join(folder, "bob.db3") });
    assert.equal(ada.isRegistered, true);
    assert.notEqual(ada.inboxId, bob.inboxId);
  });

  await check("registered wallets can be messaged, unknown ones cannot", async () => {
    const stranger = wallet();
    const found = await ada.canMessage([bobWallet.identifier, stranger.identifier]);
    assert.equal(found.get(bobWallet.address), true);
    assert.equal(found.get(stranger.address), false);
  });

  await check("an identifier resolves to its inbox, an unknown one to none", async () => {
    assert.equal(await ada.fetchInboxIdByIdentifier(bobWallet.identifier), bob.inboxId);
    assert.equal((await ada.fetchInboxIdByIdentifier(wallet().identifier)) ?? undefined, undefined);
  });

  await check("the key package of an installation is valid", async () => {
    const statuses = await ada.fetchKeyPackageStatuses([bob.installationId, "ab".repeat(32)]);
    assert.ok(statuses[bob.installationId].lifetime);
    assert.ok(!statuses[bob.installationId].validationError);
    assert.ok(statuses["ab".repeat(32)]?.validationError);
  });

  await check("a group is made and its welcome found", async () => {
    group = await ada.conversations.createGroup([bob.inboxId], { groupName: "first" });
    await bob.conversations.sync();
    bobsGroup = await bob.conversations.getConversationById(group.id);
    assert.ok(bobsGroup);
    assert.equal(bobsGroup.name, "first");
    assert.equal((await bobsGroup.members()).length, 2);
  });

  await check("both talk", async () => {
    await group.sendText("hello bob");
    await bobsGroup.sync();
    await bobsGroup.sendText("hello ada");
    await group.sync();
    assert.deepEqual(await texts(group), ["hello bob", "hello ada"]);
    assert.deepEqual(await texts(bobsGroup), ["hello bob", "hello ada"]);
  });

  await check("a rename reaches the other", async () => {
    await group.updateName("second");
    await bobsGroup.sync();
    assert.equal(bobsGroup.name, "second");
  });

  await check("a stream brings each message once, in order", async () => {
    const stream = await bobsGroup.stream();
    for (let at = 0; at < 10; at++) await group.sendText(`streamed ${at}`);
    const got = await take(stream, 10);
    assert.deepEqual(
      got.map(({ content }) => content),
      Array.from({ length: 10 }, (_, at) => `streamed ${at}`),
    );
    await stream.end();
  });

  await check("a stream of all messages brings new groups and their messages", async () => {
    const stream = await bob.conversations.streamAllMessages();
    const another = await ada.conversations.createGroup([bob.inboxId]);
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

  await check("a direct message, from both sides", async () => {
    const dm = await ada.conversations.createDm(bob.inboxId);
    await dm.sendText("only you");
    await bob.conversations.sync();
    const bobs = bob.conversations.getDmByInboxId(ada.inboxId);
    await bobs.sync();
    assert.deepEqual(await texts(bobs), ["only you"]);
    await bobs.sendText("only me");
    await dm.sync();
    assert.deepEqual(await texts(dm), ["only you", "only me"]);
  });

  let cat;
  await check("a third member joins, talks, and is removed", async () => {
    cat = await sdkClient(node);
    await group.addMembers([cat.inboxId]);
    await cat.conversations.sync();
    const cats = await cat.conversations.getConversationById(group.id);
    await cats.sendText("cat here");
    await bobsGroup.sync();
    assert.equal((await bobsGroup.members()).length, 3);
    assert.equal((await texts(bobsGroup)).at(-1), "cat here");
    await group.removeMembers([cat.inboxId]);
    await cats.sync();
    assert.equal(cats.isActive, false);
    await bobsGroup.sync();
    assert.equal((await bobsGroup.members()).length, 2);
  });

  let bobsPhone;
  await check("a second installation of an inbox takes part", async () => {
    bobsPhone = await sdkClient(node, bobWallet);
    assert.equal(bobsPhone.inboxId, bob.inboxId);
    assert.notEqual(bobsPhone.installationId, bob.installationId);
    const pair = await ada.conversations.createGroup([bob.inboxId], { groupName: "pair" });
    await pair.sendText("to both of you");
    for (const device of [bob, bobsPhone]) {
      await device.conversations.sync();
      const own = await device.conversations.getConversationById(pair.id);
      await own.sync();
      assert.deepEqual(await texts(own), ["to both of you"]);
    }
    const [state] = await ada.preferences.fetchInboxStates([bob.inboxId]);
    assert.equal(state.installations.length, 2);
  });

  await check("an installation is revoked", async () => {
    await bob.revokeAllOtherInstallations();
    const [state] = await ada.preferences.fetchInboxStates([bob.inboxId]);
    assert.deepEqual(
      state.installations.map(({ id }) => id),
      [bob.installationId],
    );
  });

  await check("a second wallet is linked and unlinked", async () => {
    const second = wallet();
    await ada.unsafe_addAccount(second.signer, true);
    assert.equal(await bob.fetchInboxIdByIdentifier(second.identifier), ada.inboxId);
    await ada.removeAccount(second.identifier);
    assert.equal((await bob.fetchInboxIdByIdentifier(second.identifier)) ?? undefined, undefined);
  });

  await check("permissions, admins and metadata", async () => {
    await group.updateDescription("about");
    await group.addAdmin(bob.inboxId);
    await bobsGroup.sync();
    assert.equal(bobsGroup.isAdmin(bob.inboxId), true);
    await bobsGroup.updateName("bob named it");
    await group.sync();
    assert.equal(group.name, "bob named it");
    assert.equal(group.description, "about");
  });

  await check("syncAll syncs exactly what has news", async () => {
    await bob.conversations.syncAll();
    await group.sendText("news");
    const summary = await bob.conversations.syncAll();
    assert.equal(summary.numSynced, 1);
    assert.equal((await texts(bobsGroup)).at(-1), "news");
    assert.equal((await bob.conversations.syncAll()).numSynced, 0);
  });

  await check("more members than welcomes of their own: pointers", async () => {
    const many = await Promise.all(Array.from({ length: 6 }, () => sdkClient(node)));
    const big = await ada.conversations.createGroup(many.map(({ inboxId }) => inboxId));
    await big.sendText("hello all");
    for (const one of many) {
      await one.conversations.sync();
      const own = await one.conversations.getConversationById(big.id);
      await own.sync();
      assert.deepEqual(await texts(own), ["hello all"]);
    }
    const [first] = many;
    const reply = await first.conversations.getConversationById(big.id);
    await reply.sendText("hello back");
    await big.sync();
    assert.deepEqual(await texts(big), ["hello all", "hello back"]);
  });

  await check("more messages than one page", async () => {
    for (let at = 0; at < 130; at++) await group.sendText(`page ${at}`, { optimistic: true });
    await group.publishMessages();
    await bobsGroup.sync();
    const paged = (await texts(bobsGroup)).filter((text) => text.startsWith("page "));
    assert.equal(paged.length, 130);
    assert.equal(paged.at(-1), "page 129");
  });

  await check("concurrent changes by two members converge", async () => {
    await Promise.allSettled([
      group.updateDescription("by ada"),
      bobsGroup.updateName("by bob"),
      group.sendText("meanwhile"),
    ]);
    await group.sync();
    await bobsGroup.sync();
    assert.deepEqual([group.name, group.description], ["by bob", "by ada"]);
    assert.deepEqual([bobsGroup.name, bobsGroup.description], ["by bob", "by ada"]);
    const [left, right] = await Promise.all([group.debugInfo(), bobsGroup.debugInfo()]);
    assert.equal(left.epoch, right.epoch);
    assert.equal(left.maybeForked || right.maybeForked, false);
  });

  await check(
    "after a restart of the node everything is there, and streams come back",
    async () => {
      let onRestart;
      const restarted = new Promise((resolve) => (onRestart = resolve));
      const stream = await bobsGroup.stream({ retryDelay: 200, onRestart });
      await node.restart();
      // what is sent before that lands in bob's database without passing through the stream
      await restarted;
      await group.sendText("after the restart");
      const [message] = await take(stream, 1);
      assert.equal(message.content, "after the restart");
      await stream.end();
      const dan = await sdkClient(node);
      await group.addMembers([dan.inboxId]);
      await dan.conversations.sync();
      const dans = await dan.conversations.getConversationById(group.id);
      assert.equal(dans.name, "by bob");
      assert.equal((await ada.canMessage([bobWallet.identifier])).get(bobWallet.address), true);
    },
  );

  await check("after a node was killed nothing that was acknowledged is gone", async () => {
    for (let at = 0; at < 5; at++) await group.sendText(`before the cut ${at}`);
    await node.kill();
    await assert.rejects(group.sync());
    await node.start();
    await group.sendText("after the cut");
    await bobsGroup.sync();
    const last = (await texts(bobsGroup)).slice(-6);
    assert.deepEqual(last, [
      ...Array.from({ length: 5 }, (_, at) => `before the cut ${at}`),
      "after the cut",
    ]);
  });

  await check("with device sync on, consent travels between installations", async () => {
    const eveWallet = wallet();
    const desk = await sdkClient(node, eveWallet, { disableDeviceSync: false });
    const phone = await sdkClient(node, eveWallet, { disableDeviceSync: false });
    const dm = await ada.conversations.createDm(desk.inboxId);
    await dm.sendText("do you know me?");
    for (const device of [desk, phone]) await device.conversations.syncAll();
    await eventually("both devices in one sync group", async () => {
      await desk.preferences.sync();
      await phone.preferences.sync();
      const own = desk.conversations.getDmByInboxId(ada.inboxId);
      own.updateConsentState(ConsentState.Denied);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await phone.preferences.sync();
      const other = phone.conversations.getDmByInboxId(ada.inboxId);
      return other.consentState() === ConsentState.Denied;
    });
  });

  await check("a client that comes back to its database goes on", async () => {
    await bob.close?.();
    bob = await eventually("bob's return", () =>
      sdkClient(node, bobWallet, { dbPath: join(folder, "bob.db3") }),
    );
    await group.sendText("welcome back");
    await bob.conversations.syncAll();
    const again = await bob.conversations.getConversationById(group.id);
    assert.equal((await texts(again)).at(-1), "welcome back");
  });
}
