import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startControlClient } from "@coterie/dataplane/control";
import { acceptBasic, basicAuthorization, Status, TransportError } from "@coterie/transport";
import { createH2Transport } from "@coterie/transport/h2";
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

test("operators who have to say who they are are not answered otherwise", async () => {
  const operators = acceptBasic({ username: "ada", password: "a:b" });
  const controller = await startController({ southbound: free, northbound: free, operators });
  const ask = async (metadata: Record<string, string>) => {
    const north = createH2Transport({ url: controller.northbound, metadata });
    const asked = north.unary(northboundPaths.listDomains, ListDomainsRequest.encode({}));
    const outcome = await asked.then(
      () => Status.ok,
      (error: unknown) => (error instanceof TransportError ? error.status : undefined),
    );
    await north.close();
    return outcome;
  };
  expect(await ask({})).toBe(Status.unauthenticated);
  const wrong = basicAuthorization({ username: "ada", password: "a" });
  expect(await ask({ authorization: wrong })).toBe(Status.unauthenticated);
  const right = basicAuthorization({ username: "ada", password: "a:b" });
  expect(await ask({ authorization: right })).toBe(Status.ok);
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
