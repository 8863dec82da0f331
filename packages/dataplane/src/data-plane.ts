import { silentLog, systemRandom } from "@coterie/base";
import type { Log as Logger, Random } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { Status, StatusError } from "@coterie/transport";
import type { CallContext, Routes, Transport } from "@coterie/transport";
import { formatSlimName, slimPaths } from "@coterie/wire/slim";
import type { AppConnection } from "./app-connection.ts";
import type { Connection, Drop, TableEntry } from "./connection.ts";
import type { ControlledPlane, PlaneDial, PlaneEvent, PlaneLink } from "./control/port.ts";
import { createFlows, hopOf } from "./flows.ts";
import { acceptLink } from "./link.ts";
import { connectLocal } from "./local.ts";
import type { LocalOptions } from "./local.ts";
import { createMessageQueue } from "./message-queue.ts";
import type { QueueLimits } from "./message-queue.ts";
import type { Metrics } from "./metrics.ts";
import type { Negotiated, OwnLink } from "./negotiation.ts";
import { createDialler } from "./node-links.ts";
import { createPace } from "./pace.ts";
import { createPeering } from "./peering.ts";
import { createRouter } from "./router.ts";
import { createRouteTable, nameKeyOf, setRouteId } from "./routes.ts";
import type { LinkKind } from "./routes.ts";
import { within } from "./within.ts";

export interface DataPlaneLimits extends QueueLimits {
  /** Time for the first message, in milliseconds (SCN-21). */
  readonly negotiationMs: number;
  /** Names and subscriptions of one connection; more are refused, and who goes on asking is cut (SND-05). 10,000. */
  readonly subscriptions: number;
  /** Names of another replica; more are refused. 1,000,000. */
  readonly peerSubscriptions: number;
  /** Messages a second of one connection; who sends more is read more slowly (SND-05). No limit by default. */
  readonly messagesPerSecond: number;
  /** Time for a peer to answer what it is told, before it is told again, three times at most; 5,000 ms (SRT-12). */
  readonly peerAnswerMs: number;
  /** Between two attempts to reach a peer; 2,000 ms (SCN-11). */
  readonly reconnectMs: number;
}

const defaultDataPlaneLimits: DataPlaneLimits = {
  messages: 4096,
  bytes: 8 * 1024 * 1024,
  stalledMs: 10_000,
  negotiationMs: 5_000,
  subscriptions: 10_000,
  peerSubscriptions: 1_000_000,
  messagesPerSecond: Number.POSITIVE_INFINITY,
  peerAnswerMs: 5_000,
  reconnectMs: 2_000,
};

export interface DataPlaneParts {
  readonly crypto: CryptoProvider;
  /** Stable for the process (SCN-27). */
  readonly nodeId: string;
  readonly version: string;
  /** Replicas of one deployment accept each other only (SCN-26). */
  readonly deploymentName?: string | undefined;
  /** For peers that form no full mesh: what one told goes on to the others (SRT-04, SRT-12). */
  readonly relay?: boolean | undefined;
  /** How other nodes are reached; without it this node only accepts links. The transport is closed with the link. */
  readonly dial?: ((to: PlaneDial) => Transport) | undefined;
  readonly metrics: Metrics;
  readonly limits?: Partial<DataPlaneLimits> | undefined;
  readonly random?: Random | undefined;
  readonly logger?: Logger | undefined;
}

export interface DataPlane extends ControlledPlane {
  readonly routes: Routes;
  /** An app in this process (SCN-30, SRT-05). */
  connectLocal(options: LocalOptions): AppConnection;
  /** Sends what waits, for at most `graceMs` (5,000), then ends every connection with UNAVAILABLE (SND-07). */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}

