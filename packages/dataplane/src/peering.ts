import { encodeSlimName, Message } from "@coterie/wire/slim";
import type { SlimName, SubscriptionAck } from "@coterie/wire/slim";
import type { Connection, Table, TableEntry } from "./connection.ts";
import { setRouteId } from "./routes.ts";

export interface PeeringOptions {
  readonly version: string;
  readonly table: Table;
  /** Passes on what peers told, for graphs that are no full mesh (SRT-04, SRT-12). */
  readonly relay: boolean;
  /** How long a peer may take to answer before it is told again, in milliseconds. */
  readonly answerMs: number;
  /** Times that it is told again. */
  readonly retries: number;
  readonly freshId: () => bigint;
  /** A peer will not have a name: what is published there does not come here. */
  readonly refused: (peer: Connection, name: SlimName, error: string) => void;
}

/** What replicas of one deployment tell each other: which names can be reached here (SRT-12). */
export interface Peering {
  /** Tells a new peer all there is. */
  join(peer: Connection): void;
  leave(peer: Connection): void;
  /** The holders of a name changed. A promise where peers have to answer before others can rely on it. */
  update(entry: TableEntry): Promise<unknown> | undefined;
  answered(peer: Connection, ack: SubscriptionAck): void;
  /**
   * A peer's subscription, before it enters the table; `ttl` is what is left of it. False where this node has told others of the very same:
   * it has come around (SRT-13).
   */
  hears(peer: Connection, subscriptionId: bigint, entryKey: string, ttl: number): boolean;
  /** The peer took the name back. */
  unhears(peer: Connection, entryKey: string): void;
  /** Peers that are told things. */
  readonly size: number;
}

/** The ttl of what replicas tell each other: in a full mesh it ends with whoever hears it (SRT-12). */
const meshTtl = 2;
const relayTtl = 8;
/** Names that a new peer is told before it has to answer: more would wait in the outbox, which may not stay full for long. */
const toldAtOnce = 1024;

interface Told {
  readonly key: string;
  readonly id: bigint;
  readonly name: SlimName;
}

interface Peer {
  /** Names it was told of, by their key. */
  readonly told: Map<string, Told>;
  /** Settles what was asked under this id: with what was wrong, or with nothing. */
  readonly asked: Map<bigint, (error: string) => void>;
  /** Hops that are left to what it told us, by the name's key. */
  readonly left: Map<string, number>;
}

export function entryKeyOf({ key }: Pick<TableEntry, "key">): string {
  return key.prefix + key.id;
}

