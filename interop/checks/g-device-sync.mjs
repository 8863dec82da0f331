// One inbox with an installation of the released SDK and one of ours: what they tell each other.
import { assert, eventually, take } from "../lib/check.mjs";
import { ourClient, texts } from "../lib/ours.mjs";
import { sdkClient, wallet } from "../lib/sdk.mjs";

const syncing = { historySyncUrl: undefined, disableDeviceSync: false };
const inbox = 1;
const group = 0;
const allowed = 1;
const denied = 2;
const hex = (bytes) => Buffer.from(bytes).toString("hex");

const plainKeys = (keys) =>
  Object.fromEntries(
    Object.entries(keys).map(([id, list]) => [
      id,
      list.map(({ key, epoch }) => `${epoch} ${hex(key)}`),
    ]),
  );

export default async function run({ node, check }) {
  for (const first of ["the SDK", "ours"]) {
    await story({ node, check, first });
  }
}

async function story({ node, check, first }) {
  const who = wallet();
  const name = (title) => `${first} first: ${title}`;
  let sdk;
  let our;
  let friend;
  let talk;

  const both = async () => {
    await sdk.conversations.syncAll([0, 1, 2]);
    await sdk.preferences.sync();
    await our.preferences.sync();
  };
  const agree = (what, probe) =>
    eventually(
      what,
      async () => {
        await both();
        return probe();
      },
      { timeoutMs: 30_000, everyMs: 250 },
    );

  await check(name("a second installation of the inbox joins"), async () => {
    friend = await sdkClient(node);
    if (first === "the SDK") {
      sdk = await sdkClient(node, who, syncing);
      talk = await sdk.conversations.createGroup([friend.inboxId]);
      await talk.sendText("before");
      our = await ourClient(node, who);
    } else {
      our = await ourClient(node, who);
      talk = await our.conversations.createGroup([friend.inboxId]);
      await talk.sendText("before");
      sdk = await sdkClient(node, who, syncing);
    }
    assert.equal(sdk.inboxId, our.inboxId);
  });

  await check(name("the one that was there lets the new one into its conversations"), async () => {
    const late = first === "the SDK" ? our : sdk;
    await agree("the group", () => late.conversations.getConversationById(talk.id));
    await friend.conversations.sync();
    const theirs = await friend.conversations.getConversationById(talk.id);
    await theirs.sync();
    await theirs.sendText("hello, both of you");
    const seen = await late.conversations.getConversationById(talk.id);
    await seen.sync();
    assert.deepEqual(await texts(seen), ["hello, both of you"]);
  });

  await check(name("sync groups are hidden on both sides"), async () => {
    assert.equal((await our.conversations.list()).length, 1);
    assert.equal((await sdk.conversations.list()).length, 1);
  });

  await check(name("consent of an inbox set by ours is read by the SDK (O-3)"), async () => {
    await our.preferences.denyInboxIds([friend.inboxId]);
    await agree(
      "the SDK to know",
      async () => (await sdk.preferences.getConsentState(inbox, friend.inboxId)) === denied,
    );
  });

  await check(name("consent of an inbox set by the SDK is read by ours"), async () => {
    await sdk.preferences.setConsentStates([
      { entityType: inbox, entity: friend.inboxId, state: allowed },
    ]);
    await agree("ours to know", () => our.preferences.isInboxIdAllowed(friend.inboxId));
  });

  await check(name("consent of a conversation goes both ways, the later word counts"), async () => {
    const mine = await our.conversations.getConversationById(talk.id);
    await mine.updateConsentState(denied);
    await agree(
      "the SDK to know",
      async () => (await sdk.preferences.getConsentState(group, talk.id)) === denied,
    );
    const theirs = await sdk.conversations.getConversationById(talk.id);
    theirs.updateConsentState(allowed);
    await agree("ours to know", () => mine.consentState() === allowed);
  });

  await check(name("streams of the SDK tell what ours changed (O-3)"), async () => {
    const stream = await sdk.preferences.streamConsent();
    const entity = "ab".repeat(32);
    await our.preferences.denyInboxIds([entity]);
    await agree(
      "the SDK to know",
      async () => (await sdk.preferences.getConsentState(inbox, entity)) === denied,
    );
    const [consents] = await take(stream, 1);
    assert.deepEqual(consents, [{ entityType: inbox, state: denied, entity }]);
    await stream.end();
  });

  await check(name("streams of ours tell what the SDK changed"), async () => {
    const stream = await our.preferences.streamPreferences();
    const entity = "cd".repeat(32);
    const consent = { entityType: inbox, entity, state: denied };
    await sdk.preferences.setConsentStates([consent]);
    await agree("ours to know", () => our.preferences.isInboxIdDenied(entity));
    const [updates] = await take(stream, 1);
    assert.deepEqual(updates, [{ type: "ConsentUpdate", consent }]);
    await stream.end();
  });

  await check(name("HMAC keys of all conversations are equal (XPU-05)"), async () => {
    await agree("equal keys", async () => {
      const one = JSON.stringify(plainKeys(sdk.conversations.hmacKeys()));
      return (
        one.length > 100 && one === JSON.stringify(plainKeys(await our.conversations.hmacKeys()))
      );
    });
  });

  await check(
    name("a conversation made by ours is allowed at the SDK, and the other way round"),
    async () => {
      const mine = await our.conversations.createGroup([friend.inboxId]);
      await agree(
        "the SDK to have it",
        async () => (await sdk.preferences.getConsentState(group, mine.id)) === allowed,
      );
      const theirs = await sdk.conversations.createGroup([friend.inboxId]);
      await agree(
        "ours to have it",
        async () => (await our.preferences.getConsentState(group, theirs.id)) === allowed,
      );
    },
  );

  await check(name("after a revocation by ours the root cycles and the SDK follows"), async () => {
    const lost = await ourClient(node, who);
    const before = plainKeys(await our.conversations.hmacKeys());
    await our.revokeInstallations([lost.installationIdBytes]);
    await agree("new equal keys", async () => {
      const one = plainKeys(sdk.conversations.hmacKeys());
      const two = plainKeys(await our.conversations.hmacKeys());
      return JSON.stringify(one) === JSON.stringify(two) && one[talk.id][0] !== before[talk.id][0];
    });
    await lost.close();
  });

  await check(name("everybody is of one epoch, and nothing of the SDK's was refused"), async () => {
    await both();
    const mine = await our.conversations.getConversationById(talk.id);
    await mine.sync();
    const theirs = await sdk.conversations.getConversationById(talk.id);
    await theirs.sync();
    const [one, two] = [await mine.debugInfo(), await theirs.debugInfo()];
    assert.equal(BigInt(one.epoch), BigInt(two.epoch));
    assert.deepEqual(our.refusals, []);
    await our.close();
  });
}
