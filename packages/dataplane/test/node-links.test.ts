import { expect, test, vi } from "vitest";
import { alice, app, bob, carol, name, nodes, publish, textOf } from "./apps.ts";

const config = {};
const peer = (endpoint: string) =>
  ({ endpoint, linkId: `to-${endpoint}`, kind: "peer", config }) as const;
const remote = (endpoint: string) => ({ ...peer(endpoint), kind: "remote" }) as const;
const settled = (check: () => void) => vi.waitFor(check, { timeout: 3000, interval: 5 });

test("SRT-12, SRT-15: replicas tell each other their names, at once and later", async () => {
  const { node } = nodes();
  const [one, two] = [node("n1"), node("n2")];
  const a = app(one.transport);
  await a.connection.subscribe(alice, alice);
  await one.plane.connect(peer("n2"));
  await settled(() => expect(two.names()).toEqual(["alice"]));
  const b = app(two.transport);
  // the answer comes once the other replica knows it
  await b.connection.subscribe(bob, bob);
  expect(one.names()).toEqual(["alice", "bob"]);
  await a.connection.publish(publish(alice, bob, "there"));
  await b.connection.publish(publish(bob, alice, "and back"));
  await settled(() => expect([a.got, b.got]).toEqual([["and back"], ["there"]]));
  await b.connection.unsubscribe(bob, bob);
  await settled(() => expect(one.names()).toEqual(["alice"]));
  // SCN-35
  await a.connection.close();
  await settled(() => expect(two.names()).toEqual([]));
});

test("SMC-01: between replicas no header carries a MAC, and ttl counts down on each hop", async () => {
  const { node } = nodes();
  const [one, two] = [node("n1"), node("n2")];
  await one.plane.connect(peer("n2"));
  const ttls: unknown[] = [];
  const b = app(two.transport, { onPublish: ({ header }) => void ttls.push(header?.ttl) });
  const local: unknown[] = [];
  const l = two.plane.connectLocal({
    onPublish: ({ header }) => void local.push([header?.ttl, header?.headerMac]),
  });
  await b.connection.subscribe(bob, bob);
  await l.subscribe(carol, carol);
  const a = app(one.transport);
  await a.connection.publish(publish(alice, bob, "x"));
  await a.connection.publish(publish(alice, carol, "x"));
  await settled(() => expect([ttls, local]).toEqual([[6], [[6, undefined]]]));
});

test("SRT-04: what a peer sent goes to no third peer, unless the node relays", async () => {
  for (const relay of [false, true]) {
    const { node } = nodes();
    const [hub, left, right] = ["hub", "left", "right"].map((id) => node(id, { relay }));
    if (hub === undefined || left === undefined || right === undefined) throw new Error();
    await left.plane.connect(peer("hub"));
    await right.plane.connect({ ...peer("hub"), linkId: "right" });
    const a = app(left.transport);
    const b = app(right.transport);
    await b.connection.subscribe(bob, bob);
    await settled(() => expect(hub.names()).toEqual(["bob"]));
    if (relay) await settled(() => expect(left.names()).toEqual(["bob"]));
    // set by hand where nothing is relayed, so that only the one-hop rule stands in the way
    else left.plane.setRoute(bob, "to-hub");
    await a.connection.publish(publish(alice, bob, "hello"));
    if (relay) await settled(() => expect(b.got).toEqual(["hello"]));
    else {
      await settled(() =>
        expect(hub.metrics.render()).toContain('coterie_slim_dropped_total{reason="no-route"} 1'),
      );
    }
    await b.connection.close();
    await settled(() => expect(hub.names()).toEqual([]));
  }
});

test("SRT-13: in a ring that relays, what one told comes around and ends; so does its end", async () => {
  const { node } = nodes();
  const ring = ["n0", "n1", "n2"].map((id) => node(id, { relay: true }));
  for (const [n, from] of ring.entries()) {
    await from.plane.connect({ ...peer(`n${(n + 1) % 3}`), linkId: `from-${n}` });
  }
  const a = app((ring[0] as (typeof ring)[0]).transport);
  await a.connection.subscribe(alice, alice);
  await settled(() => expect(ring.map((one) => one.names())).toEqual(ring.map(() => ["alice"])));
  const b = app((ring[2] as (typeof ring)[0]).transport);
  await b.connection.publish(publish(bob, alice, "once"));
  await settled(() => expect(a.got).toEqual(["once"]));
  await a.connection.unsubscribe(alice, alice);
  await settled(() => expect(ring.map((one) => one.names())).toEqual([[], [], []]));
});

