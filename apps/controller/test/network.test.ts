import { createMemoryStore } from "@coterie/storage";
import { encodeSlimName, parseSlimName } from "@coterie/wire/slim";
import {
  ConfigurationCommand,
  ControlMessage,
  RegisterNodeRequest,
  southboundPaths,
} from "@coterie/wire/slim/controller";
import { LinkStatus, NodeStatus, RouteStatus } from "@coterie/wire/slim/controlplane";
import { expect, test } from "vitest";
import { createWorld } from "./world.ts";

const bob = "agntcy/ns/bob/00000000-0000-0000-0000-000000000007";
const room = "agntcy/ns/room/00000000-0000-0000-0000-000000000099";

test("SCT-05: a name of one domain is reached from another over a link that the controller made", async () => {
  const world = await createWorld();
  const [a, b] = [world.node("n1", "d1"), world.node("n2", "d2")];
  const clients = [a.start(), b.start()];
  expect((await world.link("d1", "d2")).warnings).toHaveLength(2);
  b.subscribe(bob);
  await expect.poll(() => a.to(bob)).toEqual(["http://n2:1"]);
  expect(b.to(bob)).toEqual(["app"]);
  // both ends use the one link, whoever dialled
  a.subscribe(room);
  await expect.poll(() => b.to(room)).toEqual(["http://n1:1"]);
  expect(a.linkIds()).toEqual(b.linkIds());
  b.unsubscribe(bob);
  await expect.poll(() => a.to(bob)).toEqual([]);
  await Promise.all(clients.map((client) => client.close()));
  await world.close();
});

test("SCT-05: three domains in a row, and a channel that all of them hold", async () => {
  const world = await createWorld();
  const nodes = ["d1", "d2", "d3"].map((domain) => world.node(`n-${domain}`, domain));
  const [a, b, c] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]];
  const clients = nodes.map((node) => node.start());
  await world.link("d1", "d2");
  await world.link("d2", "d3");
  for (const node of nodes) node.subscribe(room);
  await expect.poll(() => a.to(room)).toEqual(["app", "http://n-d2:1"]);
  await expect.poll(() => c.to(room)).toEqual(["app", "http://n-d2:1"]);
  await expect.poll(() => b.to(room)).toEqual(["app", "http://n-d1:1", "http://n-d3:1"]);
  c.subscribe(bob);
  await expect.poll(() => a.to(bob)).toEqual(["http://n-d2:1"]);
  const routes = await world.routes();
  const ofBob = routes.filter(({ name }) => name?.strName?.strComponent2 === "bob");
  expect(ofBob.map(({ sourceNodeId }) => sourceNodeId).toSorted()).toEqual(["d1/n-d1", "d2/n-d2"]);
  expect(ofBob.every(({ destNodeId }) => destNodeId === "d3/n-d3")).toBe(true);
  await Promise.all(clients.map((client) => client.close()));
  await world.close();
});

test("SCT-01: a node without the domain's secret is refused, and its domain keeps its names", async () => {
  const world = await createWorld({ admission: {} });
  await world.addDomain("d1", "a secret of d1");
  const good = world.node("n1", "d1", "a secret of d1");
  const wrong = world.node("n2", "d1", "another");
  const unknown = world.node("n3", "d3");
  const clients = [good.start(), wrong.start(), unknown.start()];
  await expect
    .poll(() => clients.map(({ state }) => state))
    .toEqual(["registered", "refused", "refused"]);
  expect(await world.nodes()).toMatchObject([
    {
      id: "d1/n1",
      domain: "d1",
      status: NodeStatus.connected,
      connections: [{ endpoint: "n1:1" }],
    },
  ]);
  await Promise.all(clients.map((client) => client.close()));
  await world.close();
});

test("SCT-01: no node gets the id of another domain's node", async () => {
  const guards = (domain: string): boolean => domain === "d3";
  const world = await createWorld({ admission: { open: true, guards } });
  await world.addDomain("d1", "a secret of d1");
  const expectState = async (client: { state: string }, state: string): Promise<void> => {
    await expect.poll(() => client.state).toBe(state);
  };
  // open to all, and these nodes were here first
  const first = [world.node("n", "d2").start(), world.node("d4/n", undefined).start()];
  for (const client of first) await expectState(client, "registered");
  for (const [nodeId, domain, state] of [
    ["d1/n", undefined, "refused"],
    ["d1/x/y", undefined, "refused"],
    ["d2/n", undefined, "refused"],
    ["d3/n", undefined, "refused"],
    ["y", "d1/x", "refused"],
    ["n", "d4", "refused"],
    ["other", "d4", "registered"],
    ["rack/n", undefined, "registered"],
    ["n", undefined, "registered"],
  ] as const) {
    const client = world.node(nodeId, domain).start();
    await expectState(client, state);
    await client.close();
  }
  for (const client of first) {
    expect(client.state).toBe("registered");
    await client.close();
  }
  await world.close();
});

test("SCT-07: a link that fails is tried again, and what it says stands with it meanwhile", async () => {
  const world = await createWorld();
  const [a, b] = [world.node("n1", "d1"), world.node("n2", "d2")];
  world.universe.vanish(b.endpoint);
  const clients = [a.start(), b.start()];
  await world.link("d1", "d2");
  b.subscribe(bob);
  await expect
    .poll(world.links)
    .toMatchObject([{ status: LinkStatus.failed, statusMsg: "Connection failed: nobody listens" }]);
  // nothing is sent over a link that does not stand
  expect(a.to(bob)).toEqual([]);
  await expect.poll(() => a.dials.length).toBeGreaterThan(2);
  await Promise.all(clients.map((client) => client.close()));
  await world.close();
});

