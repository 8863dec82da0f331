import type { Log as Logger } from "@coterie/base";
import { controlSuffix } from "@coterie/session/control";
import type { Connection, Route } from "@coterie/wire/slim/controller";
import { keyOfRoute, openNameBook, openRouteBook } from "./books.ts";
import type { NameBook, RouteBook } from "./books.ts";
import { ControllerError } from "./errors.ts";
import type { NodeRecord } from "./model.ts";
import type { NodeChannel } from "./node-channel.ts";
import { createPlanner, standingLinks } from "./planner.ts";
import { createReconciler, listedAtOnce, toConnection, toRoute } from "./reconciler.ts";
import type { Outcome, Reconciler, ReconcilerHost } from "./reconciler.ts";
import type { Records } from "./records.ts";

export interface NetworkTimes {
  /** How long a node that lost its channel keeps its names and links. */
  readonly graceMs: number;
  /** How long a node may take after its registration to name again what it named before. */
  readonly confirmMs: number;
  /** Between two complete comparisons of a node that dials links: links end without a word. */
  readonly resyncMs: number;
  /** Waits after a failed command, the first and the longest. */
  readonly backoff: readonly [firstMs: number, lastMs: number];
}

export interface NetworkParts {
  readonly records: Records;
  readonly times: NetworkTimes;
  /** Unix seconds. */
  readonly nowSeconds: () => number;
  /** Draws from [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

/** Nodes, what they hold, and what follows for links and routes (SCT-05). */
export interface Network {
  readonly names: NameBook;
  readonly routes: RouteBook;
  isConnected(node: string): boolean;
  /** Throws `controller/unknown-node` or `controller/node-away`. */
  connected(node: string): NodeChannel;
  /** A node registered; answers what it shall hold now. Commands go to it after `begin`. */
  registered(
    node: NodeRecord,
    channel: NodeChannel,
  ): { readonly connections: Connection[]; readonly routes: Route[]; begin(): void };
  /** The channel ended; a later one of the same node stays. */
  lost(channel: NodeChannel): void;
  /** The node took its leave. */
  deregistered(channel: NodeChannel): void;
  /** SCT-03: names that apps hold on the node, or hold no more. */
  told(channel: NodeChannel, set: readonly string[], gone: readonly string[]): void;
  /** A link of ours arrived at the node. */
  arrived(channel: NodeChannel): void;
  /** Segments changed. */
  topologyChanged(): void;
  /** Ends the channels of a domain's nodes and forgets them. */
  expel(domain: string): void;
  /** Calls back after names came or went. */
  watchNames(listener: () => void): () => void;
  close(): void;
}

interface Live {
  readonly channel: NodeChannel;
  readonly reconciler: Reconciler;
}

/** Names that one node may tell of. */
const namesPerNode = 100_000;
/** Changes that come together are thought about once. */
const planMs = 5;

export function createNetwork(parts: NetworkParts): Network {
  const { records, times, nowSeconds, logger } = parts;
  const names = openNameBook(records, controlSuffix);
  const routes = openRouteBook(records);
  const live = new Map<string, Live>();
  /** Nodes without a channel whose time is not over. */
  const graces = new Map<string, NodeJS.Timeout>();
  /** Names of a node that it has not told since it came back. */
  const unconfirmed = new Map<string, Set<string>>();
  const listeners = new Set<() => void>();
  let closed = false;

  const presence = (node: string): number => (live.has(node) ? 2 : graces.has(node) ? 1 : 0);
  const planner = createPlanner({ records, names, routes, presence, nowSeconds });
  const dirtyNames = new Set<string>();
  let dirtyLinks = true;
  let planning: NodeJS.Timeout | undefined;
  const later = (): void => {
    planning ??= setTimeout(() => {
      planning = undefined;
      if (!closed) plan();
    }, planMs);
  };
  const allNames = (): void => {
    for (const name of names.names()) dirtyNames.add(name);
    for (const name of routes.names()) dirtyNames.add(name);
  };
  const plan = (): void => {
    const changed = new Set<string>();
    if (dirtyLinks) {
      dirtyLinks = false;
      for (const node of planner.links()) changed.add(node);
      allNames();
    }
    for (const node of planner.routes(dirtyNames)) changed.add(node);
    dirtyNames.clear();
    for (const node of changed) live.get(node)?.reconciler.kick();
  };

  const host: ReconcilerHost = {
    linksFrom: (node) => [...records.links.values()].filter(({ source }) => source === node),
    routesOf: (node, all) =>
      (all ? routes.ofNode(node) : routes.unsettled(node)).filter(({ status, linkId }) => {
        if (status === "deleted") return true;
        const link = records.links.get(linkId);
        // the other end has the link once its source says that it stands
        return link !== undefined && (link.source === node || link.status === "applied");
      }),
    linkDone(link, outcome) {
      const now = records.links.get(link.linkId);
      if (now === undefined || now.status !== link.status) return;
      if (outcome.kind === "gone") return records.links.delete(link.linkId);
      const { status, message } = statusOf(outcome);
      if (now.status === status && now.message === message) return;
      records.links.put(link.linkId, { ...now, status, message, updated: nowSeconds() });
      if (status === "applied") live.get(link.dest)?.reconciler.kick();
      if (status === "failed" || now.status === "failed") {
        // what went through it goes another way, or comes back
        allNames();
        later();
      }
    },
    routeDone(route, outcome) {
      const now = routes.get(keyOfRoute(route));
      if (now === undefined || now.status !== route.status) return;
      if (outcome.kind === "gone") return routes.drop(now);
      const { status, message } = statusOf(outcome);
      if (now.status === status && now.message === message) return;
      routes.put({ ...now, status, message, updated: nowSeconds() });
    },
  };

  const tellNames = (): void => {
    for (const listener of listeners) listener();
  };
  const forget = (node: string, gone: Iterable<string>): void => {
    for (const name of gone) if (names.remove(node, name)) dirtyNames.add(name);
    later();
    tellNames();
  };
  const leave = (node: string): void => {
    clearTimeout(graces.get(node));
    graces.delete(node);
    forget(node, names.of(node));
    dirtyLinks = true;
  };
  const grace = (node: string): void => {
    clearTimeout(graces.get(node));
    const timer = setTimeout(() => leave(node), times.graceMs);
    timer.unref();
    graces.set(node, timer);
  };
  /** False where a later channel of the node has taken over. */
  const end = (channel: NodeChannel): boolean => {
    const current = live.get(channel.nodeId);
    if (current?.channel !== channel) return false;
    live.delete(channel.nodeId);
    current.reconciler.close();
    channel.close();
    return true;
  };
  const deregistered = (channel: NodeChannel): void => {
    if (!end(channel)) return;
    records.nodes.delete(channel.nodeId);
    leave(channel.nodeId);
  };
  /** What it has not named again by now is gone. */
  const confirm = (channel: NodeChannel): void => {
    const { nodeId } = channel;
    if (live.get(nodeId)?.channel !== channel) return;
    forget(nodeId, unconfirmed.get(nodeId) ?? []);
    unconfirmed.delete(nodeId);
  };

  // nodes of a former life come back, or their time is over
  for (const { id } of records.nodes.values()) grace(id);
  const resync = setInterval(() => {
    const dialling = new Set([...standingLinks(records)].map(({ source }) => source));
    for (const node of dialling) live.get(node)?.reconciler.kick(true);
  }, times.resyncMs);
  resync.unref();

  return {
    names,
    routes,
    isConnected: (node) => live.has(node),

    connected(node) {
      const found = live.get(node)?.channel;
      if (found !== undefined) return found;
      const known = records.nodes.get(node) !== undefined;
      throw new ControllerError(known ? "controller/node-away" : "controller/unknown-node", {
        message: known ? `node ${node} is not connected` : `node ${node} not found`,
        details: { nodeId: node },
      });
    },

    registered(node, channel) {
      const before = live.get(node.id);
      if (before !== undefined) end(before.channel);
      clearTimeout(graces.get(node.id));
      graces.delete(node.id);
      records.nodes.put(node.id, node);
      const { backoff } = times;
      const { random } = parts;
      const reconciler = createReconciler({ host, channel, backoff, random, logger });
      live.set(node.id, { channel, reconciler });
      unconfirmed.set(node.id, new Set(names.of(node.id)));
      setTimeout(confirm, times.confirmMs, channel).unref();
      const wanted = ({ status }: { readonly status: string }): boolean => status !== "deleted";
      return {
        connections: host.linksFrom(node.id).filter(wanted).map(toConnection),
        routes: host.routesOf(node.id, true).filter(wanted).slice(0, listedAtOnce).map(toRoute),
        begin() {
          dirtyLinks = true;
          later();
          reconciler.kick(true);
        },
      };
    },

    lost(channel) {
      if (end(channel)) grace(channel.nodeId);
    },

    deregistered,

    told(channel, set, gone) {
      const node = channel.nodeId;
      if (live.get(node)?.channel !== channel) return;
      const open = unconfirmed.get(node);
      for (const name of set) {
        open?.delete(name);
        if (names.countOf(node) >= namesPerNode) {
          logger.write("warn", "controller.too-many-names", { node });
          break;
        }
        if (names.add(node, name)) dirtyNames.add(name);
      }
      forget(node, gone);
    },

    arrived(channel) {
      live.get(channel.nodeId)?.reconciler.kick(true);
    },

    topologyChanged() {
      dirtyLinks = true;
      later();
    },

    expel(domain) {
      for (const { channel } of live.values()) {
        if (records.nodes.get(channel.nodeId)?.domain !== domain) continue;
        deregistered(channel);
      }
    },

    watchNames(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    close() {
      closed = true;
      clearTimeout(planning);
      clearInterval(resync);
      for (const timer of graces.values()) clearTimeout(timer);
      for (const { channel } of live.values()) end(channel);
    },
  };
}

function statusOf(outcome: Exclude<Outcome, { readonly kind: "gone" }>): {
  readonly status: "applied" | "failed";
  readonly message: string;
} {
  return outcome.kind === "failed"
    ? { status: "failed", message: outcome.message }
    : { status: "applied", message: "" };
}
