import { WireError } from "@coterie/wire";
import { decodeSlimName, Message, peekSlimMessage, SLIMHeader } from "@coterie/wire/slim";
import type { Peeked, PeekedMessage, SlimName } from "@coterie/wire/slim";
import type { Connection, Drop, Table, TableEntry } from "./connection.ts";
import type { Flow, Verdict } from "./flows.ts";
import { entryKeyOf } from "./peering.ts";
import type { Peering } from "./peering.ts";
import type { NameKey } from "./routes.ts";
import { within } from "./within.ts";

export interface RouterParts {
  readonly table: Table;
  readonly peering: Peering;
  /** Subscriptions of one connection (SND-05). */
  readonly subscriptions: number;
  /** The same of another replica, which has the names of all its apps. */
  readonly peerSubscriptions: number;
  /** Passes publishes of peers on to other peers (SRT-04). */
  readonly relay: boolean;
  /** How long an app waits at most for peers to know its name, in milliseconds. */
  readonly peersMs: number;
  readonly drop: (from: Connection, why: Drop) => void;
  readonly changed: (entry: TableEntry, holder: Connection, change: "joined" | "left") => void;
}

export interface Router {
  /** Handles one message of a connection. A promise while whoever it goes to is full: its stream is not read until then (SCN-05). */
  receive(from: Connection, bytes: Uint8Array): Promise<unknown> | undefined;
  add(to: Connection, id: bigint, key: NameKey, name: SlimName): Promise<unknown> | undefined;
  remove(from: Connection, id: bigint, key: NameKey): "removed" | "unknown" | "unknown-id";
  /** Takes back all it held (SCN-35). */
  leave(connection: Connection): void;
  readonly counts: { received: number; routed: number; subscribed: number };
}

/**
 * What a data plane does with each message (SND-03): it looks, and never decodes what it passes on (SRT-08). A message that fails is dropped for
 * itself alone.
 */
