import { Status, TransportError } from "@coterie/transport";
import { ConnectionListResponse, RouteListResponse } from "@coterie/wire/slim/controller";
import {
  AddDomainRequest,
  AddDomainResponse,
  AddTopologyLinkRequest,
  AddTopologyLinkResponse,
  ListDomainsRequest,
  ListDomainsResponse,
  ListSegmentsRequest,
  ListSegmentsResponse,
  Node,
  northboundPaths,
  RemoveDomainRequest,
  RemoveDomainResponse,
  RemoveSegmentRequest,
  RemoveSegmentResponse,
  RemoveTopologyLinkRequest,
  RemoveTopologyLinkResponse,
} from "@coterie/wire/slim/controlplane";
import { expect, test } from "vitest";
import { hashSecret, secretMatches } from "../src/secrets.ts";
import { createTurns } from "../src/turns.ts";
import { createWorld } from "./world.ts";

const bob = "agntcy/ns/bob/00000000-0000-0000-0000-000000000007";

/** The status and words of a failed call. */
const failure = async (call: Promise<unknown>): Promise<[number | undefined, string]> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TransportError)) throw new Error("did not fail");
  return [error.status, error.message];
};

test("SCT-08: routes and connections of a node come from the node, with the other ends of our links", async () => {
  const world = await createWorld();
  const [a, b] = [world.node("n1", "d1"), world.node("n2", "d2")];
  const clients = [a.start(), b.start()];
  await world.link("d1", "d2");
  b.subscribe(bob);
  await expect.poll(() => a.to(bob)).toEqual(["http://n2:1"]);
  const routes = await world.call(northboundPaths.listNodeRoutes, Node, RouteListResponse, {
    id: "d1/n1",
  });
  expect(routes).toMatchObject({
    done: true,
    entries: [{ connections: [{ peerNodeId: "d2/n2", linkId: a.linkIds()[0] }] }],
  });
  const connections = await world.call(
    northboundPaths.listConnections,
    Node,
    ConnectionListResponse,
    { id: "d2/n2" },
  );
  expect(connections.entries.map(({ peerNodeId }) => peerNodeId)).toEqual([undefined, "d1/n1"]);
  await Promise.all(clients.map((client) => client.close()));
  await world.close();
});

test("SCT-08: an unknown node is NOT_FOUND, an empty word INVALID_ARGUMENT, a node that is away INTERNAL", async () => {
  const world = await createWorld({
    times: { confirmMs: 10, graceMs: 10_000, resyncMs: 10_000, backoff: [1, 2] },
  });
  const routesOf = (id: string) =>
    failure(world.call(northboundPaths.listNodeRoutes, Node, RouteListResponse, { id }));
  expect(await routesOf("n9")).toEqual([
    Status.notFound,
    expect.stringContaining("node n9 not found"),
  ]);
  const node = world.node("n1", undefined);
  const client = node.start();
  await expect.poll(() => client.state).toBe("registered");
  await client.close();
  for (const value of [
    { domainName: "", secret: "s" },
    { domainName: "d", secret: "" },
    // its nodes would look like those of domain d
    { domainName: "d/e", secret: "s" },
  ]) {
    const call = world.call(northboundPaths.addDomain, AddDomainRequest, AddDomainResponse, value);
    expect((await failure(call))[0]).toBe(Status.invalidArgument);
  }
  expect((await failure(world.addSegment("")))[0]).toBe(Status.invalidArgument);
  expect((await failure(world.link("", "d")))[0]).toBe(Status.invalidArgument);
  expect((await failure(world.link("d", "d")))[0]).toBe(Status.invalidArgument);
  expect((await failure(world.link("d", "e", "nowhere")))[0]).toBe(Status.notFound);
  await world.close();
});

