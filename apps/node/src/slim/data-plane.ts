import { equalConstantTime, silentLog } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { Status, StatusError } from "@coterie/transport";
import type { CallContext, Routes } from "@coterie/transport";
import {
  headerMacPreimage,
  Message,
  peekSlimMessage,
  restampSlimMessage,
  slimPaths,
} from "@coterie/wire/slim";
import type { MacFields, PeekedHeader } from "@coterie/wire/slim";
import type { Metrics } from "../metrics.ts";
import { acceptLink } from "./link.ts";
import type { Negotiated, OwnLink } from "./link.ts";
import { createOutbox } from "./outbox.ts";
import type { Outbox, OutboxLimits } from "./outbox.ts";
import { createRouteTable, nameKey } from "./routes.ts";
import type { LinkKind, NameKey } from "./routes.ts";

export interface DataPlaneLimits extends OutboxLimits {
  /** Time for the first message, in milliseconds (SCN-21). */
  readonly negotiationMs: number;
  /** Names and subscriptions of one connection. */
  readonly subscriptions: number;
}

export const defaultDataPlaneLimits: DataPlaneLimits = {
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
  readonly stats: () => { readonly connections: number; readonly names: number };
  close(): void;
}

interface Connection {
  readonly kind: LinkKind;
  readonly link: Negotiated;
  readonly outbox: Outbox;
  /** Names of this connection's subscriptions, by their id (SRT-10). */
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

  const drop = (reason: Drop): void => metrics.add("coterie_slim_dropped_total", { reason });

  /** SMC-06: over the bytes that came, in constant time; an absent MAC is a wrong one (SMC-07). */
  const isAuthentic = (from: Connection, bytes: Uint8Array, peeked: PeekedHeader): boolean => {
    const { mac } = peeked;
    if (mac === undefined) return false;
    const preimage = headerMacPreimage(from.link.linkId, bytes, peeked, peeked);
    const expected = crypto.hmac("sha256", from.link.key, preimage);
    return equalConstantTime(expected, bytes.subarray(mac.start, mac.end));
  };

  const stamped = (to: Connection, bytes: Uint8Array, peeked: PeekedHeader, ttl: number) => {
    const fields: MacFields = { ttl };
    const preimage = headerMacPreimage(to.link.linkId, bytes, peeked, fields);
    const mac = crypto.hmac("sha256", to.link.key, preimage);
    return restampSlimMessage(bytes, peeked, { ttl, mac });
  };

  const publish = async (
    from: Connection,
    bytes: Uint8Array,
    peeked: PeekedHeader,
    name: NameKey,
  ): Promise<void> => {
    const one = peeked.fanout === 1 ? table.one(name, from) : undefined;
    const targets = peeked.fanout === 1 ? (one ? [one] : []) : table.all(name, from);
    if (targets.length === 0) return drop("no-route");
    metrics.add("coterie_slim_routed_total", {}, targets.length);
    const full: Promise<void>[] = [];
    for (const to of targets) {
      const waiting = to.outbox.put(stamped(to, bytes, peeked, peeked.ttl - 1));
      if (waiting !== undefined) full.push(waiting);
    }
    // SCN-05: the publisher's stream is not read while a receiver's box is full
    if (full.length > 0) await Promise.all(full);
  };

  const acknowledge = (to: Connection, subscriptionId: bigint, error: string): void => {
    if (subscriptionId === 0n) return; // SCN-32
    to.outbox.put(
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
    if (before !== undefined && id !== 0n) {
      if (before.prefix !== name.prefix || before.id !== name.id) {
        return "subscription id in use";
      }
    } else if (from.subscriptions.size >= limits.subscriptions) return "too many subscriptions";
    table.add(name, from, id);
    from.subscriptions.set(id, name);
    return "";
  };

  const unsubscribe = (from: Connection, id: bigint, name: NameKey): string => {
    const known = from.subscriptions.get(id);
    from.subscriptions.delete(id);
    const outcome = table.remove(known ?? name, from, id);
    if (outcome === "unknown") return "subscription not found";
    if (outcome === "removed") return "";
    // SCN-12: natives repeat their subscriptions under the id 0 after a reconnect
    from.subscriptions.delete(0n);
    return table.remove(name, from, 0n) === "removed" ? "" : `subscription id not found: ${id}`;
  };

  const receive = async (from: Connection, bytes: Uint8Array): Promise<void> => {
    let peeked;
    try {
      peeked = peekSlimMessage(bytes);
    } catch {
      return drop("malformed");
    }
    // SCN-25: links are negotiated once. Acks go to apps: nobody here waits for one.
    if (peeked.kind === "link" || peeked.kind === "subscription-ack") return drop("unexpected");
    const destination = peeked.destination?.encoded;
    if (destination === undefined || peeked.source?.encoded === undefined) return drop("malformed");
    if (!isAuthentic(from, bytes, peeked)) return drop("mac");
    if (peeked.ttl <= 1) return drop("ttl"); // SCN-30
    const name = nameKey(destination);
    if (peeked.kind === "publish") {
      if (!peeked.hasSession) return drop("malformed"); // SRT-09
      return publish(from, bytes, peeked, name);
    }
    const id = peeked.subscriptionId;
    const change = peeked.kind === "subscribe" ? subscribe : unsubscribe;
    acknowledge(from, id, change(from, id, name));
  };

  const openChannel = async function* (
    requests: AsyncIterable<Uint8Array>,
    context: CallContext,
  ): AsyncGenerator<Uint8Array> {
    const incoming = requests[Symbol.asyncIterator]();
    const first = await within(limits.negotiationMs, incoming.next());
    if (first.done === true) return;
    const link = acceptLink(own, first.value);
    const outbox = createOutbox(
      limits,
      () => new StatusError(Status.aborted, "reading too slowly"),
    );
    const connection: Connection = { kind: link.kind, link, outbox, subscriptions: new Map() };
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
        await receive(connection, next.value);
      }
    };
    read().catch((error: unknown) =>
      outbox.close(error instanceof Error ? error : new Error(String(error))),
    );
    try {
      yield link.reply;
      yield* outbox;
    } finally {
      outbox.close();
      leave();
      logger.write("debug", "slim.disconnected", { kind: link.kind, peer: context.peer });
    }
  };

  return {
    routes: new Map([[slimPaths.openChannel, { kind: "duplex", handle: openChannel }]]),
    stats: () => ({ connections: connections.size, names: table.size }),
    close() {
      for (const { outbox } of connections) {
        outbox.close(new StatusError(Status.unavailable, "the node stops"));
      }
    },
  };
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StatusError(Status.deadlineExceeded, "link negotiation: too late")),
      ms,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
