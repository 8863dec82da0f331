import { expect, test } from "vitest";
import { fromHex } from "@coterie/base";
import { decodeMlsMessage, memberAt, members } from "@coterie/mls";
import type { Extension, Processed, Proposal } from "@coterie/mls";
import { GroupMutableMetadataV1 } from "@coterie/wire";
import {
  createWorld,
  crew,
  follow,
  groupLog,
  groupOf,
  openWith,
  standings,
  textsOf,
  unsafeForgerOf,
} from "@coterie/testkit";
import type { Actor, Forger } from "@coterie/testkit";

function kindsOf(processed: Processed): string[] {
  if (processed.kind !== "committed") return [processed.kind];
  return processed.view.proposals.map(({ proposal }: { proposal: Proposal }) => proposal.kind);
}

function metadataOf(forger: Forger): GroupMutableMetadataV1 {
  const found = forger.group.context.extensions.find(({ type }) => type === 0xff00) as Extension;
  return GroupMutableMetadataV1.decode(found.data);
}

test("XGC-01, XGC-02: groups are MLS 1.0 with ciphersuite 3 and ids of 16 random bytes", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const other = await (actors[0] as Actor).client.conversations.createGroup([]);
  const forger = await unsafeForgerOf(world, (actors[1] as Actor).store, group.id);
  expect(forger.group.suite.id).toBe(3);
  expect(forger.group.groupId.length).toBe(16);
  expect(other.id).not.toBe(group.id);
  await world.close();
});

test("XGC-03, XGC-04, XGC-06: all that a group sends is a PrivateMessage without padding, additions or proposals of its own", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const forger = await unsafeForgerOf(world, bo.store, group.id);
  await group.sendText("said");
  await group.updateName("named");
  const log = await groupLog(world, group.id);
  expect(log.map(({ header }) => [header.wireFormat, header.contentType])).toEqual([
    ["private", "commit"],
    ["private", "application"],
    ["private", "commit"],
  ]);
  for (const { data } of log) {
    const decoded = decodeMlsMessage(data);
    if (decoded.kind !== "private") throw new Error();
    expect(decoded.message.authenticatedData.length).toBe(0);
  }
  const said = (log[1] as { data: Uint8Array }).data;
  const opened = openWith(world, forger, said);
  const framed = decodeMlsMessage(said);
  if (opened.kind !== "message" || framed.kind !== "private") throw new Error();
  const length = opened.plaintext.length;
  // The text with its length, a signature of 64 bytes with its own, and the tag: nothing else.
  const content = (length < 64 ? 1 : 2) + length + 2 + 64;
  expect(framed.message.ciphertext.length).toBe(content + 16);
  await world.close();
});

test("XGC-07, XGC-40, XGC-41, XGC-42, XGC-43, XGC-44: what each wish puts into its commit, always with a path", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const bo = actors[1] as Actor;
  const cy = await world.join("cy");
  const gce = "group-context-extensions";
  const wishes: [() => Promise<void>, string[]][] = [
    [() => group.updateName("one"), [gce]],
    [() => group.updateName("one"), [gce]],
    [() => group.addAdmin(bo.client.inboxId), [gce]],
    [() => group.addAdmin(bo.client.inboxId), [gce]],
    [() => group.updatePermission(0, 2), [gce]],
    [() => group.addMembers([cy.client.inboxId]), ["add", gce]],
    [() => group.removeMembers([cy.client.inboxId]), ["remove", gce]],
  ];
  for (const [wish, expected] of wishes) {
    const forger = await unsafeForgerOf(world, bo.store, group.id);
    await wish();
    const last = (await groupLog(world, group.id)).at(-1) as {
      data: Uint8Array;
      shouldPush: boolean;
    };
    const opened = openWith(world, forger, last.data);
    expect(kindsOf(opened)).toEqual(expected);
    if (opened.kind === "committed") expect(opened.view.pathLeaf).toBeDefined();
    // XMS-07
    expect(last.shouldPush).toBe(false);
    await follow(bo, group.id);
  }
  // XIN-14: a joiner's first message brings a key update with it.
  const forger = await unsafeForgerOf(world, (actors[0] as Actor).store, group.id);
  await (await groupOf(bo, group.id)).sendText("first");
  const [update, message] = (await groupLog(world, group.id)).slice(-2);
  const opened = openWith(world, forger, (update as { data: Uint8Array }).data);
  expect(kindsOf(opened)).toEqual([]);
  expect(opened.kind === "committed" && opened.view.pathLeaf !== undefined).toBe(true);
  expect(message?.header.contentType).toBe("application");
  await world.close();
});

test("XGC-09: one Welcome with the whole tree serves all who join by a commit", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy", "di", "ed"]);
  const sizes = await Promise.all(
    actors.slice(1).map(async ({ client }) => {
      const topic = client.installationIdBytes;
      const page = await world.log.welcomes({ topic, direction: "ascending", limit: 10 });
      return page.entries.map(({ kind, data }) => [kind, data.length < 1_500]);
    }),
  );
  // Four capable installations: each has a short pointer to the one that is shared.
  expect(sizes).toEqual(Array.from({ length: 4 }, () => [["pointer", true]]));
  expect((await standings(actors, group.id)).size).toBe(1);
  await world.close();
});