test("SCT-08: segments and their links are added, listed and removed; the default one stays", async () => {
  const world = await createWorld();
  const list = async () =>
    (await world.call(northboundPaths.listSegments, ListSegmentsRequest, ListSegmentsResponse, {}))
      .segments;
  await world.addSegment("prod");
  await world.addSegment("prod");
  await world.link("b", "a", "prod");
  await world.link("a", "b", "prod");
  await world.link("a", "c");
  expect(await list()).toEqual([
    { name: "default", domains: ["a", "c"], edges: [{ domainA: "a", domainB: "c" }] },
    { name: "prod", domains: ["a", "b"], edges: [{ domainA: "b", domainB: "a" }] },
  ]);
  const unlink = (domainA: string, domainB: string, segment = "") =>
    world.call(
      northboundPaths.removeTopologyLink,
      RemoveTopologyLinkRequest,
      RemoveTopologyLinkResponse,
      { domainA, domainB, segment },
    );
  await unlink("a", "b", "prod");
  expect((await failure(unlink("a", "b", "prod")))[0]).toBe(Status.notFound);
  const remove = (name: string) =>
    world.call(northboundPaths.removeSegment, RemoveSegmentRequest, RemoveSegmentResponse, {
      name,
    });
  await remove("prod");
  expect((await failure(remove("prod")))[0]).toBe(Status.notFound);
  expect((await failure(remove("default")))[0]).toBe(Status.failedPrecondition);
  expect((await list()).map(({ name }) => name)).toEqual(["default"]);
  await world.close();
});

test("SCT-08: a topology link that goes takes the link between nodes with it", async () => {
  const world = await createWorld();
  const [a, b] = [world.node("n1", "d1"), world.node("n2", "d2")];
  const clients = [a.start(), b.start()];
  await world.link("d1", "d2");
  b.subscribe(bob);
  await expect.poll(() => a.to(bob)).toEqual(["http://n2:1"]);
  await world.call(
    northboundPaths.removeTopologyLink,
    RemoveTopologyLinkRequest,
    RemoveTopologyLinkResponse,
    { domainA: "d2", domainB: "d1" },
  );
  await expect.poll(() => a.linkIds()).toEqual([]);
  await expect.poll(() => world.links()).toEqual([]);
  await expect.poll(() => world.routes()).toEqual([]);
  expect(
    await world.call(
      northboundPaths.addTopologyLink,
      AddTopologyLinkRequest,
      AddTopologyLinkResponse,
      { domainA: "d1", domainB: "d2" },
    ),
  ).toEqual({ warnings: [] });
  await expect.poll(() => a.to(bob)).toEqual(["http://n2:1"]);
  await Promise.all(clients.map((client) => client.close()));
  await world.close();
});

test("SCT-08: a domain that is removed takes its nodes with it", async () => {
  const world = await createWorld({ admission: {} });
  await world.addDomain("d1", "secret");
  const node = world.node("n1", "d1", "secret");
  const client = node.start();
  await expect.poll(() => client.state).toBe("registered");
  const domains = async () =>
    (await world.call(northboundPaths.listDomains, ListDomainsRequest, ListDomainsResponse, {}))
      .domains;
  expect(await domains()).toEqual([{ domainName: "d1", nodes: ["d1/n1"] }]);
  await world.call(northboundPaths.removeDomain, RemoveDomainRequest, RemoveDomainResponse, {
    domainName: "d1",
  });
  await expect.poll(() => client.state).toBe("refused");
  expect(await domains()).toEqual([]);
  await client.close();
  await world.close();
});

test("SCT-07: a secret is kept as a hash with its own salt", async () => {
  const [one, other] = [await hashSecret("secret"), await hashSecret("secret")];
  expect(one).not.toBe(other);
  expect(one).not.toContain("secret");
  expect(await secretMatches("secret", one)).toBe(true);
  expect(await secretMatches("secreT", one)).toBe(false);
  expect(await secretMatches("secret", "plain")).toBe(false);
});

test("SCT-07: who tries secrets by the hundred is told to wait, and nobody is after that", async () => {
  const inTurn = createTurns(2, 3);
  let [running, most] = [0, 0];
  const work = async (): Promise<string> => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
    return "done";
  };
  const outcomes = await Promise.allSettled(Array.from({ length: 9 }, () => inTurn(work)));
  const done = outcomes.map(({ status }) => status === "fulfilled");
  expect(done.join()).toBe("true,true,true,true,true,false,false,false,false");
  expect(outcomes.at(-1)).toMatchObject({ reason: { code: "controller/busy" } });
  expect(most).toBe(2);
  await expect(inTurn(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await inTurn(work)).toBe("done");
});
