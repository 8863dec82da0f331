import { expect, test } from "vitest";
import { carryLogs, swappedFor } from "./fork.ts";
import { fromHex } from "@coterie/base";
import {
  BatchQueryCommitLogRequest,
  BatchQueryCommitLogResponse,
  PlaintextCommitLogEntry,
  paths,
} from "@coterie/wire";
import { createWorld, crew, follow, groupOf, unsafeForgerOf } from "@coterie/testkit";
import type { Actor } from "@coterie/testkit";

/** Time for the worker that carries commit logs (every five minutes). */
test("XIN-41: every commit leaves a row with its type, its result and both authenticators; creation and welcome leave id 0", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [ada, bo] = actors as [Actor, Actor];
  await group.updateName("one");
  await group.addAdmin(bo.client.inboxId);
  await group.updatePermission(1, 0);
  const his = await follow(bo, group.id);
  const { localCommitLog: hers } = await group.debugInfo();
  expect(hers.map(({ type }) => type)).toEqual([
    "GroupCreation",
    "UpdateGroupMembership",
    "MetadataUpdate",
    "UpdateAdminList",
    "UpdatePermission",
  ]);
  const { localCommitLog } = await his.debugInfo();
  expect(localCommitLog.map(({ type }) => type)).toEqual([
    "Welcome",
    "MetadataUpdate",
    "UpdateAdminList",
    "UpdatePermission",
  ]);
  expect([hers[0]?.sequenceId, localCommitLog[0]?.sequenceId]).toEqual([0n, 0n]);
  for (const row of localCommitLog.slice(1)) {
    expect(row).toEqual(hers.find(({ sequenceId }) => sequenceId === row.sequenceId));
    expect(row).toMatchObject({ result: 1, sender: ada.client.inboxId });
  }
  for (let i = 2; i < hers.length; i++) {
    expect(hers[i]?.lastAuthenticator).toEqual(hers[i - 1]?.appliedAuthenticator);
  }
  await world.close();
});

test("XIN-41: commits of other epochs right after a welcome leave no row; later ones do", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [, bo] = actors as [Actor, Actor];
  const forger = await unsafeForgerOf(world, bo.store, group.id);
  await group.updateName("one");
  const cy = await world.join("cy");
  await group.addMembers([cy.client.inboxId]);
  // Built on the epoch before the welcome's.
  await forger.commit([]);
  const hers = await follow(cy, group.id);
  expect((await hers.debugInfo()).localCommitLog.map(({ type }) => type)).toEqual(["Welcome"]);
  await group.updateName("two");
  await forger.commit([]);
  await hers.sync();
  const { localCommitLog } = await hers.debugInfo();
  expect(localCommitLog.map(({ result }) => result)).toEqual([1, 1, 2]);
  await world.close();
});

test("XIN-41, XCV-30: a refused commit is in the log and in debugInfo, with its rule", async () => {
  const world = createWorld();
  const { actors, group } = await crew(world, ["ada", "bo", "cy"]);
  const [ada, bo] = actors as [Actor, Actor];
  const forger = await unsafeForgerOf(world, bo.store, group.id);
  const removed = [1, 2].find((leaf) => leaf !== forger.group.ownLeaf) as number;
  await forger.commit([{ kind: "remove", removed }]);
  await group.sync();
  const info = await group.debugInfo();
  expect(info.localCommitLog.at(-1)).toMatchObject({ result: 4, appliedEpoch: 1n });
  expect(info.lastRefusedCommit).toMatchObject({ sequenceId: info.cursor[0]?.sequenceId });
  expect(info.lastRefusedCommit?.rule).toMatch(/^X[PC]/);
  expect(info.openIntents).toEqual([]);
  expect(ada.events.findLast(({ kind }) => kind === "refused")).toMatchObject({
    what: "commit",
    rule: info.lastRefusedCommit?.rule,
  });
  await world.close();
});

test("XIN-42, XIN-43: super admins publish what they applied, members compare: nobody is forked", async () => {
  const world = createWorld({ workers: true });
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [, bo] = actors as [Actor, Actor];
  const his = await groupOf(bo, group.id);
  expect((await his.debugInfo()).isCommitLogForked).toBeUndefined();
  // More than one batch of ten.
  for (let i = 0; i < 12; i++) await group.updateName(`name ${i}`);
  await his.sync();
  await carryLogs(world);
  for (const one of [group, his]) {
    const info = await one.debugInfo();
    expect(info.remoteCommitLog.length).toBe(13);
    expect(info.isCommitLogForked).toBe(false);
  }
  const page = await world.log.commitLog({
    topic: fromHex(group.id),
    direction: "ascending",
    limit: 100,
  });
  // Creation and welcome are nobody else's business.
  expect(page.entries.length).toBe(13);
  const first = PlaintextCommitLogEntry.decode((page.entries[0] as { entry: Uint8Array }).entry);
  expect(first).toMatchObject({ commitResult: 1, appliedEpochNumber: 1n });
  await carryLogs(world);
  expect((await group.debugInfo()).remoteCommitLog.length).toBe(13);
  await world.close();
});