test("SRT-13: in a full mesh an app that moves to another replica is found there, under the id it had", async () => {
  const { node } = nodes();
  const [one, two] = [node("n1"), node("n2")];
  await one.plane.connect(peer("n2"));
  let at = one.transport;
  const a = app({ ...at, duplex: (path, options) => at.duplex(path, options) });
  await a.connection.subscribe(alice, alice);
  await settled(() => expect(two.names()).toEqual(["alice"]));
  at = two.transport;
  one.transport.disconnect();
  await settled(() => expect(a.states.filter((kind) => kind === "connected")).toHaveLength(2));
  const b = app(one.transport);
  await settled(async () => {
    await b.connection.publish(publish(bob, alice, "found"));
    expect(a.got).toContain("found");
  });
});

test("SCN-26: replicas of another deployment, and the node itself, are refused for good", async () => {
  const { node, dialled } = nodes();
  const one = node("n1", { deploymentName: "d" });
  node("n2", { deploymentName: "e" });
  await expect(one.plane.connect(peer("n2"))).rejects.toMatchObject({ status: 7 });
  await expect(one.plane.connect(peer("n1"))).rejects.toMatchObject({ status: 7 });
  expect(dialled).toHaveLength(2);
});

test("SRT-15: two replicas that dial each other keep one link, and nothing comes twice", async () => {
  const { node } = nodes();
  const [one, two] = [node("n1"), node("n2")];
  await one.plane.connect(peer("n2"));
  await expect(
    Promise.race([
      two.plane.connect(peer("n1")),
      new Promise((resolve) => setTimeout(resolve, 60)),
    ]),
  ).resolves.toBeUndefined();
  expect([one.plane.links().length, two.plane.links().length]).toEqual([1, 1]);
  two.plane.disconnect("to-n1");
  const b = app(two.transport);
  await b.connection.subscribe(bob, bob);
  const a = app(one.transport);
  await a.connection.publish(publish(alice, bob, "once", 256));
  await a.connection.publish(publish(alice, bob, "end"));
  await settled(() => expect(b.got).toEqual(["once", "end"]));
});

test("SCN-11: a lost peer is called again and told anew; a lost remote node is not", async () => {
  const { node, dialled } = nodes();
  const [one, two, three] = [node("n1"), node("n2"), node("n3")];
  await one.plane.connect(peer("n2"));
  await one.plane.connect(remote("n3"));
  const a = app(one.transport);
  await a.connection.subscribe(alice, alice);
  for (const link of dialled) link.disconnect();
  await settled(() => expect(three.plane.links()).toEqual([]));
  await settled(() => expect(two.names()).toEqual(["alice"]));
  await settled(() => expect(one.plane.links().map(({ kind }) => kind)).toEqual(["edge", "peer"]));
  expect(one.events.map(({ kind }) => kind)).toContain("link-down");
});

test("SRT-11, SRT-14, SCT-05: between remote nodes only routes lead that were set", async () => {
  const { node } = nodes();
  const [one, two] = [node("n1"), node("n2")];
  const link = await one.plane.connect(remote("n2"));
  expect(link).toMatchObject({ kind: "remote", direction: "outgoing", peerNodeId: "n2" });
  expect(two.plane.links()).toMatchObject([
    { kind: "remote", direction: "incoming", peerNodeId: "n1" },
  ]);
  const b = app(two.transport);
  await b.connection.subscribe(bob, bob);
  expect(one.names()).toEqual([]);
  const a = app(one.transport);
  expect(one.plane.setRoute(bob, "nowhere")).toBe(false);
  for (let n = 0; n < 2; n += 1) expect(one.plane.setRoute(bob, "to-n2")).toBe(true);
  await a.connection.publish(publish(alice, bob, "far"));
  await settled(() => expect(b.got).toEqual(["far"]));
  expect([one.plane.removeRoute(bob, "to-n2"), one.plane.removeRoute(bob, "to-n2")]).toEqual([
    true,
    false,
  ]);
  expect(one.names()).toEqual([]);
  // SCT-04: a link that stands is not dialled twice
  expect(await one.plane.connect(remote("n2"))).toEqual(link);
  expect([one.plane.disconnect("to-n2"), one.plane.disconnect("to-n2")]).toEqual([true, false]);
  await settled(() => expect(two.plane.links().map(({ kind }) => kind)).toEqual(["edge"]));
});

test("SCT-03: the first subscription of an app to a name and the last one gone are told", async () => {
  const { node } = nodes();
  const [one, two] = [node("n1"), node("n2")];
  await two.plane.connect(peer("n1"));
  const [a, b] = [app(one.transport), app(one.transport)];
  for (const { connection } of [a, b]) await connection.subscribe(alice, alice);
  const far = app(two.transport);
  await far.connection.subscribe(bob, bob);
  await a.connection.close();
  await b.connection.close();
  await settled(() =>
    expect(
      one.events.flatMap((event) => ("name" in event ? `${event.kind} ${event.name.service}` : [])),
    ).toEqual(["name-added alice", "name-removed alice"]),
  );
});

