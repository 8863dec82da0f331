import { StatusError, Status } from "@coterie/transport";
import type { Routes } from "@coterie/transport";
import { createH2Server } from "@coterie/transport/h2";
import type { Codec } from "@coterie/wire";
import { encodeSlimName, parseSlimName } from "@coterie/wire/slim";
import * as manager from "@coterie/wire/slim/channel-manager";
import {
  Ack,
  AddParticipantRequest,
  ConnectionDirection,
  ConnectionListResponse,
  ConnectionType,
  ControlMessage,
  DeleteChannelRequest,
  DeleteParticipantRequest,
  ListChannelsRequest,
  ListChannelsResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
  RouteListResponse,
  southboundPaths,
} from "@coterie/wire/slim/controller";
import type { ConnectionEntry, RouteEntry } from "@coterie/wire/slim/controller";
import * as plane from "@coterie/wire/slim/controlplane";

export interface SlimServer {
  /** `host:port`. */
  readonly address: string;
  /** Requests as they came, with the name of their method and what headers said. */
  readonly heard: {
    readonly method: string;
    readonly request: unknown;
    readonly headers: Record<string, string>;
  }[];
  close(): Promise<void>;
}

export const channel = "agntcy/ns/hDxc8CKpElJUfTTief";
const unknown = /\bno(body)?\b/;
const managed = "agntcy/ns/chat";
export const instance = "agntcy/ns/client-1/b772ae0c-6931-ee8d-c513-0d062b1fedd9";

const entry = (id: bigint, more: Partial<ConnectionEntry>): ConnectionEntry => ({
  id,
  connectionType: ConnectionType.edge,
  configData: "",
  linkId: undefined,
  direction: ConnectionDirection.incoming,
  peerNodeId: undefined,
  ...more,
});
const app = entry(1n, { linkId: "0d2f6a52-6a38-4c5e-8f2c-6f1f4b1f2a33" });
const peer = entry(12n, {
  connectionType: ConnectionType.remote,
  direction: ConnectionDirection.outgoing,
  linkId: "link-a",
  peerNodeId: "node-west",
});
const routes: readonly RouteEntry[] = [
  { name: encodeSlimName(parseSlimName(instance)), connections: [app, peer] },
  { name: encodeSlimName(parseSlimName("agntcy/ns/idle")), connections: [] },
];

