// Every content type, written by our client and read by the released SDK, and the other way round.
import * as sdk from "@xmtp/node-sdk";
import { opensslProvider } from "../../packages/crypto/dist/openssl.js";
import { assert } from "../lib/check.mjs";
import { ourClient, ours } from "../lib/ours.mjs";
import { sdkClient } from "../lib/sdk.mjs";

const id = "ab".repeat(32);
const file = { filename: "a.txt", mimeType: "text/plain", content: Uint8Array.of(1, 2, 3) };
const bare = { mimeType: "application/octet-stream", content: Uint8Array.of(9) };
const remote = (name) => ({
  url: "https://example.org/file",
  contentDigest: id,
  secret: new Uint8Array(32).fill(1),
  salt: new Uint8Array(32).fill(2),
  nonce: new Uint8Array(12).fill(3),
  scheme: "https",
  ...(name ? { contentLength: 123, filename: name } : {}),
});

/** By the name of their send method: values, and the guard that knows them. */
const samples = [
  ["sendText", "isText", ["hello", "", "żółw 👍"]],
  ["sendMarkdown", "isMarkdown", ["# hi"]],
  ["sendAttachment", "isAttachment", [file, bare]],
  ["sendRemoteAttachment", "isRemoteAttachment", [remote("a.txt"), remote()]],
  [
    "sendMultiRemoteAttachment",
    "isMultiRemoteAttachment",
    [{ attachments: [remote("a.txt"), remote()] }],
  ],
  [
    "sendTransactionReference",
    "isTransactionReference",
    [
      { networkId: "1", reference: "0xabc" },
      {
        namespace: "eip155",
        networkId: "1",
        reference: "0xabc",
        metadata: {
          transactionType: "transfer",
          currency: "USDC",
          amount: 100000,
          decimals: 6,
          fromAddress: "0xf",
          toAddress: "0xt",
        },
      },
    ],
  ],
  [
    "sendWalletSendCalls",
    "isWalletSendCalls",
    [
      {
        version: "1.0",
        chainId: "0x1",
        from: "0xf",
        calls: [
          {
            to: "0xt",
            data: "0x",
            value: "0x1",
            gas: "0x2",
            metadata: { description: "d", transactionType: "t", more: "m" },
          },
          {},
        ],
        capabilities: { a: "b" },
      },
    ],
  ],
  [
    "sendActions",
    "isActions",
    [
      {
        id: "i",
        description: "Pick",
        actions: [
          {
            id: "a",
            label: "A",
            imageUrl: "https://i",
            style: 0,
            expiresAtNs: 1700000000123000000n,
          },
          { id: "b", label: "B", style: 2 },
          { id: "c", label: "C" },
        ],
        expiresAtNs: 1700000000000000000n,
      },
    ],
  ],
  [
    "sendIntent",
    "isIntent",
    [
      { id: "i", actionId: "a", metadata: { k: "v", n: 1, o: { x: null } } },
      { id: "i", actionId: "b" },
    ],
  ],
];

/** Values without what is absent: one side leaves it out, the other may say undefined. */
const plain = (value) => {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, plain(item)]));
};