test("SRT-05, SND-04: an app in the process hears at once of what leads nowhere", async () => {
  const { node } = nodes();
  const one = node("n1");
  const got: string[] = [];
  const local = one.plane.connectLocal({ onPublish: (message) => void got.push(textOf(message)) });
  await local.subscribe(carol, carol);
  await expect(local.publish(publish(carol, bob, "lost"))).rejects.toMatchObject({
    code: "dataplane/no-route",
    details: { sessionId: 7, messageId: 9, sessionMessageType: 1 },
  });
  const a = app(one.transport);
  await a.connection.subscribe(alice, alice);
  await local.publish(publish(carol, alice, "out"));
  await a.connection.publish(publish(alice, carol, "in"));
  await settled(() => expect([a.got, got]).toEqual([["out"], ["in"]]));
  // SND-04: never back to who sent it
  await expect(local.publish(publish(carol, carol, "me"))).rejects.toMatchObject({
    code: "dataplane/no-route",
  });
  await local.unsubscribe(carol, carol);
  await local.close();
  expect(one.names()).toEqual(["alice"]);
  await expect(local.subscribe(carol, carol)).rejects.toMatchObject({ code: "dataplane/closed" });
});

test("SCN-11: who comes back under its link id takes the place of the link that was lost", async () => {
  const { node } = nodes();
  const one = node("n1");
  const linkId = "the-same";
  const first = app(one.transport, { linkId, nodeId: "app" });
  await first.connection.subscribe(alice, alice);
  const other = app(one.transport, { linkId, nodeId: "another" });
  await other.connection.connected;
  expect(one.plane.links()).toHaveLength(2);
  const second = app(one.transport, { linkId, nodeId: "app" });
  await second.connection.connected;
  await settled(() => expect(first.states).toContain("waiting"));
  for (const { connection } of [first, second, other]) await connection.close();
});

test("SND-05: who asks for ever more names is refused, then cut; the others go on", async () => {
  const { node } = nodes();
  const one = node("n1", { limits: { subscriptions: 3 } });
  const a = app(one.transport);
  const b = app(one.transport);
  await b.connection.subscribe(bob, bob);
  const asked = Array.from({ length: 1100 }, (_, n) =>
    a.connection.subscribe(name(`a${n}`, "a"), alice).catch(() => {}),
  );
  await settled(() => expect(a.states).toContain("waiting"));
  await a.connection.close();
  await Promise.all(asked);
  await settled(() => expect(one.names()).toEqual(["bob"]));
});

test("SND-05: who sends faster than allowed is read more slowly, and loses nothing", async () => {
  const { node } = nodes();
  const one = node("n1", { limits: { messagesPerSecond: 40_000 } });
  const a = app(one.transport);
  const b = app(one.transport);
  await b.connection.subscribe(bob, bob);
  const started = performance.now();
  for (let n = 0; n < 4_096; n += 1) await a.connection.publish(publish(alice, bob, "x"));
  await settled(() => expect(b.got).toHaveLength(4_096));
  expect(performance.now() - started).toBeGreaterThan(70);
});

test("SND-07: a node that stops sends what waits, then ends; apps come back to another", async () => {
  const { node } = nodes();
  const one = node("n1");
  const a = app(one.transport);
  const b = app(one.transport);
  await b.connection.subscribe(bob, bob);
  for (let n = 0; n < 200; n += 1) await a.connection.publish(publish(alice, bob, String(n)));
  await settled(() => expect(one.metrics.render()).toContain("coterie_slim_routed_total 200"));
  await one.plane.close();
  await settled(() => expect(b.got).toHaveLength(200));
  await settled(() => expect(b.states).toContain("waiting"));
  expect(one.plane.links()).toEqual([]);
  await expect(one.plane.connect(remote("n1"))).rejects.toMatchObject({ status: 14 });
});

test("SND-06: what came, what went out and what was dropped is counted by kind", async () => {
  const { node } = nodes();
  const one = node("n1");
  const a = app(one.transport);
  await a.connection.subscribe(alice, alice);
  await a.connection.publish(publish(alice, bob, "nowhere"));
  await settled(() => {
    const shown = one.metrics.render();
    for (const series of [
      "coterie_slim_received_total 2",
      "coterie_slim_subscribed_total 1",
      "coterie_slim_names 1",
      'coterie_slim_connections{kind="edge"} 1',
      'coterie_slim_dropped_total{reason="no-route"} 1',
    ]) {
      expect(shown).toContain(series);
    }
  });
});
