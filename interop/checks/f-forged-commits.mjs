// Commits that break the rules, made by a member with our MLS: ours and the released SDK reach the same verdict on each.
import { assert } from "../lib/check.mjs";
import { changed, cipherSuites, crypto, leafOf, mls, unsafeClient, wire } from "../lib/forger.mjs";
import { ourClient, standing, texts } from "../lib/ours.mjs";
import { sdkClient, wallet } from "../lib/sdk.mjs";

const { GroupMembership, GroupMutableMetadataV1, GroupMutablePermissionsV1, MlsCredential } = wire;

export default async function run({ node, check }) {
  let ada;
  let bob;
  let ann;
  let eve;
  let evePhone;
  let group;
  let bobs;
  let anns;

  /** The one epoch that all honest members stand in. */
  const epochOfAll = async () => {
    const all = [await standing(group), await standing(bobs), await standing(anns)];
    for (const { epoch, maybeForked } of all) {
      assert.equal(maybeForked, false);
      assert.equal(epoch, all[0].epoch, `epochs differ: ${all.map((one) => one.epoch)}`);
    }
    return all[0].epoch;
  };
  const talk = async (text) => {
    await group.sendText(text);
    await anns.sendText(`${text}, says ann`);
    await group.sync();
    assert.equal((await texts(group)).at(-1), `${text}, says ann`);
    await group.sendText(text);
    for (const one of [bobs, anns]) {
      await one.sync();
      assert.equal((await texts(one)).at(-1), text);
    }
    // The forger follows too, for its next attempt.
    await (await eve.client.conversations.getConversationById(group.id)).sync();
  };
  const membership = (change, failed) => async () =>
    changed(await eve.groupNow(group.id), 0xff01, GroupMembership, (value) => ({
      members: change(new Map(value.members)) ?? value.members,
      failedInstallations: failed ?? value.failedInstallations,
    }));
  const metadata = (change) => async () =>
    changed(await eve.groupNow(group.id), 0xff00, GroupMutableMetadataV1, (value) => ({
      ...value,
      ...change(value),
    }));

  /** A forger does not follow its own forgeries: one that others follow needs a new group afterwards. */
  const newGroup = async () => {
    group = await ada.conversations.createGroup([bob.inboxId, ann.inboxId, eve.client.inboxId]);
    for (const client of [bob, ann, eve.client]) await client.conversations.sync();
    bobs = await bob.conversations.getConversationById(group.id);
    anns = await ann.conversations.getConversationById(group.id);
    await epochOfAll();
  };

  await check("a group of theirs with ours and a forger in it", async () => {
    ada = await sdkClient(node);
    bob = await sdkClient(node);
    ann = await ourClient(node);
    eve = await unsafeClient(node, wallet());
    await newGroup();
  });

  const refused = [
    [
      "XPM-05",
      "makes itself a super admin",
      async () => [
        await metadata(({ superAdminList }) => ({
          superAdminList: { inboxIds: [...superAdminList.inboxIds, eve.client.inboxId] },
        }))(),
      ],
    ],
    [
      "XPM-04",
      "changes a key that no policy names",
      async () => [
        await metadata(({ attributes }) => ({
          attributes: new Map(attributes).set("_commit_log_signer", "00"),
        }))(),
      ],
    ],
    [
      "XPM-06",
      "opens the permissions",
      async () => [
        changed(
          await eve.groupNow(group.id),
          0xff02,
          GroupMutablePermissionsV1,
          ({ policies }) => ({
            policies: { ...policies, removeMemberPolicy: { kind: "base", value: 1 } },
          }),
        ),
      ],
    ],
    [
      "XCV-02",
      "takes the permissions away",
      async () => [
        {
          kind: "group-context-extensions",
          extensions: (await eve.groupNow(group.id)).context.extensions.filter(
            ({ type }) => type !== 0xff02,
          ),
        },
      ],
    ],
    [
      "XCV-05",
      "writes a name that is too long",
      async () => [
        await metadata(({ attributes }) => ({
          attributes: new Map(attributes).set("group_name", "x".repeat(101)),
        }))(),
      ],
    ],
    [
      "XPM-02",
      "removes a member",
      async () => [
        { kind: "remove", removed: leafOf(await eve.groupNow(group.id), bob.installationId) },
        await membership((members) => members.delete(bob.inboxId) && members)(),
      ],
    ],
    [
      "XCV-14",
      "removes a leaf and keeps its inbox",
      async () => [
        { kind: "remove", removed: leafOf(await eve.groupNow(group.id), bob.installationId) },
      ],
    ],
    [
      "XCV-10",
      "turns a sequence id back",
      async () => [await membership((members) => members.set(bob.inboxId, 1n))()],
    ],
    [
      "XCV-13",
      "adds an installation that no inbox of the commit admitted",
      async () => {
        const stranger = await sdkClient(node);
        return [{ kind: "add", keyPackage: await eve.keyPackage(stranger.installationId) }];
      },
    ],
    [
      "XCV-13",
      "adds an inbox at a place where its installation is not there yet",
      async () => {
        const who = wallet();
        const first = await sdkClient(node, who);
        const before = await eve.newestId(first.inboxId);
        const second = await sdkClient(node, who);
        return [
          { kind: "add", keyPackage: await eve.keyPackage(second.installationId) },
          await membership((members) => members.set(first.inboxId, before))(),
        ];
      },
    ],
    [
      "XCV-15",
      "takes its own inbox out of the membership",
      async () => [await membership((members) => members.delete(eve.client.inboxId) && members)()],
    ],
  ];
  for (const [rule, what, attack] of refused) {
    await check(`${rule}: a member that ${what} is refused by ours and theirs`, async () => {
      const before = await epochOfAll();
      ann.refusals.length = 0;
      await eve.commit(group.id, await attack());
      assert.equal(await epochOfAll(), before);
      assert.equal(ann.refusals.length, 1);
      await talk(`after ${rule}, ${what}`);
    });
  }

  const accepted = [
    [
      "XID-31",
      "moves an inbox to an id ahead of its log",
      async () => [await membership((members) => members.set(bob.inboxId, 1_000_000n))()],
    ],
    [
      "XPM-02",
      "changes the name, as all may",
      async () => [
        await metadata(({ attributes }) => ({
          attributes: new Map(attributes).set("group_name", "eve's"),
        }))(),
      ],
    ],
    [
      "XCV-13",
      "adds an inbox but leaves out one of its installations",
      async () => {
        const who = wallet();
        await sdkClient(node, who);
        const second = await sdkClient(node, who);
        const newest = await eve.newestId(second.inboxId);
        return [
          { kind: "add", keyPackage: await eve.keyPackage(second.installationId) },
          await membership((members) => members.set(second.inboxId, newest))(),
        ];
      },
    ],
    [
      "XGC-51",
      "lists failed installations that nobody tried to add",
      async () => [await membership(() => undefined, [new Uint8Array(32).fill(7)])()],
    ],
    [
      "XCV note",
      "changes the immutable metadata",
      async () => {
        const now = await eve.groupNow(group.id);
        return [
          {
            kind: "group-context-extensions",
            extensions: now.context.extensions.map((extension) => {
              if (extension.type !== 0xf000) return extension;
              const data = extension.data.slice();
              // the creator's inbox id, its last digit
              data[data.length - 1] = data.at(-1) === 0x30 ? 0x31 : 0x30;
              return { ...extension, data };
            }),
          },
        ];
      },
    ],
    [
      "XGC-35",
      "adds an extension that nobody knows, in another order",
      async () => {
        const now = await eve.groupNow(group.id);
        return [
          {
            kind: "group-context-extensions",
            extensions: now.context.extensions.toReversed(),
          },
        ];
      },
    ],
  ];
  for (const [rule, what, change] of accepted) {
    await check(`${rule}: a member that ${what} is followed by ours and theirs alike`, async () => {
      await newGroup();
      const before = await epochOfAll();
      await eve.commit(group.id, await change());
      assert.equal(await epochOfAll(), before + 1n);
      await talk(`after ${rule}, ${what}`);
    });
  }

  await check(
    "A5: a leaf that claims another's inbox: the same epoch, and what it says is not heard by ours",
    async () => {
      await newGroup();
      evePhone = await unsafeClient(node, { signer: eve.client.signer });
      const newest = await eve.newestId(eve.client.inboxId);
      const now = BigInt(Math.floor(Date.now() / 1000));
      const mask = mls.createKeyPackage({
        crypto,
        cipherSuite: cipherSuites.get(3),
        signer: evePhone.signer,
        credential: { kind: "basic", identity: MlsCredential.encode({ inboxId: ada.inboxId }) },
        capabilities: {
          versions: [1],
          cipherSuites: [3],
          extensions: [10, 1, 0xf000, 0xff02, 0xff00, 0xff01, 0xff03, 0xff04],
          proposals: [7],
          credentials: [1],
        },
        lifetime: { notBefore: now - 3600n, notAfter: now + 86_400n },
      });
      const before = await epochOfAll();
      const made = await eve.commit(group.id, [
        { kind: "add", keyPackage: mask.keyPackage },
        await membership((members) => members.set(eve.client.inboxId, newest))(),
      ]);
      const after = await epochOfAll();
      console.log(`        epoch ${before} -> ${after}`);
      if (after === before) return;
      const joined = mls.join({
        crypto,
        welcome: made.welcome,
        keyPackages: [mask],
        judge: mls.acceptAll,
      });
      assert.equal(joined.kind, "joined");
      const content = wire.EncodedContent.encode(
        wire.EncodedContent.create({
          type: { authorityId: "xmtp.org", typeId: "text", versionMajor: 1, versionMinor: 0 },
          parameters: new Map([["encoding", "UTF-8"]]),
          content: new TextEncoder().encode("I am Ada"),
        }),
      );
      const plaintext = wire.PlaintextEnvelope.encode({
        kind: "v1",
        value: { content, idempotencyKey: "1" },
      });
      const { message } = mls.seal({
        crypto,
        group: joined.group,
        signer: evePhone.signer,
        plaintext,
      });
      await evePhone.send(message);
      await epochOfAll();
      assert.ok(!(await texts(anns)).includes("I am Ada"));
      console.log(`        the SDK shows it: ${(await texts(bobs)).includes("I am Ada")}`);
    },
  );

  await check(
    "XCV-06: a leaf that turns to another inbox is refused by ours; 1.11 follows it",
    async () => {
      const own = await ada.conversations.createGroup([ann.inboxId, eve.client.inboxId]);
      for (const client of [ann, eve.client]) await client.conversations.sync();
      const mine = await ann.conversations.getConversationById(own.id);
      const before = await standing(mine);
      const identity = MlsCredential.encode({ inboxId: ada.inboxId });
      await eve.commit(own.id, [], { newLeaf: { credential: { kind: "basic", identity } } });
      assert.equal((await standing(mine)).epoch, before.epoch);
      assert.equal(ann.refusals.at(-1).rule, "XCV-06");
      const theirs = await standing(own);
      console.log(`        epoch of ours ${before.epoch}, of theirs ${theirs.epoch}`);
    },
  );
}