test("XIN-43, F32: a node that shows two members different winners is found out by the commit logs", async () => {
  const world = createWorld({ workers: true });
  const { actors, group } = await crew(world, ["ada", "bo", "cy", "di"]);
  const [, bo, cy, di] = actors as [Actor, Actor, Actor, Actor];
  const one = await unsafeForgerOf(world, bo.store, group.id);
  const two = await unsafeForgerOf(world, cy.store, group.id);
  await one.commit([]);
  await two.commit([]);
  // Di is shown the two in the other order, each under the other's number.
  const hers = await groupOf(di, group.id);
  await swappedFor(di, () => hers.sync());
  await group.sync();
  await carryLogs(world);
  await world.clock.advance(301_000);
  expect((await hers.debugInfo()).isCommitLogForked).toBe(true);
  expect(di.events.filter(({ kind }) => kind === "forked").length).toBe(1);
  expect((await group.debugInfo()).isCommitLogForked).toBe(false);
  await world.close();
});

test("XIN-42: entries by another key, of another group, out of the chain or of a node's own making do not count", async () => {
  const world = createWorld({ workers: true });
  const { actors, group } = await crew(world, ["ada", "bo"]);
  const [, bo] = actors as [Actor, Actor];
  const his = await groupOf(bo, group.id);
  const lie = world.crypto.generateSigner("ed25519");
  const entry = (change: Partial<Parameters<typeof PlaintextCommitLogEntry.encode>[0]> = {}) =>
    PlaintextCommitLogEntry.encode({
      groupId: fromHex(group.id),
      commitSequenceId: 1n,
      lastEpochAuthenticator: new Uint8Array(32),
      commitResult: 1,
      appliedEpochNumber: 1n,
      appliedEpochAuthenticator: new Uint8Array(32),
      ...change,
    });
  // The node begins the log with entries of its own.
  const append = (bytes: Uint8Array, key = lie): Promise<void> =>
    world.log.appendCommitLog([
      {
        groupId: fromHex(group.id),
        entry: bytes,
        signature: world.crypto.sign("ed25519", key.privateKey, bytes),
        publicKey: key.publicKey,
      },
    ]);
  await append(entry());
  await append(new Uint8Array([255, 255]));
  // A member that holds the group's key signs what does not chain.
  const seed = fromHex(
    (await unsafeForgerOf(world, bo.store, group.id)).group.context.extensions
      .map(({ data }) => Buffer.from(data).toString("latin1"))
      .flatMap((text) => /_commit_log_signer..([0-9a-f]{64})/s.exec(text)?.[1] ?? [])[0] as string,
  );
  const real = { privateKey: seed, publicKey: world.crypto.signaturePublicKey("ed25519", seed) };
  await append(entry({ groupId: new Uint8Array(16) }), real);
  await append(entry({ commitSequenceId: 0n }), real);
  await append(entry({ commitResult: 9 }), real);
  await carryLogs(world);
  await group.updateName("two");
  await his.sync();
  await append(entry({ commitSequenceId: 9_999n, appliedEpochNumber: 77n }), real);
  await carryLogs(world);
  const info = await his.debugInfo();
  expect(info.remoteCommitLog.map(({ appliedEpoch }) => appliedEpoch)).toEqual([1n, 2n]);
  expect(info.isCommitLogForked).toBe(false);
  await world.close();
});

test("XIN-42: at most 20 groups are asked for at once", async () => {
  const world = createWorld({ workers: true });
  const ada = await world.join("ada");
  const bo = await world.join("bo");
  const asked: number[] = [];
  for (let i = 0; i < 23; i++) await ada.client.conversations.createGroup([bo.client.inboxId]);
  bo.tamper = (path, answer, request) => {
    if (path !== paths.mls.batchQueryCommitLog) return undefined;
    asked.push(BatchQueryCommitLogRequest.decode(request).requests.length);
    expect(BatchQueryCommitLogResponse.decode(answer).responses.length).toBe(asked.at(-1));
    return undefined;
  };
  await bo.client.conversations.sync();
  await carryLogs(world);
  expect(asked.slice(0, 2).toSorted()).toEqual([20, 3]);
  await world.close();
});