/** The data plane: apps and nodes connect, names lead to connections, and what is published to a name reaches who holds it. */
export function createDataPlane(parts: DataPlaneParts): DataPlane {
  const { crypto, metrics, nodeId, version, random = systemRandom } = parts;
  const logger = parts.logger ?? silentLog;
  const limits = { ...defaultDataPlaneLimits, ...parts.limits };
  const own: OwnLink = { crypto, nodeId, version, deploymentName: parts.deploymentName ?? "" };
  const connections = new Set<Connection>();
  const listeners = new Set<(event: PlaneEvent) => void>();
  const table = createRouteTable<Connection>();
  let lastId = 0n;
  let isClosing = false;

  const tell = (event: PlaneEvent): void => {
    for (const listener of listeners) listener(event);
  };

  const drop = (from: Connection, why: Drop): void => {
    metrics.add("coterie_slim_dropped_total", { reason: why });
    from.dropped?.(why);
    // a replica that is cut comes back with the same names
    if (why !== "limit" || from.kind === "peer" || !from.pace.strike()) return;
    logger.write("warn", "slim.cut", { linkId: from.link?.linkId, why });
    from.outbox.close(new StatusError(Status.resourceExhausted, "too many subscriptions"));
  };

  /** SCT-03: what apps of this node hold. */
  const changed = ({ name, counts }: TableEntry, { kind }: Connection, how: string): void => {
    if (kind !== "edge" && kind !== "local") return;
    const holders = counts.local + counts.edge;
    if (how === "joined" && holders === 1) tell({ kind: "name-added", name });
    if (how === "left" && holders === 0) tell({ kind: "name-removed", name });
  };

  /** Peers of which it was said that they refuse names: there may be many names. */
  const refusing = new WeakSet<Connection>();
  const peering = createPeering({
    version,
    table,
    relay: parts.relay === true,
    answerMs: limits.peerAnswerMs,
    retries: 3,
    refused(peer, name, error) {
      const { linkId } = peer.link ?? {};
      const level = refusing.has(peer) ? "debug" : "warn";
      refusing.add(peer);
      logger.write(level, "slim.peer-refused", { linkId, name: formatSlimName(name), error });
    },
    freshId: () => new DataView(random.bytes(8).buffer).getBigUint64(0) | 1n,
  });
  const router = createRouter({
    table,
    peering,
    subscriptions: limits.subscriptions,
    peerSubscriptions: limits.peerSubscriptions,
    relay: parts.relay === true,
    peersMs: limits.peerAnswerMs,
    drop,
    changed,
  });

  metrics.gauge("coterie_slim_received_total", () => router.counts.received);
  metrics.gauge("coterie_slim_routed_total", () => router.counts.routed);
  metrics.gauge("coterie_slim_subscribed_total", () => router.counts.subscribed);
  for (const kind of ["edge", "remote", "peer", "local"] as const) {
    metrics.gauge(`coterie_slim_connections{kind="${kind}"}`, () => countOf(kind));
  }
  metrics.gauge("coterie_slim_names", () => table.size);
  const countOf = (kind: LinkKind): number => {
    let count = 0;
    for (const connection of connections) if (connection.kind === kind) count += 1;
    return count;
  };

  const enter = (
    about: Pick<Connection, "direction"> &
      Partial<Pick<Connection, "link" | "endpoint" | "dropped">>,
  ): Connection => {
    const { link } = about;
    if (link !== undefined) for (const old of replaced(link, about.direction)) leave(old, newer());
    const hop = link === undefined ? { linkId: "" } : hopOf(link);
    const connection: Connection = {
      ...about,
      id: ++lastId,
      kind: link?.kind ?? "local",
      hop,
      flows: createFlows(crypto, hop, link === undefined ? 0 : 1),
      outbox: createMessageQueue(
        limits,
        () => new StatusError(Status.aborted, "reading too slowly"),
      ),
      subscriptions: new Map(),
      pace: createPace(limits.messagesPerSecond),
    };
    connections.add(connection);
    // a peer that reads nothing leaves whoever writes to it asleep: its names go at once
    void connection.outbox.closed.then(() => leave(connection));
    if (link === undefined) return connection;
    logger.write("debug", "slim.connected", { kind: link.kind, linkId: link.linkId });
    tell({ kind: "link-up", link: viewOf(connection) });
    if (link.kind === "peer") peering.join(connection); // SRT-14: remote nodes are told nothing
    return connection;
  };

  const leave = (connection: Connection, why?: Error): void => {
    if (!connections.delete(connection)) return;
    connection.outbox.close(why);
    router.leave(connection); // SCN-35
    if (connection.link === undefined) return;
    const { kind, linkId } = connection.link;
    logger.write("debug", "slim.disconnected", { kind, linkId });
    tell({ kind: "link-down", link: viewOf(connection) });
  };

  /** Reads a connection to its end. */
  const read = async (from: Connection, incoming: AsyncIterator<Uint8Array>): Promise<void> => {
    for (;;) {
      const next = await incoming.next();
      // whoever was cut may go on talking; nothing of it may enter the table again
      if (next.done === true || !connections.has(from)) return;
      const waiting = router.receive(from, next.value) ?? from.pace.step();
      if (waiting !== undefined) await waiting;
    }
  };

  const openChannel = async function* (
    requests: AsyncIterable<Uint8Array>,
    context: CallContext,
  ): AsyncGenerator<Uint8Array> {
    if (isClosing) throw stopping();
    const incoming = requests[Symbol.asyncIterator]();
    const first = await within(limits.negotiationMs, incoming.next(), tooLate);
    if (first.done === true) return;
    const { link, reply } = acceptLink(own, first.value);
    const connection = enter({ direction: "incoming", link });
    // the server asks for an end: what waits still goes out
    context.signal.addEventListener("abort", () => connection.outbox.close(stopping()));
    read(connection, incoming).then(
      () => connection.outbox.close(),
      (error: unknown) => connection.outbox.close(asError(error)),
    );
    try {
      yield reply;
      yield* connection.outbox;
    } finally {
      leave(connection);
    }
  };

  /** Connections that a new one takes the place of; throws where it is the new one that is too much. */
  const replaced = (link: Negotiated, direction: Connection["direction"]): Connection[] => {
    const old: Connection[] = [];
    const { nodeId: other } = link.peer;
    for (const one of connections) {
      if (one.kind !== link.kind || one.link?.peer.nodeId !== other) continue;
      // who comes back under its link id has lost the link that is still here (SCN-11)
      if (one.link.linkId === link.linkId) old.push(one);
      else if (link.kind === "peer") {
        // SRT-15: one link between two replicas, that of the smaller node id
        const rightful = nodeId < other ? "outgoing" : "incoming";
        if (one.direction === rightful && direction !== rightful) {
          throw new StatusError(Status.alreadyExists, "peer is connected");
        }
        old.push(one);
      }
    }
    return old;
  };

  const dialler = createDialler({
    own,
    random,
    logger,
    dial: parts.dial,
    negotiationMs: limits.negotiationMs,
    reconnectMs: limits.reconnectMs,
    enter,
    leave,
    read,
  });

  /** Links of nodes before those of apps: an app that took the link id of a node gains nothing. */
  const byLinkId = (linkId: string): Connection | undefined => {
    let found: Connection | undefined;
    for (const one of connections) {
      if (one.link?.linkId === linkId && (found === undefined || one.kind !== "edge")) found = one;
    }
    return found;
  };

  return {
    routes: new Map([[slimPaths.openChannel, { kind: "duplex", handle: openChannel }]]),

    connectLocal: (options) =>
      connectLocal({
        ...options,
        router,
        nodeId,
        version,
        open: (dropped) => enter({ direction: "incoming", dropped }),
        close: leave,
      }),

    async connect(to) {
      if (isClosing) throw stopping();
      const standing = byLinkId(to.linkId);
      if (standing !== undefined) return viewOf(standing); // SCT-04
      return viewOf(await dialler.connect(to));
    },
    disconnect(linkId) {
      const dialled = dialler.disconnect(linkId);
      const connection = byLinkId(linkId);
      if (connection !== undefined) leave(connection);
      return dialled || connection !== undefined;
    },
    links: () => [...connections].map(viewOf),
    *names() {
      for (const { name, holders } of table.entries()) {
        yield { name, links: [...holders.keys()].map(viewOf) };
      }
    },
    setRoute(name, linkId) {
      const to = byLinkId(linkId);
      if (to === undefined) return false;
      void router.add(to, setRouteId, nameKeyOf(name), name);
      return true;
    },
    removeRoute(name, linkId) {
      const to = byLinkId(linkId);
      return to !== undefined && router.remove(to, setRouteId, nameKeyOf(name)) === "removed";
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    async close({ graceMs = 5_000 } = {}) {
      isClosing = true;
      dialler.close();
      const ended = [...connections].map(({ outbox }) => {
        outbox.close(stopping());
        return outbox.drained;
      });
      await within(graceMs, Promise.all(ended)).catch(() => {});
    },
  };
}

function viewOf({ id, kind, direction, link, endpoint }: Connection): PlaneLink {
  const { linkId, peer } = link ?? {};
  return { id, kind, direction, linkId, endpoint, peerNodeId: peer?.nodeId };
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));
const tooLate = (): StatusError =>
  new StatusError(Status.deadlineExceeded, "link negotiation: too late");
const stopping = (): StatusError => new StatusError(Status.unavailable, "the node stops");
const newer = (): StatusError => new StatusError(Status.aborted, "a newer connection took over");
