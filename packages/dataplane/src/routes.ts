import { encodeSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";

/** What a connection is to this node; also the order in which one receiver is looked for (SRT-01). */
export type LinkKind = "local" | "remote" | "peer" | "edge";
const order: readonly LinkKind[] = ["local", "remote", "peer", "edge"];

/** Whoever holds a name. */
export interface Holder {
  readonly kind: LinkKind;
}

/** A name as the table keys it: 24 bytes of components and 16 of the id, one character a byte. */
export interface NameKey {
  readonly prefix: string;
  readonly id: string;
}

/** The id that stands for any instance (SNM-02); an exact id never finds who subscribed to it (SNM-13). */
export const nullIdKey: string = "\u00ff".repeat(16);

/** Reads the key of an encoded name; without an id it is NULL. */
export function nameKey(encoded: Uint8Array): NameKey {
  return {
    prefix: String.fromCharCode(...encoded.subarray(0, 24)),
    id: encoded.length < 40 ? nullIdKey : String.fromCharCode(...encoded.subarray(24, 40)),
  };
}

/** The key of a name that did not come over the wire. */
export function nameKeyOf(name: SlimName): NameKey {
  const { name: encoded } = encodeSlimName(name);
  const id = encoded?.nameId;
  const words = [encoded?.component0, encoded?.component1, encoded?.component2, id?.id0, id?.id1];
  const bytes = new Uint8Array(40);
  const view = new DataView(bytes.buffer);
  for (const [at, word] of words.entries()) view.setBigUint64(8 * at, word ?? 0n, true);
  return nameKey(bytes);
}

/** One name and its holders, in the order in which they came. */
export interface Entry<H extends Holder> {
  readonly key: NameKey;
  /** As its first holder wrote it. */
  readonly name: SlimName;
  /** With the subscriptions that keep each of them (SRT-10). */
  readonly holders: ReadonlyMap<H, ReadonlySet<bigint>>;
  /** Holders of each kind. */
  readonly counts: Readonly<Record<LinkKind, number>>;
}

interface OwnEntry<H extends Holder> extends Entry<H> {
  readonly holders: Map<H, Set<bigint>>;
  readonly counts: Record<LinkKind, number>;
  turn: number;
}

interface Prefix<H extends Holder> {
  readonly names: Map<string, OwnEntry<H>>;
  turn: number;
}

/** Which connections lead to which names. Pure: it neither sends nor keeps time. */
export interface RouteTable<H extends Holder> {
  /** The entry where the holder is new to the name. The same subscription twice is one. */
  add(key: NameKey, holder: H, subscriptionId: bigint, name: SlimName): Entry<H> | undefined;
  /** Takes one subscription back; the holder leaves the name with the last one. */
  remove(
    key: NameKey,
    holder: H,
    subscriptionId: bigint,
  ): "unknown-id" | "unknown" | { readonly left: Entry<H> | undefined };
  /** Takes back all that a connection held, in the time of what it held (SCN-35). Answers what it left. */
  removeHolder(holder: H): Entry<H>[];
  /** SRT-02, SNM-12: one holder, never `except`, nor a peer where it came from one (SRT-04); all instances of a NULL id take turns. */
  one(key: NameKey, except: H | undefined, fromPeer?: boolean): H | undefined;
  /** SRT-03: every holder once, with the same exceptions. */
  all(key: NameKey, except: H | undefined, fromPeer?: boolean): H[];
  /** Subscriptions of one holder, those with the id 0 included. */
  subscriptionsOf(holder: H): number;
  entries(): Iterable<Entry<H>>;
  /** Names with at least one holder. */
  readonly size: number;
}

/** What one holder has in the table. */
interface Held {
  readonly names: Map<string, NameKey>;
  subscriptions: number;
}

export function createRouteTable<H extends Holder>(): RouteTable<H> {
  const prefixes = new Map<string, Prefix<H>>();
  const held = new Map<H, Held>();
  let size = 0;

  const entriesOf = ({
    prefix,
    id,
  }: NameKey): { at: Prefix<H>; entries: OwnEntry<H>[] } | undefined => {
    const at = prefixes.get(prefix);
    if (at === undefined) return undefined;
    if (id === nullIdKey) return { at, entries: [...at.names.values()] };
    const entry = at.names.get(id);
    return entry === undefined ? undefined : { at, entries: [entry] };
  };

  const leave = (key: NameKey, holder: H): OwnEntry<H> | undefined => {
    const at = prefixes.get(key.prefix);
    const entry = at?.names.get(key.id);
    if (at === undefined || entry?.holders.delete(holder) !== true) return undefined;
    entry.counts[holder.kind] -= 1;
    if (entry.holders.size > 0) return entry;
    at.names.delete(key.id);
    size -= 1;
    if (at.names.size === 0) prefixes.delete(key.prefix);
    return entry;
  };

  return {
    get size() {
      return size;
    },

    add(key, holder, subscriptionId, name) {
      let at = prefixes.get(key.prefix);
      if (at === undefined) prefixes.set(key.prefix, (at = { names: new Map(), turn: 0 }));
      let entry = at.names.get(key.id);
      if (entry === undefined) {
        const counts = { local: 0, remote: 0, peer: 0, edge: 0 };
        entry = { key, name, holders: new Map(), counts, turn: 0 };
        at.names.set(key.id, entry);
        size += 1;
      }
      let has = held.get(holder);
      if (has === undefined) held.set(holder, (has = { names: new Map(), subscriptions: 0 }));
      const ids = entry.holders.get(holder);
      if (ids?.has(subscriptionId) === true) return undefined;
      has.subscriptions += 1;
      if (ids !== undefined) {
        ids.add(subscriptionId);
        return undefined;
      }
      entry.holders.set(holder, new Set([subscriptionId]));
      entry.counts[holder.kind] += 1;
      has.names.set(key.prefix + key.id, key);
      return entry;
    },

    remove(key, holder, subscriptionId) {
      const ids = prefixes.get(key.prefix)?.names.get(key.id)?.holders.get(holder);
      if (ids === undefined) return "unknown";
      if (!ids.delete(subscriptionId)) return "unknown-id";
      const has = held.get(holder) as Held;
      has.subscriptions -= 1;
      if (ids.size > 0) return { left: undefined };
      has.names.delete(key.prefix + key.id);
      return { left: leave(key, holder) };
    },

    removeHolder(holder) {
      const names = [...(held.get(holder)?.names.values() ?? [])];
      held.delete(holder);
      return names.flatMap((key) => leave(key, holder) ?? []);
    },

    subscriptionsOf: (holder) => held.get(holder)?.subscriptions ?? 0,

    *entries() {
      for (const { names } of prefixes.values()) yield* names.values();
    },

    one(key, except, fromPeer = false) {
      const found = entriesOf(key);
      if (found === undefined) return undefined;
      // a NULL id takes turns over the instances, another over the connections of its instance
      const clock: { turn: number } =
        key.id === nullIdKey ? found.at : (found.entries[0] as OwnEntry<H>);
      const candidates: H[] = [];
      let best = order.length;
      for (const { holders } of found.entries) {
        for (const holder of holders.keys()) {
          const rank = order.indexOf(holder.kind);
          if (rank > best || holder === except || (fromPeer && holder.kind === "peer")) continue;
          if (rank < best) {
            best = rank;
            candidates.length = 0;
          }
          candidates.push(holder);
        }
      }
      if (candidates.length === 0) return undefined;
      const chosen = candidates[clock.turn % candidates.length];
      clock.turn = (clock.turn + 1) % 0x4000_0000;
      return chosen;
    },

    all(key, except, fromPeer = false) {
      const found = new Set<H>();
      for (const { holders } of entriesOf(key)?.entries ?? []) {
        for (const holder of holders.keys()) {
          if (holder !== except && !(fromPeer && holder.kind === "peer")) found.add(holder);
        }
      }
      return [...found];
    },
  };
}

/** Keeps routes that were set by hand apart from subscriptions: no id on the wire is negative. */
export const setRouteId: bigint = -1n;
