import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startControlClient } from "@coterie/dataplane/control";
import { acceptBasic, basicAuthorization, Status, TransportError } from "@coterie/transport";
import { createH2Transport } from "@coterie/transport/h2";
import { channelManagerPaths } from "@coterie/wire/slim/channel-manager";
import { southboundPaths } from "@coterie/wire/slim/controller";
import {
  AddDomainRequest,
  ListDomainsRequest,
  ListDomainsResponse,
  northboundPaths,
} from "@coterie/wire/slim/controlplane";
import { expect, onTestFinished, test } from "vitest";
import { ControllerError } from "../src/errors.ts";
import { startController } from "../src/server.ts";
import { createUniverse } from "./world.ts";

const free = { host: "127.0.0.1", port: 0 };

test("SCT-07: one file keeps what operators said, over sockets and from one process to the next", async () => {
  const data = mkdtempSync(join(tmpdir(), "coterie-controller-"));
  onTestFinished(() => rmSync(data, { recursive: true }));
  const options = { data, southbound: free, northbound: free };
  const first = await startController(options);
  const north = createH2Transport({ url: first.northbound });
  const secret = "the secret of d1";
  await north.unary(
    northboundPaths.addDomain,
    AddDomainRequest.encode({ domainName: "d1", secret }),
  );
  await north.close();
  await first.close();

  const second = await startController(options);
  const [up, down] = [second.northbound, second.southbound].map((url) =>
    createH2Transport({ url }),
  );
  const client = startControlClient({
    plane: createUniverse().createPlane("n1:1").plane,
    open: () => (down as typeof north).duplex(southboundPaths.openControlChannel),
    nodeId: "n1",
    domain: "d1",
    credentials: () => secret,
    details: [{ endpoint: "0.0.0.0:46357", tlsRequired: false, authMethod: 0 }],
  });
  await expect.poll(() => client.state).toBe("registered");
  const domains = ListDomainsResponse.decode(
    await (up as typeof north).unary(northboundPaths.listDomains, ListDomainsRequest.encode({})),
  );
  expect(domains.domains).toEqual([{ domainName: "d1", nodes: ["d1/n1"] }]);
  await client.close();
  await up?.close();
  await down?.close();
  await second.close();
});

test("SCM-08: operators who have to say who they are are not answered otherwise, on either port", async () => {
  const operators = acceptBasic({ username: "ada", password: "a:b" });
  const controller = await startController({
    southbound: free,
    northbound: free,
    channelManager: free,
    operators,
  });
  const statusOf = async (url: string | undefined, path: string, authorization?: string) => {
    const metadata = authorization === undefined ? {} : { authorization };
    const port = createH2Transport({ url: url ?? "", metadata });
    const outcome = await port.unary(path, ListDomainsRequest.encode({})).then(
      () => Status.ok,
      (error: unknown) => (error instanceof TransportError ? error.status : undefined),
    );
    await port.close();
    return outcome;
  };
  for (const [url, path, answered] of [
    [controller.northbound, northboundPaths.listDomains, Status.ok],
    // no app, no channels: that it says so is an answer
    [controller.channelManager, channelManagerPaths.listChannels, Status.unavailable],
  ] as const) {
    expect(await statusOf(url, path)).toBe(Status.unauthenticated);
    const wrong = basicAuthorization({ username: "ada", password: "a" });
    expect(await statusOf(url, path, wrong)).toBe(Status.unauthenticated);
    const right = basicAuthorization({ username: "ada", password: "a:b" });
    expect(await statusOf(url, path, right)).toBe(answered);
  }
  await controller.close();
});

test("SCT-01: a domain whose secret is told at the start is not taken by a node that names none", async () => {
  const domainSecrets = new Map([["west", "a secret of west that is long enough"]]);
  const controller = await startController({
    southbound: free,
    northbound: free,
    domainSecrets,
    admission: { open: true },
  });
  const south = createH2Transport({ url: controller.southbound });
  const universe = createUniverse();
  const start = (nodeId: string) =>
    startControlClient({
      plane: universe.createPlane(`${nodeId}:1`).plane,
      open: () => south.duplex(southboundPaths.openControlChannel),
      nodeId,
      details: [],
    });
  const clients = [start("west/n1"), start("east/n1")];
  await expect.poll(() => clients.map(({ state }) => state)).toEqual(["refused", "registered"]);
  for (const client of clients) await client.close();
  await south.close();
  await controller.close();
});

test("an address that is taken is told by its code, and nothing stays open", async () => {
  const first = await startController({ southbound: free, northbound: free });
  const port = Number(new URL(first.southbound).port);
  const again = startController({ southbound: free, northbound: { host: "127.0.0.1", port } });
  await expect(again).rejects.toMatchObject({ code: "controller/cannot-listen" });
  await expect(again).rejects.toBeInstanceOf(ControllerError);
  await first.close();
});