export function createPeering(options: PeeringOptions): Peering {
  const { table, relay, version } = options;
  const peers = new Map<Connection, Peer>();
  /** Ids under which names are told, the same to every peer. */
  const ids = new Map<string, bigint>();
  const toldIds = new Set<bigint>();

  /** With how many hops to go this peer has to know the name; 0: not at all. */
  const ttlFor = (entry: TableEntry, peer: Connection): number => {
    const { local, remote, edge } = entry.counts;
    if (local + remote + edge > 0) return relay ? relayTtl : meshTtl;
    if (!relay) return 0;
    let most = 0;
    for (const holder of entry.holders.keys()) {
      if (holder === peer) continue;
      most = Math.max(most, peers.get(holder)?.left.get(entryKeyOf(entry)) ?? 0);
    }
    return most >= 2 ? most : 0;
  };

  const idOf = (entry: TableEntry): bigint => {
    const key = entryKeyOf(entry);
    let id = ids.get(key);
    if (id !== undefined) return id;
    // the one it was subscribed under, so that others know it when it comes around
    for (const [{ kind }, set] of entry.holders) {
      if (kind === "local") continue; // apps of a process count theirs from 1, each of them, in each replica
      for (const one of set) {
        if (one !== 0n && one !== setRouteId && !toldIds.has(one)) id ??= one;
      }
    }
    id ??= options.freshId();
    ids.set(key, id);
    toldIds.add(id);
    return id;
  };

  const forgetId = (key: string): void => {
    for (const { told } of peers.values()) if (told.has(key)) return;
    const id = ids.get(key);
    if (id === undefined) return;
    ids.delete(key);
    toldIds.delete(id);
  };

  const put = (
    to: Connection,
    kind: "subscribe" | "unsubscribe",
    { id, name }: Told,
    ttl: number,
  ): Promise<void> | undefined => {
    const wire = encodeSlimName(name);
    const header = {
      source: wire,
      destination: wire,
      identity: "",
      fanout: 1,
      version,
      ttl,
    };
    const value = { header, subscriptionId: id };
    return to.outbox.put(Message.encode({ metadata: new Map(), messageType: { kind, value } }));
  };

  /** Tells a peer until it answers; one that never does is left alone. */
  const tell = async (to: Connection, peer: Peer, one: Told, ttl: number): Promise<void> => {
    const isWanted = (): boolean => peer.told.get(one.key) === one && peers.has(to);
    for (let attempt = 0; attempt <= options.retries && isWanted(); attempt += 1) {
      await put(to, "subscribe", one, ttl);
      const error = await new Promise<string | undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), options.answerMs);
        peer.asked.set(one.id, (wrong) => {
          clearTimeout(timer);
          resolve(wrong);
        });
      });
      if (error === undefined) continue;
      if (error !== "" && isWanted()) {
        // not told: with the next change of its holders it is tried again
        peer.told.delete(one.key);
        forgetId(one.key);
        options.refused(to, one.name, error);
      }
      return;
    }
  };

  const updatePeer = (to: Connection, peer: Peer, entry: TableEntry): Promise<void> | undefined => {
    const key = entryKeyOf(entry);
    const ttl = ttlFor(entry, to);
    const told = peer.told.get(key);
    if (ttl > 0 && told === undefined) {
      const one = { key, id: idOf(entry), name: entry.name };
      peer.told.set(key, one);
      return tell(to, peer, one, ttl);
    }
    if (ttl === 0 && told !== undefined) {
      peer.told.delete(key);
      peer.asked.get(told.id)?.("");
      void put(to, "unsubscribe", told, relay ? relayTtl : meshTtl);
      forgetId(key);
    }
    return undefined;
  };

  const tellAll = async (to: Connection, peer: Peer): Promise<void> => {
    const entries = [...table.entries()]; // while it waits, names come and go
    let answers: Promise<void>[] = [];
    for (const entry of entries) {
      if (peers.get(to) !== peer) return;
      const answer = updatePeer(to, peer, entry);
      if (answer === undefined || answers.push(answer) < toldAtOnce) continue;
      await Promise.all(answers);
      answers = [];
    }
  };

  return {
    get size() {
      return peers.size;
    },
    join(connection) {
      const peer: Peer = { told: new Map(), asked: new Map(), left: new Map() };
      peers.set(connection, peer);
      void tellAll(connection, peer);
    },
    leave(connection) {
      const peer = peers.get(connection);
      if (peer === undefined) return;
      peers.delete(connection);
      for (const answered of peer.asked.values()) answered("");
      for (const key of peer.told.keys()) forgetId(key);
    },
    update(entry) {
      const answers: Promise<void>[] = [];
      for (const [connection, peer] of peers) {
        const answer = updatePeer(connection, peer, entry);
        if (answer !== undefined) answers.push(answer);
      }
      return answers.length > 0 ? Promise.all(answers) : undefined;
    },
    answered(connection, { subscriptionId, success, error }) {
      const asked = peers.get(connection)?.asked;
      const answer = asked?.get(subscriptionId);
      asked?.delete(subscriptionId);
      answer?.(success ? "" : error || "refused");
    },
    hears(connection, subscriptionId, entryKey, ttl) {
      // in a full mesh nothing is passed on, so nothing comes around: the same id is an app that moved here with its subscriptions
      if (relay && subscriptionId !== 0n && toldIds.has(subscriptionId)) return false;
      peers.get(connection)?.left.set(entryKey, ttl);
      return true;
    },
    unhears: (connection, entryKey) => void peers.get(connection)?.left.delete(entryKey),
  };
}
