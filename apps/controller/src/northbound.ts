import { CoterieError } from "@coterie/base";
import { Status, StatusError } from "@coterie/transport";
import type { CallContext, Route, Routes, StatusCode } from "@coterie/transport";
import type { RecordCodec } from "@coterie/wire";
import { encodeSlimName, parseSlimName } from "@coterie/wire/slim";
import { ConnectionListResponse, RouteListResponse } from "@coterie/wire/slim/controller";
import type { ConnectionDetails, ConnectionEntry } from "@coterie/wire/slim/controller";
import {
  AddDomainRequest,
  AddDomainResponse,
  AddSegmentRequest,
  AddSegmentResponse,
  AddTopologyLinkRequest,
  AddTopologyLinkResponse,
  LinkEntry,
  LinkListRequest,
  LinkStatus,
  ListDomainsRequest,
  ListDomainsResponse,
  ListSegmentsRequest,
  ListSegmentsResponse,
  Node,
  NodeEntry,
  NodeListRequest,
  NodeStatus,
  northboundPaths,
  RemoveDomainRequest,
  RemoveDomainResponse,
  RemoveSegmentRequest,
  RemoveSegmentResponse,
  RemoveTopologyLinkRequest,
  RemoveTopologyLinkResponse,
  RouteEntry,
  RouteListRequest,
  RouteStatus,
} from "@coterie/wire/slim/controlplane";
import { keyOfRoute } from "./books.ts";
import { ControllerError } from "./errors.ts";
import type { ControllerErrorCode } from "./errors.ts";
import { isDomainName } from "./model.ts";
import type { Endpoint } from "./model.ts";
import type { Network } from "./network.ts";
import type { Records } from "./records.ts";
import { hashSecret } from "./secrets.ts";
import type { Segments } from "./segments.ts";

export interface NorthboundParts {
  readonly network: Network;
  readonly records: Records;
  readonly segments: Segments;
}

const linkStatuses = {
  pending: LinkStatus.pending,
  applied: LinkStatus.applied,
  failed: LinkStatus.failed,
  deleted: LinkStatus.unspecified,
} as const;
const routeStatuses = {
  pending: RouteStatus.pending,
  applied: RouteStatus.applied,
  failed: RouteStatus.failed,
  deleted: RouteStatus.deleted,
} as const;

/** What operators ask (SCT-08). */
export function northboundRoutes({ network, records, segments }: NorthboundParts): Routes {
  /** The other end of our links, where the node does not know it. */
  const withPeer = (node: string, entry: ConnectionEntry): ConnectionEntry => {
    const link = entry.linkId === undefined ? undefined : records.links.get(entry.linkId);
    if (link === undefined) return entry;
    return { ...entry, peerNodeId: link.source === node ? link.dest : link.source };
  };

  const addDomain = async ({
    domainName,
    secret,
  }: AddDomainRequest): Promise<AddDomainResponse> => {
    required(domainName, "domain_name must not be empty");
    required(secret, "secret must not be empty");
    if (!isDomainName(domainName)) {
      const message = "domain_name must not contain / or |";
      throw new ControllerError("controller/invalid-argument", { message });
    }
    records.domains.put(domainName, { name: domainName, secret: await hashSecret(secret) });
    await records.saved();
    return {};
  };

  const listDomains = (): ListDomainsResponse => {
    const domains = new Map<string, string[]>();
    for (const { name } of records.domains.values()) domains.set(name, []);
    for (const { id, domain } of records.nodes.values()) {
      domains.set(domain, [...(domains.get(domain) ?? []), id]);
    }
    return {
      domains: [...domains].toSorted(byKey).map(([domainName, nodes]) => ({
        domainName,
        nodes: nodes.toSorted(),
      })),
    };
  };

  return new Map<string, Route>([
    unary(northboundPaths.listNodeRoutes, Node, RouteListResponse, async ({ id }) => {
      const entries = await network.connected(id).routes();
      return {
        originalMessageId: "",
        done: true,
        entries: entries.map(({ name, connections }) => ({
          name,
          connections: connections.map((entry) => withPeer(id, entry)),
        })),
      };
    }),
    unary(northboundPaths.listConnections, Node, ConnectionListResponse, async ({ id }) => {
      const entries = await network.connected(id).connections();
      const withPeers = entries.map((entry) => withPeer(id, entry));
      return { originalMessageId: "", done: true, entries: withPeers };
    }),
    stream(northboundPaths.listNodes, NodeListRequest, NodeEntry, function* () {
      for (const { id, domain, endpoints } of records.nodes.values()) {
        const status = network.isConnected(id) ? NodeStatus.connected : NodeStatus.notConnected;
        yield { id, domain, status, connections: endpoints.map(toDetails) };
      }
    }),
    stream(northboundPaths.listRoutes, RouteListRequest, RouteEntry, function* (asked) {
      for (const route of records.routes.values()) {
        if (!matches(asked, route.node, route.dest)) continue;
        const link = records.links.get(route.linkId);
        yield {
          id: keyOfRoute(route),
          sourceNodeId: route.node,
          destNodeId: route.dest,
          destEndpoint: link?.endpoint ?? "",
          connConfigData: link?.config ?? "",
          name: encodeSlimName(parseSlimName(route.name)),
          status: routeStatuses[route.status],
          statusMsg: route.message,
          lastUpdated: BigInt(route.updated),
          linkId: route.linkId,
        };
      }
    }),
    stream(northboundPaths.listLinks, LinkListRequest, LinkEntry, function* (asked) {
      for (const link of records.links.values()) {
        if (!matches(asked, link.source, link.dest)) continue;
        yield {
          id: link.linkId,
          linkId: link.linkId,
          sourceNodeId: link.source,
          destNodeId: link.dest,
          destEndpoint: link.endpoint,
          connConfigData: link.config,
          status: linkStatuses[link.status],
          statusMsg: link.message,
          deleted: link.status === "deleted",
          lastUpdated: BigInt(link.updated),
        };
      }
    }),
    unary(northboundPaths.listSegments, ListSegmentsRequest, ListSegmentsResponse, () => ({
      segments: segments.list().map(({ name, edges }) => ({
        name,
        domains: [...new Set(edges.flat())].toSorted(),
        edges: edges.map(([domainA, domainB]) => ({ domainA, domainB })),
      })),
    })),
    unary(northboundPaths.addSegment, AddSegmentRequest, AddSegmentResponse, async ({ name }) => {
      await segments.add(required(name, "segment name must not be empty"));
      return {};
    }),
    unary(
      northboundPaths.removeSegment,
      RemoveSegmentRequest,
      RemoveSegmentResponse,
      async ({ name }) => {
        await segments.remove(required(name, "segment name must not be empty"));
        return {};
      },
    ),
    unary(
      northboundPaths.addTopologyLink,
      AddTopologyLinkRequest,
      AddTopologyLinkResponse,
      async ({ domainA, domainB, segment }) => {
        required(domainA, "domain_a must not be empty");
        required(domainB, "domain_b must not be empty");
        return { warnings: await segments.link(segment, [domainA, domainB]) };
      },
    ),
    unary(
      northboundPaths.removeTopologyLink,
      RemoveTopologyLinkRequest,
      RemoveTopologyLinkResponse,
      async ({ domainA, domainB, segment }) => {
        required(domainA, "domain_a must not be empty");
        required(domainB, "domain_b must not be empty");
        await segments.unlink(segment, [domainA, domainB]);
        return {};
      },
    ),
    unary(northboundPaths.listDomains, ListDomainsRequest, ListDomainsResponse, listDomains),
    unary(northboundPaths.addDomain, AddDomainRequest, AddDomainResponse, addDomain),
    unary(
      northboundPaths.removeDomain,
      RemoveDomainRequest,
      RemoveDomainResponse,
      async ({ domainName }) => {
        required(domainName, "domain_name must not be empty");
        records.domains.delete(domainName);
        network.expel(domainName);
        await records.saved();
        return {};
      },
    ),
  ]);
}