test("XGC-10, XKP-12: a key package out of its time adds nobody; leaves grown old keep nobody out", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const old = await world.join("old");
  world.clock.jump(100 * 86_400_000);
  await expect(group.addMembers([old.client.inboxId])).rejects.toMatchObject({
    code: "client/failed-to-verify-installations",
  });
  const cy = await world.join("cy");
  await group.addMembers([cy.client.inboxId]);
  expect((await standings([...actors, cy], group.id)).size).toBe(1);
  await world.close();
});

test("XGC-25, XGC-30, XGC-60: our leaves can all that a group requires and promise nothing of proposal mode", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const forger = await unsafeForgerOf(world, (actors[1] as Actor).store, group.id);
  for (const { leaf } of members(forger.group)) {
    const { extensions, proposals, cipherSuites } = leaf.capabilities;
    for (const needed of [0xff01, 0xff00, 0xff02, 0xf000, 10, 1, 0xff03, 0xff04]) {
      expect(extensions).toContain(needed);
    }
    expect(extensions.some((type) => type === 6 || type === 0xff05)).toBe(false);
    expect([proposals, cipherSuites]).toEqual([[7], [3]]);
  }
  expect(forger.group.context.extensions.map(({ type }) => type)).not.toContain(0xff05);
  await world.close();
});

test("XGC-30: leaves of others may know more, in another order, and have no application id", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [ada, bo, cy] = actors as [Actor, Actor, Actor];
  const forger = await unsafeForgerOf(world, bo.store, group.id);
  const own = memberAt(forger.group, forger.group.ownLeaf)?.leaf;
  const { capabilities } = own as NonNullable<typeof own>;
  await forger.commit([], {
    newLeaf: {
      capabilities: {
        ...capabilities,
        cipherSuites: [0x0042, ...capabilities.cipherSuites, 0xf042],
        extensions: [0x0906, ...capabilities.extensions.toReversed()],
      },
      extensions: [],
    },
  });
  expect((await standings([ada, cy], group.id)).size).toBe(1);
  expect((await group.debugInfo()).epoch).toBe(2n);
  const di = await world.join("di");
  await group.addMembers([di.client.inboxId]);
  expect((await standings([ada, cy, di], group.id)).size).toBe(1);
  await world.close();
});

test("XGC-32, XGC-33, XGC-34, XGC-55: attributes and lists of a new group and of a new DM, and its first commit", async () => {
  const world = createWorld();
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const group = await ada.client.conversations.createGroup([bo.client.inboxId], {
    groupName: "Stairs",
    messageDisappearingSettings: { fromNs: 1n, inNs: 2n },
  });
  const dm = await ada.client.conversations.createDm(bo.client.inboxId);
  const plain = await ada.client.conversations.createGroup([]);
  const of = async (id: string): Promise<GroupMutableMetadataV1> =>
    metadataOf(await unsafeForgerOf(world, ada.store, id));
  const metadata = await of(group.id);
  const seed = metadata.attributes.get("_commit_log_signer");
  expect(seed).toMatch(/^[0-9a-f]{64}$/);
  expect(Object.fromEntries(metadata.attributes)).toEqual({
    group_name: "Stairs",
    description: "",
    group_image_url_square: "",
    app_data: "",
    message_disappear_from_ns: "1",
    message_disappear_in_ns: "2",
    _commit_log_signer: seed,
  });
  expect(metadata.adminList.inboxIds).toEqual([]);
  expect(metadata.superAdminList.inboxIds).toEqual([ada.client.inboxId]);
  expect([...(await of(plain.id)).attributes.keys()].toSorted()).toEqual([
    "_commit_log_signer",
    "app_data",
    "description",
    "group_image_url_square",
    "group_name",
  ]);
  const private_ = await of(dm.id);
  expect([...private_.attributes.keys()].toSorted()).toEqual([
    "_commit_log_signer",
    "description",
    "group_image_url_square",
    "group_name",
  ]);
  expect([private_.adminList.inboxIds, private_.superAdminList.inboxIds]).toEqual([[], []]);
  // Sent in epoch 0; joiners come into epoch 1.
  const [first] = await groupLog(world, group.id);
  expect(first?.header).toMatchObject({ epoch: 0n, contentType: "commit" });
  expect((await (await follow(bo, group.id)).debugInfo()).epoch).toBe(1n);
  await world.close();
});

test("XGC-05: messages of three epochs back are read, also by who was away", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [, bo, cy] = actors as [Actor, Actor, Actor];
  const his = await groupOf(bo, group.id);
  await his.sendText("warm up");
  await group.sync();
  const late: Uint8Array[] = [];
  for (let i = 0; i < 4; i++) {
    await group.sendText(`in epoch ${i}`);
    await group.updateName(`${i}`);
    late.push((await groupLog(world, group.id)).at(-2)?.data as Uint8Array);
  }
  const hers = await follow(cy, group.id);
  expect(await textsOf(hers)).toEqual([
    "warm up",
    "in epoch 0",
    "in epoch 1",
    "in epoch 2",
    "in epoch 3",
  ]);
  // Played again late, nothing is read twice.
  for (const data of late) {
    await world.log.appendGroupMessages([
      {
        groupId: fromHex(group.id),
        data: new Uint8Array(data),
        senderHmac: new Uint8Array(32),
        shouldPush: false,
        isCommit: false,
      },
    ]);
  }
  await hers.sync();
  expect((await textsOf(hers)).length).toBe(5);
  await world.close();
});