export default async function run({ node, check }) {
  const ann = await ourClient(node);
  const ada = await sdkClient(node);
  const group = await ann.conversations.createGroup([ada.inboxId]);
  await ada.conversations.sync();
  const hers = await ada.conversations.getConversationById(group.id);
  const sides = [
    { who: "ours", from: group, to: hers, guards: sdk },
    { who: "theirs", from: hers, to: group, guards: ours },
  ];

  for (const { who, from, to, guards } of sides) {
    for (const [send, guard, values] of samples) {
      await check(`${send} of ${who} is read by the other side`, async () => {
        for (const value of values) {
          const sent = await from[send](value);
          await to.sync();
          const [read, own] = await Promise.all(
            [to, from].map(async (one) => (await one.messages()).find((m) => m.id === sent)),
          );
          assert.deepEqual(plain(read.content), plain(value));
          assert.equal(guards[guard](read), true);
          assert.deepEqual(read.contentType, own.contentType);
          assert.equal(read.fallback, own.fallback);
        }
      });
    }

    await check(`replies, reactions and receipts of ${who} hang where they belong`, async () => {
      const target = await from.sendText("target");
      const inbox = from === group ? ann.inboxId : ada.inboxId;
      const reaction = { reference: target, referenceInboxId: inbox, content: "👍", schema: 1 };
      await from.sendReaction({ ...reaction, action: 1 });
      await from.sendReaction({ ...reaction, action: 2 });
      const encode = from === group ? ours.encodeText : sdk.encodeText;
      const reply = await from.sendReply({
        content: encode("re"),
        reference: target,
        referenceInboxId: inbox,
      });
      await from.sendReadReceipt();
      for (const one of [from, to]) {
        await one.sync();
        const messages = await one.messages();
        const found = messages.find((message) => message.id === target);
        assert.equal(found.numReplies, 1);
        assert.deepEqual(
          found.reactions.map((each) => plain(each.content)),
          [1, 2].map((action) => ({ ...reaction, action })),
        );
        const answer = messages.find((message) => message.id === reply);
        assert.equal(answer.content.content, "re");
        assert.equal(answer.content.referenceId, target);
        assert.equal(answer.content.inReplyTo.content, "target");
        assert.equal(answer.fallback, 'Replied with "re" to an earlier message');
        const times = await one.lastReadTimes();
        assert.ok(BigInt(times[inbox]) > 0n);
      }
    });
  }

  await check("both list and count the same messages", async () => {
    for (const one of [group, hers]) await one.sync();
    const [mine, theirs] = await Promise.all([group.messages(), hers.messages()]);
    // Each knows of its own joining.
    const ids = (messages) => messages.filter(({ kind }) => kind === 0).map((each) => each.id);
    assert.deepEqual(ids(mine), ids(theirs));
    const types = [sdk.ContentType.Reaction, sdk.ContentType.Text, sdk.ContentType.Reply];
    for (const type of types) {
      const options = { contentTypes: [type] };
      assert.equal(await group.countMessages(options), await hers.countMessages(options));
      assert.equal((await group.messages(options)).length, (await hers.messages(options)).length);
    }
    const newest = { direction: 1, limit: 5, excludeContentTypes: [sdk.ContentType.Reply] };
    assert.deepEqual(
      (await group.messages(newest)).map((each) => each.id),
      (await hers.messages(newest)).map((each) => each.id),
    );
  });

  await check("what our client deletes for all is gone at the SDK too", async () => {
    const own = await group.sendText("regret");
    const other = await hers.sendText("unwanted");
    await group.sync();
    await group.deleteMessage(own);
    await group.deleteMessage(other);
    await hers.sync();
    for (const one of [group, hers]) {
      const messages = await one.messages();
      const of = (wanted) => plain(messages.find((message) => message.id === wanted).content);
      assert.deepEqual(of(own), { deletedBy: "Sender" });
      assert.deepEqual(of(other), { deletedBy: "Admin", adminInboxId: ann.inboxId });
    }
  });

  await check("attachments encrypted by one open at the other", async () => {
    const mine = ours.encryptAttachment(file, opensslProvider);
    const theirs = sdk.encryptAttachment(file);
    const lies = { url: "https://example.org", scheme: "https" };
    assert.deepEqual(plain(sdk.decryptAttachment(mine.payload, { ...mine, ...lies })), file);
    assert.deepEqual(
      plain(ours.decryptAttachment(theirs.payload, { ...theirs, ...lies }, opensslProvider)),
      file,
    );
  });

  await check("pins and custom permissions of ours leave the SDK in step", async () => {
    const pinned = await group.sendText("pin me");
    await group.pinMessage(pinned);
    await group.updatePermission(ours.PermissionUpdateType.UpdateMetadata, "creator-only");
    await hers.sync();
    assert.deepEqual(JSON.parse(hers.appData), { pins: [pinned] });
    const { policySet, policyType } = hers.permissions();
    assert.deepEqual(plain(group.permissions()), plain({ policyType, policySet }));
    await assert.rejects(hers.updateAppData("mine"));
    await group.sync();
    const { epoch } = await group.debugInfo();
    assert.equal(BigInt((await hers.debugInfo()).epoch), epoch);
    assert.equal((await hers.debugInfo()).maybeForked, false);
  });

  await ann.close();
}