test("SCT-07: a link that ended without a word is made again, with its routes", async () => {
  const world = await createWorld({
    times: { graceMs: 1_000, confirmMs: 500, resyncMs: 20, backoff: [1, 2] },
  });
  const [a, b] = [world.node("n1", "d1"), world.node("n2", "d2")];
  const clients = [a.start(), b.start()];
  await world.link("d1", "d2");
  b.subscribe(bob);
  a.subscribe(room);
  await expect.poll(() => a.to(bob)).toEqual(["http://n2:1"]);
  await expect.poll(() => b.to(room)).toEqual(["http://n1:1"]);
  a.drop(String(a.linkIds()[0]));
  expect(a.to(bob)).toEqual([]);
  await expect.poll(() => a.to(bob)).toEqual(["http://n2:1"]);
  await expect.poll(() => b.to(room)).toEqual(["http://n1:1"]);
  await Promise.all(clients.map((client) => client.close()));
  await world.close();
});

test("SCT-07: what was known is known after a restart, and what changed meanwhile follows", async () => {
  const world = await createWorld({}, createMemoryStore());
  const [a, b] = [world.node("n1", "d1"), world.node("n2", "d2")];
  const clients = [a.start(), b.start()];
  await world.link("d1", "d2");
  b.subscribe(bob);
  b.subscribe(room);
  await expect.poll(() => a.to(room)).toEqual(["http://n2:1"]);
  const [link] = await world.links();
  const closing = world.restart();
  b.unsubscribe(room);
  await closing;
  await expect.poll(() => a.to(room)).toEqual([]);
  await expect.poll(() => a.to(bob)).toEqual(["http://n2:1"]);
  const links = await world.links();
  expect(links.map(({ linkId }) => linkId)).toEqual([link?.linkId]);
  await Promise.all(clients.map((client) => client.close()));
  await world.close();
});

test("SCT-07: a node that is gone for good takes its names, links and routes with it", async () => {
  const world = await createWorld();
  const [a, b, c] = [world.node("n1", "d1"), world.node("n2", "d2"), world.node("n3", "d2")];
  const first = [a.start(), b.start()];
  await world.link("d1", "d2");
  b.subscribe(bob);
  await expect.poll(() => a.to(bob)).toEqual(["http://n2:1"]);
  await first[1]?.close();
  await expect.poll(() => a.to(bob)).toEqual([]);
  expect((await world.nodes()).map(({ id }) => id)).toEqual(["d1/n1"]);
  await expect.poll(async () => (await world.links()).length).toBe(0);
  // its domain has another node: the link goes there
  const other = c.start();
  c.subscribe(bob);
  await expect.poll(() => a.to(bob)).toEqual(["http://n3:1"]);
  await expect
    .poll(world.routes)
    .toMatchObject([{ sourceNodeId: "d1/n1", destNodeId: "d2/n3", status: RouteStatus.applied }]);
  await Promise.all([first[0]?.close(), other.close()]);
  await world.close();
});

test("SCT-01: a channel that begins with anything but a registration is ended, and the others go on", async () => {
  const world = await createWorld();
  const a = world.node("n1", "d1");
  const client = a.start();
  await expect.poll(() => client.state).toBe("registered");
  const ask = (payload: ControlMessage["payload"]): Uint8Array =>
    ControlMessage.encode({ messageId: "m", payload });
  const node = (nodeId: string): RegisterNodeRequest =>
    RegisterNodeRequest.create({ nodeId, domainName: "d1" });
  const first = [
    new Uint8Array(),
    Uint8Array.of(0xff, 0xff, 0xff),
    ask({ kind: "unset" }),
    ask({ kind: "routeListRequest", value: {} }),
    ask({ kind: "registerNodeRequest", value: node("") }),
    ask({ kind: "registerNodeRequest", value: node("a|b") }),
    ask({ kind: "registerNodeRequest", value: node("x".repeat(300)) }),
  ];
  for (const bytes of first) {
    const channel = world.south().duplex(southboundPaths.openControlChannel);
    await channel.send(bytes);
    const answers: ControlMessage[] = [];
    for await (const answer of channel) answers.push(ControlMessage.decode(answer));
    for (const { payload } of answers) {
      expect(payload).toMatchObject({ kind: "registerNodeResponse", value: { success: false } });
    }
  }
  // names whose hashes are not theirs, answers to nobody, and bytes that are none
  const channel = world.south().duplex(southboundPaths.openControlChannel);
  await channel.send(ask({ kind: "registerNodeRequest", value: node("odd") }));
  const forged = encodeSlimName(parseSlimName(bob));
  const strName = { strComponent0: "a", strComponent1: "b", strComponent2: "c" };
  await channel.send(
    ask({
      kind: "configCommand",
      value: ConfigurationCommand.create({ routesToSet: [{ name: { ...forged, strName } }, {}] }),
    }),
  );
  await channel.send(
    ask({ kind: "routeListResponse", value: { originalMessageId: "x", entries: [], done: true } }),
  );
  await channel.send(Uint8Array.of(0xff));
  for await (const _ of channel);
  a.subscribe(room);
  expect(client.state).toBe("registered");
  expect((await world.nodes()).map(({ id }) => id).toSorted()).toEqual(["d1/n1", "d1/odd"]);
  await client.close();
  await world.close();
});
