// Archives of history, written by one of the two and read by the other; asked for and sent between installations of one inbox.
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, eventually } from "../lib/check.mjs";
import { ourClient, texts } from "../lib/ours.mjs";
import { sdkClient, wallet } from "../lib/sdk.mjs";

const syncing = { historySyncUrl: undefined, disableDeviceSync: false };
const everything = { elements: ["Consent", "Messages"], excludeDisappearingMessages: false };
const [group, inbox] = [0, 1];
const [allowed, denied] = [1, 2];
const restored = 3;

export default async function run({ node, check, folder }) {
  const key = () => Uint8Array.from(randomBytes(32));
  const file = (name) => join(folder, name);
  let friend;
  /** A wallet whose client has some history: a group, a DM, consent, reactions and replies. */
  const past = async (client) => {
    const talk = await client.conversations.createGroup([friend.inboxId], {
      groupName: "stairs",
      groupDescription: "the house",
    });
    const first = await talk.sendText("first");
    await friend.conversations.sync();
    const theirs = await friend.conversations.getConversationById(talk.id);
    await theirs.sync();
    await theirs.sendText("second");
    await theirs.sendReaction({
      reference: first,
      referenceInboxId: client.inboxId,
      action: 1,
      content: "+",
      schema: 1,
    });
    await talk.sync();
    await talk.sendText("third");
    const dm = await client.conversations.createDm(friend.inboxId);
    await dm.sendText("in private");
    const stranger = "ee".repeat(32);
    await client.preferences.setConsentStates([
      { entityType: inbox, entity: stranger, state: denied },
    ]);
    return { talk: talk.id, dm: dm.id, stranger, first };
  };
  const holds = async (client, { talk, dm, stranger, first }) => {
    const it = await client.conversations.getConversationById(talk);
    assert.ok(it, "the group is there");
    assert.deepEqual(await texts(it), ["first", "second", "third"]);
    assert.equal(it.name, "stairs");
    assert.equal((await it.messages()).find(({ id }) => id === first).reactions?.length ?? 1, 1);
    const pair = await client.conversations.getConversationById(dm);
    assert.ok(pair, "the DM is there");
    assert.deepEqual(await texts(pair), ["in private"]);
    assert.equal(pair.peerInboxId, friend.inboxId);
    assert.equal(await client.preferences.getConsentState(inbox, stranger), denied);
    assert.equal(await client.preferences.getConsentState(group, talk), allowed);
  };

  const stories = [
    { from: "ours", to: "the SDK", writer: ourClient, reader: sdkClient },
    { from: "the SDK", to: "ours", writer: sdkClient, reader: ourClient },
    { from: "ours", to: "ours", writer: ourClient, reader: ourClient },
  ];
  for (const { from, to, writer, reader } of stories) {
    const who = wallet();
    const path = file(`${from}-${to}.xmtp`);
    const secret = key();
    let source;
    let target;
    let was;
    let restoredGroup;
    await check(`${from} writes, ${to} reads: metadata, then everything`, async () => {
      friend ??= await sdkClient(node);
      source = await writer(node, who);
      was = await past(source);
      await source.createArchive(path, secret, everything);
      assert.ok(statSync(path).size > 500);
      target = await reader(node, who);
      const metadata = await target.archiveMetadata(path, secret);
      assert.equal(metadata.backupVersion, 0);
      assert.deepEqual([...metadata.elements].toSorted(), ["Consent", "Messages"]);
      await target.importArchive(path, secret);
      await holds(target, was);
    });
    await check(`${from} writes, ${to} reads: again, and nothing changes`, async () => {
      const before = (await target.conversations.list()).length;
      await target.importArchive(path, secret);
      await holds(target, was);
      assert.equal((await target.conversations.list()).length, before);
    });
    await check(
      `${to}: restored conversations are inactive until a member lets them in`,
      async () => {
        restoredGroup = await target.conversations.getConversationById(was.talk);
        assert.equal(restoredGroup.isActive, false);
        if (to === "ours") assert.equal(restoredGroup.membershipState(), restored);
        const theirs = await friend.conversations.getConversationById(was.talk);
        await new Promise((resolve) => setTimeout(resolve, 5_100));
        await theirs.sendText("and on it goes");
        await eventually("the welcome", async () => {
          await target.conversations.sync();
          const now = await target.conversations.getConversationById(was.talk);
          return now.isActive === true;
        });
        const now = await target.conversations.getConversationById(was.talk);
        await now.sync();
        assert.deepEqual(await texts(now), ["first", "second", "third", "and on it goes"]);
        await now.sendText("here again");
        await theirs.sync();
        assert.equal((await texts(theirs)).at(-1), "here again");
      },
    );
    await check(
      `${to}: another key, a cut file, noise: an error, and nothing of it stays`,
      async () => {
        const fresh = await reader(node, wallet());
        await assert.rejects(async () => fresh.importArchive(path, key()));
        const cut = file(`${from}-${to}-cut.xmtp`);
        writeFileSync(cut, readFileSync(path));
        truncateSync(cut, statSync(path).size - 40);
        if (to === "ours") {
          await assert.rejects(fresh.importArchive(cut, secret), { code: "client/bad-archive" });
          assert.equal((await fresh.conversations.list()).length, 0);
        }
        writeFileSync(cut, randomBytes(5_000));
        await assert.rejects(async () => fresh.importArchive(cut, secret));
        await fresh.close?.();
      },
    );
  }

  await check("a time range: messages from then on, with the groups they are of", async () => {
    for (const [writer, reader] of [
      [ourClient, sdkClient],
      [sdkClient, ourClient],
    ]) {
      const who = wallet();
      const source = await writer(node, who);
      const talk = await source.conversations.createGroup([friend.inboxId]);
      await talk.sendText("early");
      const [early] = (await talk.messages()).slice(-1);
      await talk.sendText("late");
      const path = file(`range-${writer.name}.xmtp`);
      const secret = key();
      const startNs = BigInt(early.sentAtNs) + 1n;
      await source.createArchive(path, secret, { ...everything, startNs });
      const target = await reader(node, who);
      if (writer === ourClient) {
        await target.importArchive(path, secret);
        const seen = await target.conversations.getConversationById(talk.id);
        assert.deepEqual(await texts(seen), ["late"]);
      } else {
        // Its messages come without their group: there is nothing to put them in.
        const { messages, skipped } = await target.importArchive(path, secret);
        assert.equal(messages, 0);
        assert.ok(skipped >= 1);
      }
    }
  });

  await check("consent alone", async () => {
    const who = wallet();
    const source = await ourClient(node, who);
    const was = await past(source);
    const path = file("consent.xmtp");
    const secret = key();
    await source.createArchive(path, secret, { ...everything, elements: ["Consent"] });
    const target = await sdkClient(node, who);
    assert.deepEqual((await target.archiveMetadata(path, secret)).elements, ["Consent"]);
    await target.importArchive(path, secret);
    assert.equal(await target.preferences.getConsentState(inbox, was.stranger), denied);
    assert.equal((await target.conversations.list()).length, 0);
  });

  const archives = () => readdirSync(join(folder, "node", "history")).length;
  for (const asks of ["the SDK", "ours"]) {
    const who = wallet();
    await check(
      `${asks} asks the other installation for history, which sends it`,
      async () => {
        const sdkFirst = asks === "ours";
        const there = sdkFirst
          ? await sdkClient(node, who, syncing)
          : await ourClient(node, who, { historySyncUrl: node.historyUrl });
        const was = await past(there);
        const before = archives();
        const asker = sdkFirst ? await ourClient(node, who) : await sdkClient(node, who, syncing);
        const rounds = async () => {
          await there.conversations.syncAll([0, 1, 2]);
          await there.preferences.sync();
          await asker.conversations.syncAll([0, 1, 2]);
          await asker.preferences.sync();
        };
        await rounds();
        await asker.sendSyncRequest(everything, node.historyUrl);
        await eventually(
          "the archive to be uploaded and taken",
          async () => {
            await rounds();
            const it = await asker.conversations.getConversationById(was.talk);
            return it !== undefined && (await texts(it)).includes("first");
          },
          { timeoutMs: 50_000, everyMs: 300 },
        );
        assert.ok(archives() > before);
        await holds(asker, was);
      },
      { timeoutMs: 90_000 },
    );

    await check(
      `${asks} finds an archive that the other one sent unasked, by its pin`,
      async () => {
        const other = wallet();
        const [one, two] =
          asks === "ours"
            ? [await sdkClient(node, other, syncing), await ourClient(node, other)]
            : [await ourClient(node, other), await sdkClient(node, other, syncing)];
        const was = await past(one);
        const rounds = async () => {
          for (const client of [one, two, one, two]) await client.syncAllDeviceSyncGroups();
        };
        await rounds();
        await one.sendSyncArchive("24680", everything, node.historyUrl);
        await eventually("the offer", async () => {
          await two.conversations.syncAll([0, 1, 2]);
          await two.syncAllDeviceSyncGroups();
          return (await two.listAvailableArchives(7)).some(({ pin }) => pin === "24680");
        });
        const [offer] = (await two.listAvailableArchives(7)).filter(({ pin }) => pin === "24680");
        assert.deepEqual(Buffer.from(offer.sentByInstallation).toString("hex"), one.installationId);
        assert.deepEqual([...offer.metadata.elements].toSorted(), ["Consent", "Messages"]);
        await two.processSyncArchive("24680");
        await holds(two, was);
      },
      { timeoutMs: 90_000 },
    );
  }
}