/** One unary method over codecs; what it throws becomes a status. */
export function unary<Q, A>(
  path: string,
  request: RecordCodec<Q>,
  answer: RecordCodec<A>,
  handle: (asked: Q, context: CallContext) => A | Promise<A>,
): [string, Route] {
  return [
    path,
    {
      kind: "unary",
      async handle(bytes, context) {
        try {
          return answer.encode(await handle(request.decode(bytes), context));
        } catch (error) {
          throw toStatus(error);
        }
      },
    },
  ];
}

function stream<Q, A>(
  path: string,
  request: RecordCodec<Q>,
  answer: RecordCodec<A>,
  handle: (asked: Q) => Iterable<A>,
): [string, Route] {
  return [
    path,
    {
      kind: "server-stream",
      async *handle(bytes) {
        try {
          for (const entry of handle(request.decode(bytes))) yield answer.encode(entry);
        } catch (error) {
          throw toStatus(error);
        }
      },
    },
  ];
}

const statuses: Partial<Record<ControllerErrorCode, StatusCode>> = {
  "controller/unknown-node": Status.notFound,
  "controller/not-found": Status.notFound,
  "controller/invalid-argument": Status.invalidArgument,
  "controller/ambiguous-name": Status.invalidArgument,
  "controller/exists": Status.alreadyExists,
};

/** SCT-08: what the caller can change is told apart from what went wrong here. */
function toStatus(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  const words = error instanceof Error ? error.message : "internal error";
  if (error instanceof ControllerError) {
    return new StatusError(statuses[error.code] ?? Status.internal, words, { cause: error });
  }
  if (error instanceof CoterieError && error.code.startsWith("wire/")) {
    return new StatusError(Status.invalidArgument, words, { cause: error });
  }
  return new StatusError(Status.internal, "internal error", { cause: error });
}

function required(value: string, message: string): string {
  if (value === "") throw new ControllerError("controller/invalid-argument", { message });
  return value;
}

const matches = (
  { srcNodeId, destNodeId }: RouteListRequest,
  source: string,
  dest: string,
): boolean =>
  (srcNodeId === "" || srcNodeId === source) && (destNodeId === "" || destNodeId === dest);

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

function toDetails({ endpoint, external, tls, auth, trustDomain }: Endpoint): ConnectionDetails {
  return {
    endpoint,
    externalEndpoint: external,
    tlsRequired: tls,
    authMethod: auth,
    spireTrustDomain: trustDomain,
  };
}
