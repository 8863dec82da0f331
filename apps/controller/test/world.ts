import { startControlClient } from "@coterie/dataplane/control";
import type { ControlledPlane, PlaneEvent, PlaneLink } from "@coterie/dataplane/control";
import { createMemoryStore } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { createMemoryTransport } from "@coterie/transport";
import { formatSlimName, parseSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { southboundPaths } from "@coterie/wire/slim/controller";
import {
  AddDomainRequest,
  AddDomainResponse,
  AddSegmentRequest,
  AddSegmentResponse,
  AddTopologyLinkRequest,
  AddTopologyLinkResponse,
  LinkEntry,
  NodeEntry,
  northboundPaths,
  RouteEntry,
  RouteListRequest,
} from "@coterie/wire/slim/controlplane";
import type { RecordCodec } from "@coterie/wire";
import { createController } from "../src/controller.ts";
import type { ControllerParts } from "../src/controller.ts";

/** Planes that dial each other by their endpoints, without sockets. */
export function createUniverse() {
  const listening = new Map<string, ReturnType<typeof createPlane>>();
  let next = 1n;

  function createPlane(endpoint: string) {
    const links = new Map<string, PlaneLink & { readonly far?: string }>();
    const routes = new Map<string, { name: SlimName; linkIds: Set<string> }>();
    const listeners = new Set<(event: PlaneEvent) => void>();
    const dials: string[] = [];
    const tell = (event: PlaneEvent): void => {
      for (const listener of listeners) listener(event);
    };
    const put = (name: SlimName, linkId: string): void => {
      const key = formatSlimName(name);
      const entry = routes.get(key) ?? { name, linkIds: new Set() };
      routes.set(key, entry);
      entry.linkIds.add(linkId);
    };
    const drop = (linkId: string): boolean => {
      const link = links.get(linkId);
      if (link === undefined) return false;
      links.delete(linkId);
      for (const { linkIds } of routes.values()) linkIds.delete(linkId);
      tell({ kind: "link-down", link });
      if (link.far !== undefined) listening.get(link.far)?.drop(linkId);
      return true;
    };
    const accept = (linkId: string, far: string): void => {
      const link = { id: next++, linkId, kind: "remote", direction: "incoming", far } as const;
      links.set(linkId, link);
      tell({ kind: "link-up", link });
    };
    links.set("app", { id: next++, linkId: "app", kind: "edge", direction: "incoming" });
    const plane: ControlledPlane = {
      async connect(dial) {
        dials.push(dial.endpoint);
        const other = listening.get(dial.endpoint);
        if (other === undefined) throw new Error("nobody listens");
        const link = {
          id: next++,
          linkId: dial.linkId,
          kind: dial.kind,
          direction: "outgoing",
          endpoint: dial.endpoint,
          far: dial.endpoint,
        } as const;
        links.set(dial.linkId, link);
        other.accept(dial.linkId, `http://${endpoint}`);
        tell({ kind: "link-up", link });
        return link;
      },
      disconnect: drop,
      links: () => [...links.values()],
      *names() {
        for (const { name, linkIds } of routes.values()) {
          const held = [...linkIds].flatMap((id) => links.get(id) ?? []);
          if (held.length > 0) yield { name, links: held };
        }
      },
      setRoute(name, linkId) {
        if (!links.has(linkId)) return false;
        put(name, linkId);
        return true;
      },
      removeRoute: (name, linkId) =>
        routes.get(formatSlimName(name))?.linkIds.delete(linkId) ?? false,
      watch(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const made = {
      plane,
      endpoint,
      dials,
      accept,
      drop,
      subscribe(text: string) {
        const name = parseSlimName(text);
        put(name, "app");
        tell({ kind: "name-added", name });
      },
      unsubscribe(text: string) {
        routes.get(text)?.linkIds.delete("app");
        tell({ kind: "name-removed", name: parseSlimName(text) });
      },
      /** Endpoints of the nodes that a name is sent to, sorted; "app" for an app here. */
      to: (text: string): string[] =>
        [...(routes.get(text)?.linkIds ?? [])].map((id) => links.get(id)?.far ?? id).toSorted(),
      linkIds: () => [...links.keys()].filter((id) => id !== "app"),
    };
    listening.set(`http://${endpoint}`, made);
    return made;
  }
  return { createPlane, vanish: (endpoint: string) => listening.delete(`http://${endpoint}`) };
}
const quick = {
  confirmMs: 30,
  graceMs: 40,
  resyncMs: 1_000_000,
  backoff: [5, 20],
} as const;

/** A controller, nodes on planes of one universe, and an operator. */
export async function createWorld(
  parts: Partial<ControllerParts> = {},
  store: Store = createMemoryStore(),
) {
  const universe = createUniverse();
  const open = () =>
    createController({ store, admission: { open: true }, random: () => 0, times: quick, ...parts });
  let controller = await open();
  let south = createMemoryTransport(controller.southbound);
  let north = createMemoryTransport(controller.northbound);

  const call = async <Q, A>(
    path: string,
    request: RecordCodec<Q>,
    answer: RecordCodec<A>,
    value: Partial<Q>,
  ): Promise<A> => answer.decode(await north.unary(path, request.encode(request.create(value))));

  const list = async <A>(path: string, entry: RecordCodec<A>): Promise<A[]> => {
    const entries: A[] = [];
    const request = RouteListRequest.encode(RouteListRequest.create({}));
    for await (const bytes of north.serverStream(path, request)) entries.push(entry.decode(bytes));
    return entries;
  };

  return {
    universe,
    call,
    south: () => south,
    node(nodeId: string, domain: string | undefined, secret = "") {
      const plane = universe.createPlane(`${nodeId}:1`);
      const start = () =>
        startControlClient({
          plane: plane.plane,
          open: () => south.duplex(southboundPaths.openControlChannel),
          nodeId,
          domain,
          credentials: () => secret,
          details: [{ endpoint: plane.endpoint, tlsRequired: false, authMethod: 0 }],
          retryMs: 2,
        });
      return { ...plane, start };
    },
    addDomain: (domainName: string, secret: string) =>
      call(northboundPaths.addDomain, AddDomainRequest, AddDomainResponse, { domainName, secret }),
    addSegment: (name: string) =>
      call(northboundPaths.addSegment, AddSegmentRequest, AddSegmentResponse, { name }),
    link: (domainA: string, domainB: string, segment = "") =>
      call(northboundPaths.addTopologyLink, AddTopologyLinkRequest, AddTopologyLinkResponse, {
        domainA,
        domainB,
        segment,
      }),
    nodes: () => list(northboundPaths.listNodes, NodeEntry),
    links: () => list(northboundPaths.listLinks, LinkEntry),
    routes: () => list(northboundPaths.listRoutes, RouteEntry),
    /** Another process over the same store. */
    async restart() {
      await controller.close();
      await south.close();
      await north.close();
      controller = await open();
      south = createMemoryTransport(controller.southbound);
      north = createMemoryTransport(controller.northbound);
    },
    close: () => controller.close(),
  };
}