export function createRouter(parts: RouterParts): Router {
  const { table, peering } = parts;
  const counts = { received: 0, routed: 0, subscribed: 0 };
  const drop = (from: Connection, why: Drop): undefined => parts.drop(from, why) as undefined;

  const publish = (
    from: Connection,
    bytes: Uint8Array,
    peeked: PeekedMessage,
    flow: Flow,
  ): Promise<unknown> | undefined => {
    const { destination } = flow;
    // SND-04: never back to whoever sent it
    const noPeers = from.kind === "peer" && !parts.relay; // SRT-04
    if (flow.fanout === 1) {
      const to = table.one(destination, from, noPeers);
      if (to === undefined) return drop(from, "no-route");
      counts.routed += 1;
      return to.outbox.put(flow.stamp(bytes, peeked, to.hop, true));
    }
    const targets = table.all(destination, from, noPeers);
    if (targets.length === 0) return drop(from, "no-route");
    counts.routed += targets.length;
    let full: Promise<void>[] | undefined;
    const last = targets.length - 1;
    for (let index = 0; index <= last; index += 1) {
      const to = targets[index] as Connection;
      // all but the last get a copy
      const waiting = to.outbox.put(flow.stamp(bytes, peeked, to.hop, index === last));
      if (waiting !== undefined) (full ??= []).push(waiting);
    }
    return full && Promise.all(full);
  };

  const acknowledge = (to: Connection, subscriptionId: bigint, error: string): unknown => {
    if (subscriptionId === 0n) return undefined; // SCN-32
    const full = to.outbox.put(
      Message.encode({
        metadata: new Map(),
        messageType: {
          kind: "subscriptionAck",
          value: { subscriptionId, success: error === "", error },
        },
      }),
    );
    // two replicas that tell each other all their names would each wait for the other to read; one that reads nothing meanwhile has to wait
    const waits = to.kind !== "peer" || to.outbox.length >= 2 * parts.peerSubscriptions;
    return waits ? full : undefined;
  };

  const add = (
    to: Connection,
    id: bigint,
    key: NameKey,
    name: SlimName,
  ): Promise<unknown> | undefined => {
    const entry = table.add(key, to, id, name);
    if (entry === undefined) return undefined;
    parts.changed(entry, to, "joined");
    return peering.update(entry);
  };

  const left = (entry: TableEntry, holder: Connection): void => {
    if (holder.kind === "peer") peering.unhears(holder, entryKeyOf(entry));
    parts.changed(entry, holder, "left");
    void peering.update(entry);
  };

  const remove: Router["remove"] = (from, id, key) => {
    const outcome = table.remove(key, from, id);
    if (typeof outcome === "string") return outcome;
    if (outcome.left !== undefined) left(outcome.left, from);
    return "removed";
  };

  /** What is wrong with it, or a promise where peers have to hear of it first. */
  const subscribe = (
    from: Connection,
    id: bigint,
    flow: Flow,
    header: Uint8Array,
  ): string | Promise<unknown> | undefined => {
    const key = flow.destination;
    const before = from.subscriptions.get(id);
    if (before !== undefined) {
      const same = before.prefix === key.prefix && before.id === key.id;
      return same ? undefined : "subscription id in use";
    }
    const limit = from.kind === "peer" ? parts.peerSubscriptions : parts.subscriptions;
    if (table.subscriptionsOf(from) >= limit) {
      drop(from, "limit");
      return "too many subscriptions";
    }
    let name: SlimName;
    try {
      name = decodeSlimName(SLIMHeader.decode(header).destination);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return "not a name";
    }
    if (from.kind === "peer" && !peering.hears(from, id, key.prefix + key.id, flow.ttl)) {
      return undefined; // SRT-13
    }
    if (id !== 0n) from.subscriptions.set(id, key);
    return add(from, id, key, name);
  };

  const unsubscribe = (from: Connection, id: bigint, key: NameKey): string => {
    const known = from.subscriptions.get(id);
    from.subscriptions.delete(id);
    const outcome = remove(from, id, known ?? key);
    if (outcome === "unknown") return "subscription not found";
    if (outcome === "removed") return "";
    // SCN-12: natives repeat their subscriptions under the id 0 after a reconnect
    return remove(from, 0n, key) === "removed" ? "" : `subscription id not found: ${id}`;
  };

  const change = (
    from: Connection,
    peeked: PeekedMessage,
    flow: Flow,
    header: Uint8Array,
  ): unknown => {
    counts.subscribed += 1;
    const id = peeked.subscriptionId;
    if (peeked.kind === "unsubscribe") {
      return acknowledge(from, id, unsubscribe(from, id, flow.destination));
    }
    const outcome = subscribe(from, id, flow, header);
    if (!(outcome instanceof Promise)) return acknowledge(from, id, outcome ?? "");
    // the sender's other messages do not wait for our peers, and its answer not for ever
    void within(parts.peersMs, outcome)
      .catch(() => {})
      .then(() => acknowledge(from, id, ""));
    return undefined;
  };

  return {
    counts,
    add,
    remove,
    leave(connection) {
      peering.leave(connection);
      for (const entry of table.removeHolder(connection)) left(entry, connection);
    },
    receive(from, bytes) {
      counts.received += 1;
      let peeked: Peeked;
      let flow: Verdict;
      try {
        peeked = peekSlimMessage(bytes);
        if (peeked.kind === "link") return drop(from, "unexpected"); // SCN-25
        if (peeked.kind === "subscription-ack") return hear(from, bytes);
        flow = from.flows.judge(bytes, peeked);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        return drop(from, "malformed");
      }
      if (typeof flow === "string") return drop(from, flow);
      if (flow.ttl === 0) return drop(from, "ttl"); // SCN-30
      if (peeked.kind !== "publish") {
        const header = bytes.subarray(peeked.header.start, peeked.header.end);
        return change(from, peeked, flow, header) as Promise<unknown> | undefined;
      }
      if (!peeked.hasSession) return drop(from, "malformed"); // SRT-09
      return publish(from, bytes, peeked, flow);
    },
  };

  function hear(from: Connection, bytes: Uint8Array): undefined {
    const { messageType } = Message.decode(bytes);
    if (messageType.kind !== "subscriptionAck" || from.kind !== "peer") {
      return drop(from, "unexpected"); // nobody here waits for one
    }
    peering.answered(from, messageType.value);
    return undefined;
  }
}
