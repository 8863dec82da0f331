import { silentLog } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { Status, StatusError } from "@coterie/transport";
import type { CallContext, Routes } from "@coterie/transport";
import { WireError } from "@coterie/wire";
import {
  Message,
  moveSlimHeader,
  peekSlimMessage,
  replaceSlimHeader,
  slimPaths,
} from "@coterie/wire/slim";
import type { Peeked, PeekedMessage } from "@coterie/wire/slim";
import { createFlows } from "./flows.ts";
import type { Flow, Flows, Verdict } from "./flows.ts";
import { acceptLink } from "./link.ts";
import type { Negotiated, OwnLink } from "./negotiation.ts";
import type { Metrics } from "./metrics.ts";
import { createMessageQueue } from "./message-queue.ts";
import type { MessageQueue, QueueLimits } from "./message-queue.ts";
import { createRouteTable } from "./routes.ts";
import type { LinkKind, NameKey } from "./routes.ts";
import { within } from "./within.ts";

export interface DataPlaneLimits extends QueueLimits {
  /** Time for the first message, in milliseconds (SCN-21). */
  readonly negotiationMs: number;
  /** Names and subscriptions of one connection. */
  readonly subscriptions: number;
}

const defaultDataPlaneLimits: DataPlaneLimits = {
  messages: 4096,
  bytes: 8 * 1024 * 1024,
  stalledMs: 10_000,
  negotiationMs: 5_000,
  subscriptions: 65_536,
};

export interface DataPlaneParts {
  readonly crypto: CryptoProvider;
  /** Stable for the process (SCN-27). */
  readonly nodeId: string;
  readonly version: string;
  readonly metrics: Metrics;
  readonly limits?: Partial<DataPlaneLimits> | undefined;
  readonly logger?: Logger | undefined;
}

export interface DataPlane {
  readonly routes: Routes;
  close(): void;
}

interface Connection {
  readonly kind: LinkKind;
  readonly link: Negotiated;
  readonly outbox: MessageQueue;
  readonly flows: Flows;
  /** Names of this connection's subscriptions, by their id (SRT-10); those with the id 0 name nothing alone (SCN-12). */
  readonly subscriptions: Map<bigint, NameKey>;
}

/** Why a message went nowhere (SRT-06). */
type Drop = "malformed" | "mac" | "ttl" | "no-route" | "unexpected";

