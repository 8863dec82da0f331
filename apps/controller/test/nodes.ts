import { loadOpensslProvider } from "@coterie/crypto/openssl";
import { createDataPlane } from "@coterie/dataplane";
import { startControlClient } from "@coterie/dataplane/control";
import { createMemoryStore } from "@coterie/storage";
import { createMemoryTransport } from "@coterie/transport";
import { createH2Server, createH2Transport } from "@coterie/transport/h2";
import { newInsecureClientConfig, Name, Service } from "@coterie/session/node";
import type { App } from "@coterie/session/node";
import {
  Ack,
  AddParticipantRequest,
  DeleteChannelRequest,
  ListParticipantsRequest,
  ListParticipantsResponse,
  southboundPaths,
} from "@coterie/wire/slim/controller";
import {
  AddTopologyLinkRequest,
  CreateChannelRequest,
  CreateChannelResponse,
  northboundPaths,
  RouteEntry,
  RouteListRequest,
} from "@coterie/wire/slim/controlplane";
import { onTestFinished } from "vitest";
import { openControllerApp } from "../src/app.ts";
import { createController } from "../src/controller.ts";

const secret = "0123456789abcdef0123456789abcdef";
const noMetrics = { add: () => {}, gauge: () => {} };

/** A controller, and nodes with data planes of their own on loopback sockets. */
export async function createNodes() {
  const crypto = await loadOpensslProvider();
  const controller = await createController({
    store: createMemoryStore(),
    admission: { open: true },
    times: { resyncMs: 300, backoff: [20, 100] },
  });
  onTestFinished(() => controller.close());
  const north = createMemoryTransport(controller.northbound);

  const node = async (nodeId: string, domain: string, port = 0) => {
    const plane = createDataPlane({
      crypto,
      nodeId,
      version: "2.2.0+ts.1",
      metrics: noMetrics,
      dial: ({ endpoint }) => createH2Transport({ url: endpoint }),
    });
    const server = await createH2Server({ host: "127.0.0.1", port, routes: plane.routes });
    const south = createMemoryTransport(controller.southbound);
    const client = startControlClient({
      plane,
      open: () => south.duplex(southboundPaths.openControlChannel),
      nodeId,
      domain,
      details: [{ endpoint: server.url.replace("http://", ""), tlsRequired: false, authMethod: 0 }],
      retryMs: 20,
    });
    /** As a crash would: the controller hears nothing, its channel breaks. */
    const kill = async (): Promise<void> => {
      await south.close();
      await plane.close({ graceMs: 0 });
      await server.close({ graceMs: 0 });
    };
    onTestFinished(async () => {
      await client.close();
      await kill();
    });
    return { plane, url: server.url, client, kill };
  };
  type Node = Awaited<ReturnType<typeof node>>;

  return {
    controller,
    node,
    async app(at: Node, name: string): Promise<App> {
      const service = new Service(name);
      onTestFinished(() => service.shutdown());
      await service.connect(newInsecureClientConfig(at.url));
      return service.createAppWithSecret(Name.fromString(name), secret);
    },
    async controllerApp(at: Node) {
      const app = await openControllerApp({
        node: newInsecureClientConfig(at.url),
        credentials: { kind: "shared-secret", secret },
      });
      onTestFinished(() => app.close());
      controller.attach(app);
      return app;
    },
    link: (domainA: string, domainB: string) =>
      north.unary(
        northboundPaths.addTopologyLink,
        AddTopologyLinkRequest.encode({ domainA, domainB, segment: "" }),
      ),
    async routes(): Promise<RouteEntry[]> {
      const entries: RouteEntry[] = [];
      const asked = RouteListRequest.encode(RouteListRequest.create({}));
      for await (const bytes of north.serverStream(northboundPaths.listRoutes, asked)) {
        entries.push(RouteEntry.decode(bytes));
      }
      return entries;
    },
    async create(...moderators: string[]): Promise<string> {
      const request = CreateChannelRequest.encode({ moderators });
      const answer = await north.unary(northboundPaths.createChannel, request);
      return CreateChannelResponse.decode(answer).channelName;
    },
    async add(channelName: string, participantName: string): Promise<Ack> {
      const request = AddParticipantRequest.encode({
        channelName,
        participantName,
        moderators: [],
      });
      return Ack.decode(await north.unary(northboundPaths.addParticipant, request));
    },
    async delete(channelName: string): Promise<Ack> {
      const request = DeleteChannelRequest.encode({ channelName, moderators: [] });
      return Ack.decode(await north.unary(northboundPaths.deleteChannel, request));
    },
    async participants(channelName: string): Promise<readonly string[]> {
      const answer = await north.unary(
        northboundPaths.listParticipants,
        ListParticipantsRequest.encode({ channelName }),
      );
      return ListParticipantsResponse.decode(answer).participantName;
    },
  };
}