/** Answers as controllers, nodes and channel managers do, always the same; names with a part `no` or `nobody` are unknown. */
export async function startSlimServer(): Promise<SlimServer> {
  const heard: SlimServer["heard"] = [];
  const table: [string, Routes extends ReadonlyMap<string, infer R> ? R : never][] = [];
  const refuse = (text: string): void => {
    if (unknown.test(text)) throw new StatusError(Status.notFound, `${text} not found`);
  };
  const unary = <Q, A>(
    path: string,
    asked: Codec<Q>,
    told: Codec<A>,
    answer: (q: Q) => A,
  ): void => {
    table.push([
      path,
      {
        kind: "unary",
        handle: (bytes, { metadata }) => {
          const request = asked.decode(bytes);
          heard.push({ method: path.split("/")[2] as string, request, headers: { ...metadata } });
          return told.encode(answer(request));
        },
      },
    ]);
  };
  const stream = <Q, A>(
    path: string,
    asked: Codec<Q>,
    told: Codec<A>,
    answer: readonly A[],
  ): void => {
    table.push([
      path,
      {
        kind: "server-stream",
        async *handle(bytes, { metadata }) {
          const request = asked.decode(bytes);
          heard.push({ method: path.split("/")[2] as string, request, headers: { ...metadata } });
          for (const message of answer) yield told.encode(message);
        },
      },
    ]);
  };
  const ack = (name: string): Ack =>
    unknown.test(name)
      ? Ack.create({ messages: [`participant ${name} not found in channel ${channel}`] })
      : Ack.create({ success: true });

  const { northboundPaths: north } = plane;
  unary(north.createChannel, plane.CreateChannelRequest, plane.CreateChannelResponse, (q) => {
    if (q.moderators.length === 0) {
      throw new StatusError(
        Status.invalidArgument,
        "at least one moderator is required to create a channel",
      );
    }
    return { channelName: channel };
  });
  unary(north.deleteChannel, DeleteChannelRequest, Ack, (q) => ack(q.channelName));
  unary(north.listChannels, ListChannelsRequest, ListChannelsResponse, () =>
    ListChannelsResponse.create({ channelName: [channel, managed] }),
  );
  unary(north.addParticipant, AddParticipantRequest, Ack, (q) => ack(q.participantName));
  unary(north.deleteParticipant, DeleteParticipantRequest, Ack, (q) => ack(q.participantName));
  unary(north.listParticipants, ListParticipantsRequest, ListParticipantsResponse, (q) => {
    refuse(q.channelName);
    return ListParticipantsResponse.create({ participantName: [instance, "agntcy/ns/client-2"] });
  });
  stream(north.listNodes, plane.NodeListRequest, plane.NodeEntry, [
    plane.NodeEntry.create({
      id: "node-east",
      domain: "east",
      status: plane.NodeStatus.connected,
      connections: [
        {
          endpoint: "10.0.0.1:46357",
          externalEndpoint: "east.example:443",
          tlsRequired: false,
          authMethod: 0,
          spireTrustDomain: undefined,
          metadata: undefined,
        },
      ],
    }),
    plane.NodeEntry.create({ id: "w", domain: "", status: plane.NodeStatus.notConnected }),
  ]);
  unary(north.listConnections, plane.Node, ConnectionListResponse, (q) => {
    refuse(q.id);
    return ConnectionListResponse.create({ entries: [app, peer], done: true });
  });
  unary(north.listNodeRoutes, plane.Node, RouteListResponse, () =>
    RouteListResponse.create({ entries: routes, done: true }),
  );
  stream(north.listRoutes, plane.RouteListRequest, plane.RouteEntry, [
    plane.RouteEntry.create({
      sourceNodeId: "east",
      destNodeId: "west",
      name: encodeSlimName(parseSlimName("agntcy/ns/client-2")),
      status: plane.RouteStatus.applied,
      linkId: "link-a",
    }),
    plane.RouteEntry.create({ sourceNodeId: "east", status: plane.RouteStatus.pending }),
  ]);
  stream(north.listLinks, plane.LinkListRequest, plane.LinkEntry, [
    plane.LinkEntry.create({
      linkId: "link-a",
      sourceNodeId: "east",
      destNodeId: "west",
      destEndpoint: "http://10.0.0.2:46357",
      status: plane.LinkStatus.applied,
    }),
    plane.LinkEntry.create({ linkId: "link-b", status: plane.LinkStatus.failed }),
  ]);
  unary(north.listSegments, plane.ListSegmentsRequest, plane.ListSegmentsResponse, () => ({
    segments: [
      { name: "default", domains: ["east", "west"], edges: [{ domainA: "east", domainB: "west" }] },
      { name: "empty", domains: [], edges: [] },
    ],
  }));
  unary(north.addSegment, plane.AddSegmentRequest, plane.AddSegmentResponse, () => ({}));
  unary(north.removeSegment, plane.RemoveSegmentRequest, plane.RemoveSegmentResponse, () => ({}));
  unary(
    north.addTopologyLink,
    plane.AddTopologyLinkRequest,
    plane.AddTopologyLinkResponse,
    (q) => ({
      warnings: q.segment === "default" ? [] : [`domain '${q.domainB}' is not registered`],
    }),
  );
  unary(
    north.removeTopologyLink,
    plane.RemoveTopologyLinkRequest,
    plane.RemoveTopologyLinkResponse,
    () => ({}),
  );
  unary(north.listDomains, plane.ListDomainsRequest, plane.ListDomainsResponse, () => ({
    domains: [
      { domainName: "east", nodes: ["node-1", "node-2"] },
      { domainName: "w", nodes: [] },
    ],
  }));
  unary(north.addDomain, plane.AddDomainRequest, plane.AddDomainResponse, () => ({}));
  unary(north.removeDomain, plane.RemoveDomainRequest, plane.RemoveDomainResponse, (q) => {
    refuse(q.domainName);
    return {};
  });

  table.push([
    southboundPaths.openControlChannel,
    {
      kind: "duplex",
      async *handle(requests) {
        for await (const bytes of requests) {
          const { messageId, payload } = ControlMessage.decode(bytes);
          heard.push({ method: payload.kind, request: {}, headers: {} });
          // In chunks, after something else that the channel carries.
          yield ControlMessage.encode({
            messageId: "x",
            payload: { kind: "ack", value: Ack.create({}) },
          });
          const originalMessageId = messageId;
          if (payload.kind === "routeListRequest") {
            for (const [at, one] of routes.entries()) {
              const value = { originalMessageId, entries: [one], done: at === routes.length - 1 };
              yield ControlMessage.encode({
                messageId: "y",
                payload: { kind: "routeListResponse", value },
              });
            }
          }
          if (payload.kind === "connectionListRequest") {
            const value = { originalMessageId, entries: [app, peer], done: true };
            yield ControlMessage.encode({
              messageId: "y",
              payload: { kind: "connectionListResponse", value },
            });
          }
        }
      },
    },
  ]);

  const { channelManagerPaths: cm } = manager;
  const command = (name: string): manager.CommandResponse =>
    unknown.test(name)
      ? { success: false, errorMsg: `channel ${name} not found` }
      : { success: true, errorMsg: undefined };
  const told = manager.CommandResponse;
  unary(cm.createChannel, manager.CreateChannelRequest, told, (q) => command(q.channelName));
  unary(cm.deleteChannel, manager.DeleteChannelRequest, told, (q) => command(q.channelName));
  unary(cm.addParticipant, manager.AddParticipantRequest, told, (q) => command(q.channelName));
  unary(cm.deleteParticipant, manager.DeleteParticipantRequest, told, (q) =>
    command(q.channelName),
  );
  unary(cm.listChannels, manager.ListChannelsRequest, manager.ListChannelsResponse, () => ({
    success: true,
    errorMsg: undefined,
    channelName: [managed, "agntcy/ns/broadcast"],
  }));
  unary(
    cm.listParticipants,
    manager.ListParticipantsRequest,
    manager.ListParticipantsResponse,
    (q) => ({
      ...command(q.channelName),
      participantName: unknown.test(q.channelName) ? [] : [instance],
    }),
  );

  const server = await createH2Server({ host: "127.0.0.1", routes: new Map(table) });
  return {
    address: `127.0.0.1:${server.address.port}`,
    heard,
    close: () => server.close({ graceMs: 0 }),
  };
}
