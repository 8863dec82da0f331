// Consent and push across the two: keys, HMACs, and payloads as a push server hands them on.
import { assert, eventually } from "../lib/check.mjs";
import { ours, ourClient, texts } from "../lib/ours.mjs";
import { sdkClient } from "../lib/sdk.mjs";

const at = (room) => new URL(`../../packages/${room}`, import.meta.url).href;
const { opensslProvider: crypto } = await import(at("crypto/dist/openssl.js"));
const { createH2Transport } = await import(at("transport/dist/h2.js"));
const wire = await import(at("wire/dist/index.js"));

const bytesOf = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

export default async function run({ node, check }) {
  const transport = createH2Transport({ url: node.url });
  /** What a push server would see of a group or of an installation's welcomes, encoded. */
  const groupLog = async (id) => {
    const request = wire.QueryGroupMessagesRequest.encode({
      groupId: bytesOf(id),
      pagingInfo: { direction: 1, limit: 100, idCursor: 0n },
    });
    const path = wire.paths.mls.queryGroupMessages;
    return wire.QueryGroupMessagesResponse.decode(await transport.unary(path, request)).messages;
  };
  const welcomeLog = async (id) => {
    const request = wire.QueryWelcomeMessagesRequest.encode({
      installationKey: bytesOf(id),
      pagingInfo: { direction: 1, limit: 100, idCursor: 0n },
    });
    const path = wire.paths.mls.queryWelcomeMessages;
    return wire.QueryWelcomeMessagesResponse.decode(await transport.unary(path, request)).messages;
  };
  let ada;
  let ann;
  let group;
  let anns;

  await check("topics are the same texts", async () => {
    ada = await sdkClient(node);
    ann = await ourClient(node, undefined, { workers: false });
    group = await ada.conversations.createGroup([ann.inboxId]);
    await ann.conversations.sync();
    anns = await ann.conversations.getConversationById(group.id);
    assert.equal(anns.topic, group.topic);
    assert.match(ann.conversations.topic, /^\/xmtp\/mls\/1\/w-[0-9a-f]{64}\/proto$/);
    assert.equal(
      ann.conversations.topic.replace(ann.installationId, ada.installationId),
      ada.conversations.topic,
    );
  });

  await check("being added leaves consent unknown; who did it is known", async () => {
    assert.equal(anns.consentState(), 0);
    assert.equal(anns.addedByInboxId, ada.inboxId);
    assert.equal(group.consentState(), 1);
    await ann.preferences.denyInboxIds([ada.inboxId]);
    assert.ok(ann.preferences.isInboxIdDenied(anns.addedByInboxId));
    const [, member] = (await anns.members()).toSorted((a) => (a.inboxId === ann.inboxId ? -1 : 1));
    assert.equal(member.consentState, 2);
  });

  await check("HMAC keys have the same shape: by group, three epochs (XPU-05)", async () => {
    const [theirs, mine] = [ada.conversations.hmacKeys(), await ann.conversations.hmacKeys()];
    assert.deepEqual(Object.keys(theirs), Object.keys(mine));
    const epochs = (keys) => keys[group.id].map(({ epoch }) => BigInt(epoch));
    assert.deepEqual(epochs(theirs), epochs(mine));
    assert.deepEqual(
      theirs[group.id].map(({ key }) => key.length),
      mine[group.id].map(({ key }) => key.length),
    );
    assert.deepEqual(await anns.hmacKeys(), mine);
    assert.deepEqual(group.hmacKeys(), theirs);
  });

  await check(
    "a push server knows each sender's messages by their keys, and no others (XPU-04)",
    async () => {
      await group.sendText("from the SDK");
      await anns.sync();
      await anns.sendText("from ours");
      await group.sync();
      const theirs = ada.conversations.hmacKeys()[group.id];
      const mine = (await ann.conversations.hmacKeys())[group.id];
      const seen = (await groupLog(group.id)).map(({ value }) =>
        [theirs, mine].map((keys) => ours.isOwnMessage(crypto, keys, value)),
      );
      // Its first commits and its message; then our key update and our message.
      assert.ok(seen.length >= 4);
      assert.ok(seen.every(([one, two]) => one !== two));
      assert.deepEqual(seen.at(-1), [false, true]);
      assert.deepEqual(seen[0], [true, false]);
    },
  );

  await check("pushes: text wants one, commits and reactions do not (XMS-07)", async () => {
    const log = await groupLog(group.id);
    for (const { value } of log) assert.equal(value.shouldPush, !value.isCommit);
    const [{ id }] = await anns.messages();
    for (const conversation of [anns, group]) {
      await conversation.sendReaction({
        reference: id,
        referenceInboxId: ada.inboxId,
        action: 1,
        content: "+",
        schema: 1,
      });
      const last = (await groupLog(group.id)).at(-1).value;
      assert.equal(last.shouldPush, false);
      await anns.sync();
      await group.sync();
    }
  });

  await check("a payload of the SDK's, processed by ours alone (XPU-08)", async () => {
    await group.sendText("pushed to ours");
    const payload = wire.GroupMessage.encode((await groupLog(group.id)).at(-1));
    const [message] = await anns.processStreamedMessage(payload);
    assert.equal(message.content, "pushed to ours");
    await anns.sync();
    assert.equal((await texts(anns)).filter((text) => text === "pushed to ours").length, 1);
  });

  await check("a payload of ours, processed by the SDK alone (XPU-08)", async () => {
    await anns.sendText("pushed to the SDK");
    const payload = wire.GroupMessage.encode((await groupLog(group.id)).at(-1));
    const messages = await group.processStreamedMessage(payload);
    assert.equal(messages.length, 1);
    assert.equal((await texts(group)).at(-1), "pushed to the SDK");
  });

  await check(
    "a welcome of the SDK's, processed by ours alone; a sync passes over it",
    async () => {
      const another = await ada.conversations.createGroup([ann.inboxId], { groupName: "pushed" });
      const payload = wire.WelcomeMessage.encode((await welcomeLog(ann.installationId)).at(-1));
      const [found] = await ann.conversations.processStreamedWelcomeMessage(payload);
      assert.equal(found.id, another.id);
      assert.equal(found.name, "pushed");
      await ann.conversations.sync();
      await another.sendText("hello");
      await found.sync();
      assert.deepEqual(await texts(found), ["hello"]);
      assert.deepEqual(ann.refusals, []);
    },
  );

  await check("DMs made on both sides: keys of the duplicates, one consent for them", async () => {
    const mine = await ann.conversations.createDm(ada.inboxId);
    const theirs = await ada.conversations.createDm(ann.inboxId);
    await eventually("both", async () => {
      await ann.conversations.sync();
      return (await ann.conversations.listDms({ includeDuplicateDms: true })).length === 2;
    });
    assert.deepEqual(
      Object.keys(await mine.hmacKeys()).toSorted(),
      [mine.id, theirs.id].toSorted(),
    );
    await mine.updateConsentState(2);
    for (const dm of await ann.conversations.listDms({ includeDuplicateDms: true })) {
      assert.equal(dm.consentState(), 2);
    }
    await transport.close();
    await ann.close();
  });
}
