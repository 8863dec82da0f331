import { toUtf8 } from "@coterie/base";
import { Name, SessionType } from "@coterie/session/node";
import { RouteStatus } from "@coterie/wire/slim/controlplane";
import { expect, test } from "vitest";
import { createNodes } from "./nodes.ts";

const text = ({ payload }: { payload: Uint8Array }): string => new TextDecoder().decode(payload);

test("SCT-05: apps on nodes of two domains hold an encrypted group over routes that the controller installed", async () => {
  const world = await createNodes();
  const [east, west] = [await world.node("n1", "east"), await world.node("n2", "west")];
  await world.link("east", "west");
  const [alice, bob, carol] = [
    await world.app(east, "agntcy/ns/alice"),
    await world.app(west, "agntcy/ns/bob"),
    await world.app(west, "agntcy/ns/carol"),
  ];
  await expect
    .poll(
      async () => (await world.routes()).filter((one) => one.status === RouteStatus.applied).length,
    )
    .toBeGreaterThanOrEqual(3);
  const group = await alice.createSessionAndWait(
    { sessionType: SessionType.Group, enableMls: true, interval: 200, maxRetries: 10 },
    Name.fromString("agntcy/ns/room"),
  );
  await group.inviteAndWait(Name.fromString("agntcy/ns/bob"));
  await group.inviteAndWait(Name.fromString("agntcy/ns/carol"));
  const [atBob, atCarol] = [
    await bob.listenForSession(20_000),
    await carol.listenForSession(20_000),
  ];
  await group.publishAndWait(toUtf8("from alice"));
  expect(text(await atBob.getMessage(20_000))).toBe("from alice");
  expect(text(await atCarol.getMessage(20_000))).toBe("from alice");
  const { missing } = await atBob.publishAndWait(toUtf8("from bob"));
  expect(missing).toEqual([]);
  expect(text(await group.getMessage(20_000))).toBe("from bob");
  expect(text(await atCarol.getMessage(20_000))).toBe("from bob");
});

test("SCT-22, SCT-27: the commands of the tutorial, granted: the app moderates across domains without a line for it", async () => {
  const world = await createNodes();
  const [east, west] = [await world.node("n1", "east"), await world.node("n2", "west")];
  await world.link("east", "west");
  await world.controllerApp(east);
  const [alice, bob] = [
    await world.app(west, "agntcy/ns/alice"),
    await world.app(east, "agntcy/ns/bob"),
  ];
  await expect
    .poll(async () => (await world.routes()).map(({ name }) => name?.strName?.strComponent2))
    .toEqual(expect.arrayContaining(["alice", "alice~ctl", "bob", "slim-controller"]));
  const decimal = `agntcy/ns/alice/${alice.decimalId()}`;
  const channel = await world.create(decimal);
  const group = await alice.listenForSession(20_000);
  expect(group.isInitiator()).toBe(true);
  expect(group.destination().toString()).toBe(channel);
  expect(await world.add(channel, "agntcy/ns/bob")).toMatchObject({ success: true });
  const atBob = await bob.listenForSession(20_000);
  await group.publishAndWait(toUtf8("hello"));
  expect(text(await atBob.getMessage(20_000))).toBe("hello");
  expect(await world.participants(channel)).toEqual(["agntcy/ns/bob"]);
  expect(await world.delete(channel)).toMatchObject({ success: true });
  await expect(atBob.getMessage(20_000)).rejects.toMatchObject({ code: "session/closed" });
});

test("SCT-28: the same commands, hosted: the controller moderates for apps that accept none, and is no participant", async () => {
  const world = await createNodes();
  const east = await world.node("n1", "east");
  await world.controllerApp(east);
  const [alice, bob] = [
    await world.app(east, "agntcy/ns/alice"),
    await world.app(east, "agntcy/ns/bob"),
  ];
  await alice.acceptController("none");
  let channel = "";
  // the node tells of the apps in its time
  await expect
    .poll(
      async () => (channel = await world.create(`agntcy/ns/alice/${alice.id()}`).catch(() => "")),
    )
    .not.toBe("");
  const atAlice = await alice.listenForSession(20_000);
  expect(atAlice.isInitiator()).toBe(false);
  expect(await world.add(channel, "agntcy/ns/bob")).toMatchObject({ success: true });
  const atBob = await bob.listenForSession(20_000);
  const { acked, missing } = await atAlice.publishAndWait(toUtf8("hello"));
  // the controller takes no data, so nobody waits for it
  expect([acked.length, missing.length]).toEqual([1, 0]);
  expect(text(await atBob.getMessage(20_000))).toBe("hello");
  expect(await world.participants(channel)).toEqual(["agntcy/ns/bob"]);
  expect(await world.delete(channel)).toMatchObject({ success: true });
  await expect(atBob.getMessage(20_000)).rejects.toMatchObject({ code: "session/closed" });
});

test("SCT-05: within a domain nodes are peers, and what one of them holds is reached from other domains through the other", async () => {
  const world = await createNodes();
  const gate = await world.node("n1", "east");
  const inner = await world.node("n2", "east");
  const west = await world.node("n3", "west");
  await inner.plane.connect({ endpoint: gate.url, linkId: "peers", kind: "peer", config: {} });
  await world.link("east", "west");
  const [alice, bob] = [
    await world.app(inner, "agntcy/ns/alice"),
    await world.app(west, "agntcy/ns/bob"),
  ];
  // the link is between the first node of east and that of west: everything goes through it
  await expect
    .poll(async () =>
      (await world.routes()).map(({ sourceNodeId, status }) => [sourceNodeId, status]),
    )
    .toEqual(
      expect.arrayContaining([
        ["west/n3", RouteStatus.applied],
        ["east/n1", RouteStatus.applied],
      ]),
    );
  const group = await alice.createSessionAndWait(
    { sessionType: SessionType.Group, enableMls: true, interval: 200, maxRetries: 10 },
    Name.fromString("agntcy/ns/room"),
  );
  await group.inviteAndWait(Name.fromString("agntcy/ns/bob"));
  const atBob = await bob.listenForSession(20_000);
  await atBob.publishAndWait(toUtf8("through the gate"));
  expect(text(await group.getMessage(20_000))).toBe("through the gate");
  await group.publishAndWait(toUtf8("and back"));
  expect(text(await atBob.getMessage(20_000))).toBe("and back");
});

test("SCT-07: a node that crashed and comes back has its link and its routes again, and sessions go on", async () => {
  const world = await createNodes();
  const [east, west] = [await world.node("n1", "east"), await world.node("n2", "west")];
  await world.link("east", "west");
  const [alice, bob] = [
    await world.app(east, "agntcy/ns/alice"),
    await world.app(west, "agntcy/ns/bob"),
  ];
  const group = await alice.createSessionAndWait(
    { sessionType: SessionType.Group, enableMls: true, interval: 500, maxRetries: 20 },
    Name.fromString("agntcy/ns/room"),
  );
  await group.inviteAndWait(Name.fromString("agntcy/ns/bob"));
  const atBob = await bob.listenForSession(20_000);
  await west.kill();
  await world.node("n2", "west", Number(new URL(west.url).port));
  // bob's app comes back by itself, and what is sent meanwhile is repeated until then
  const { missing } = await group.publishAndWait(toUtf8("again"));
  expect(missing).toEqual([]);
  expect(text(await atBob.getMessage(20_000))).toBe("again");
  await atBob.publishAndWait(toUtf8("and back"));
  expect(text(await group.getMessage(20_000))).toBe("and back");
});