/** The data plane: apps connect, subscribe to names, and what is published to a name reaches who holds it. */
export function createDataPlane(parts: DataPlaneParts): DataPlane {
  const { crypto, metrics } = parts;
  const logger = parts.logger ?? silentLog;
  const limits = { ...defaultDataPlaneLimits, ...parts.limits };
  const table = createRouteTable<Connection>();
  const connections = new Set<Connection>();
  const own: OwnLink = { crypto, nodeId: parts.nodeId, deploymentName: "", version: parts.version };

  let routed = 0;
  metrics.gauge("coterie_slim_routed_total", () => routed);
  metrics.gauge("coterie_slim_connections", () => connections.size);
  metrics.gauge("coterie_slim_names", () => table.size);
  const drop = (reason: Drop): undefined => {
    metrics.add("coterie_slim_dropped_total", { reason });
  };

  /** A promise while a receiver's box is full: the publisher's stream is not read until then (SCN-05). */
  const publish = (
    from: Connection,
    bytes: Uint8Array,
    peeked: PeekedMessage,
    flow: Flow,
  ): Promise<unknown> | undefined => {
    const { destination } = flow;
    if (flow.header.fanout === 1) {
      const to = table.one(destination, from);
      if (to === undefined) return drop("no-route");
      routed += 1;
      return to.outbox.put(forward(bytes, peeked, flow.outgoing(to.link)));
    }
    const targets = table.all(destination, from);
    if (targets.length === 0) return drop("no-route");
    routed += targets.length;
    const full: Promise<void>[] = [];
    const last = targets.length - 1;
    for (const [index, to] of targets.entries()) {
      // all but the last get a copy
      const send = index === last ? forward : replaceSlimHeader;
      const waiting = to.outbox.put(send(bytes, peeked, flow.outgoing(to.link)));
      if (waiting !== undefined) full.push(waiting);
    }
    return full.length > 0 ? Promise.all(full) : undefined;
  };

  const acknowledge = (
    to: Connection,
    subscriptionId: bigint,
    error: string,
  ): Promise<void> | undefined => {
    if (subscriptionId === 0n) return undefined; // SCN-32
    return to.outbox.put(
      Message.encode({
        metadata: new Map(),
        messageType: {
          kind: "subscriptionAck",
          value: { subscriptionId, success: error === "", error },
        },
      }),
    );
  };

  const subscribe = (from: Connection, id: bigint, name: NameKey): string => {
    const before = from.subscriptions.get(id);
    if (before !== undefined) {
      const same = before.prefix === name.prefix && before.id === name.id;
      return same ? "" : "subscription id in use";
    }
    if (table.subscriptionsOf(from) >= limits.subscriptions) return "too many subscriptions";
    table.add(name, from, id);
    if (id !== 0n) from.subscriptions.set(id, name);
    return "";
  };

  const unsubscribe = (from: Connection, id: bigint, name: NameKey): string => {
    const known = from.subscriptions.get(id);
    from.subscriptions.delete(id);
    const outcome = table.remove(known ?? name, from, id);
    if (outcome === "unknown") return "subscription not found";
    if (outcome === "removed") return "";
    // SCN-12: natives repeat their subscriptions under the id 0 after a reconnect
    return table.remove(name, from, 0n) === "removed" ? "" : `subscription id not found: ${id}`;
  };

  /** A promise where the sender has to wait. */
  const receive = (from: Connection, bytes: Uint8Array): Promise<unknown> | undefined => {
    let peeked: Peeked;
    let flow: Verdict;
    try {
      peeked = peekSlimMessage(bytes);
      // SCN-25: links are negotiated once. Acks go to apps: nobody here waits for one.
      if (peeked.kind === "link" || peeked.kind === "subscription-ack") return drop("unexpected");
      flow = from.flows.judge(bytes.subarray(peeked.header.start, peeked.header.end));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return drop("malformed");
    }
    if (typeof flow === "string") return drop(flow);
    if (flow.header.ttl <= 1) return drop("ttl"); // SCN-30
    if (peeked.kind === "publish") {
      if (!peeked.hasSession) return drop("malformed"); // SRT-09
      return publish(from, bytes, peeked, flow);
    }
    const id = peeked.subscriptionId;
    const change = peeked.kind === "subscribe" ? subscribe : unsubscribe;
    return acknowledge(from, id, change(from, id, flow.destination));
  };

  const openChannel = async function* (
    requests: AsyncIterable<Uint8Array>,
    context: CallContext,
  ): AsyncGenerator<Uint8Array> {
    const incoming = requests[Symbol.asyncIterator]();
    const first = await within(limits.negotiationMs, incoming.next(), tooLate);
    if (first.done === true) return;
    const { link, reply } = acceptLink(own, first.value);
    if (link.kind !== "edge") {
      throw new StatusError(Status.unimplemented, "only apps may connect to this node");
    }
    const outbox = createMessageQueue(
      limits,
      () => new StatusError(Status.aborted, "reading too slowly"),
    );
    const connection: Connection = {
      kind: link.kind,
      link,
      outbox,
      flows: createFlows(crypto, link),
      subscriptions: new Map(),
    };
    connections.add(connection);
    const leave = (): void => {
      connections.delete(connection);
      table.removeHolder(connection); // SCN-35
    };
    // a peer that reads nothing leaves this generator asleep: its names go at once
    outbox.closed.then(leave, leave);
    logger.write("debug", "slim.connected", { kind: link.kind, peer: context.peer });
    const read = async (): Promise<void> => {
      for (;;) {
        const next = await incoming.next();
        if (next.done === true) return outbox.close();
        const waiting = receive(connection, next.value);
        if (waiting !== undefined) await waiting;
      }
    };
    read().catch((error: unknown) =>
      outbox.close(error instanceof Error ? error : new Error(String(error))),
    );
    try {
      yield reply;
      yield* outbox;
    } finally {
      outbox.close();
      leave();
      logger.write("debug", "slim.disconnected", { kind: link.kind, peer: context.peer });
    }
  };

  return {
    routes: new Map([[slimPaths.openChannel, { kind: "duplex", handle: openChannel }]]),
    close() {
      for (const { outbox } of connections) {
        outbox.close(new StatusError(Status.unavailable, "the node stops"));
      }
    },
  };
}

/** The received memory itself where it can be, and no use afterwards. */
function forward(bytes: Uint8Array, peeked: PeekedMessage, header: Uint8Array): Uint8Array {
  return moveSlimHeader(bytes, peeked, header) ?? replaceSlimHeader(bytes, peeked, header);
}

function tooLate(): StatusError {
  return new StatusError(Status.deadlineExceeded, "link negotiation: too late");
}
