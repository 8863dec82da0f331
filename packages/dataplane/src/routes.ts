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

/** The id that stands for any instance (SNM-02). */
export const nullIdKey: string = "\u00ff".repeat(16);

/** Reads the key of an encoded name; without an id it is NULL. */
export function nameKey(encoded: Uint8Array): NameKey {
  return {
    prefix: String.fromCharCode(...encoded.subarray(0, 24)),
    id: encoded.length < 40 ? nullIdKey : String.fromCharCode(...encoded.subarray(24, 40)),
  };
}

/** The holders of one name, in the order in which they came. */
interface Entry<H extends Holder> {
  /** Subscriptions that keep the entry alive (SRT-10). */
  readonly holders: Map<H, Set<bigint>>;
  turn: number;
}

interface Prefix<H extends Holder> {
  readonly names: Map<string, Entry<H>>;
  turn: number;
}

/** Which connections lead to which names. Pure: it neither sends nor keeps time. */
export interface RouteTable<H extends Holder> {
  /** Answers whether the holder is new to the name. The same subscription twice is one. */
  add(name: NameKey, holder: H, subscriptionId: bigint): boolean;
  /** Takes one subscription back; the holder leaves the name with the last one. */
  remove(name: NameKey, holder: H, subscriptionId: bigint): "removed" | "unknown-id" | "unknown";
  /** Takes back all that a connection held, in the time of what it held (SCN-35). */
  removeHolder(holder: H): void;
  /** SRT-02: one holder, never `except`; all instances of a NULL id take turns. */
  one(name: NameKey, except: H | undefined): H | undefined;
  /** SRT-03: every holder once, never `except`. */
  all(name: NameKey, except: H | undefined): H[];
  /** Subscriptions of one holder, those with the id 0 included. */
  subscriptionsOf(holder: H): number;
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
  }: NameKey): { at: Prefix<H>; entries: Entry<H>[] } | undefined => {
    const at = prefixes.get(prefix);
    if (at === undefined) return undefined;
    if (id === nullIdKey) return { at, entries: [...at.names.values()] };
    const entry = at.names.get(id);
    return entry === undefined ? undefined : { at, entries: [entry] };
  };

  const leave = (name: NameKey, holder: H): void => {
    const at = prefixes.get(name.prefix);
    const entry = at?.names.get(name.id);
    if (at === undefined || entry === undefined) return;
    entry.holders.delete(holder);
    if (entry.holders.size > 0) return;
    at.names.delete(name.id);
    size -= 1;
    if (at.names.size === 0) prefixes.delete(name.prefix);
  };

  return {
    get size() {
      return size;
    },

    add(name, holder, subscriptionId) {
      let at = prefixes.get(name.prefix);
      if (at === undefined) prefixes.set(name.prefix, (at = { names: new Map(), turn: 0 }));
      let entry = at.names.get(name.id);
      if (entry === undefined) {
        at.names.set(name.id, (entry = { holders: new Map(), turn: 0 }));
        size += 1;
      }
      let has = held.get(holder);
      if (has === undefined) held.set(holder, (has = { names: new Map(), subscriptions: 0 }));
      const ids = entry.holders.get(holder);
      if (ids?.has(subscriptionId) === true) return false;
      has.subscriptions += 1;
      if (ids !== undefined) {
        ids.add(subscriptionId);
        return false;
      }
      entry.holders.set(holder, new Set([subscriptionId]));
      has.names.set(name.prefix + name.id, name);
      return true;
    },

    remove(name, holder, subscriptionId) {
      const ids = prefixes.get(name.prefix)?.names.get(name.id)?.holders.get(holder);
      if (ids === undefined) return "unknown";
      if (!ids.delete(subscriptionId)) return "unknown-id";
      const has = held.get(holder) as Held;
      has.subscriptions -= 1;
      if (ids.size > 0) return "removed";
      leave(name, holder);
      has.names.delete(name.prefix + name.id);
      return "removed";
    },

    removeHolder(holder) {
      for (const name of held.get(holder)?.names.values() ?? []) leave(name, holder);
      held.delete(holder);
    },

    subscriptionsOf: (holder) => held.get(holder)?.subscriptions ?? 0,

    one(name, except) {
      const found = entriesOf(name);
      if (found === undefined) return undefined;
      // a NULL id takes turns over the instances, another over the connections of its instance
      const clock: { turn: number } =
        name.id === nullIdKey ? found.at : (found.entries[0] as Entry<H>);
      const candidates: H[] = [];
      let best = order.length;
      for (const { holders } of found.entries) {
        for (const holder of holders.keys()) {
          const rank = order.indexOf(holder.kind);
          if (holder === except || rank > best) continue;
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

    all(name, except) {
      const found = new Set<H>();
      for (const { holders } of entriesOf(name)?.entries ?? []) {
        for (const holder of holders.keys()) if (holder !== except) found.add(holder);
      }
      return [...found];
    },
  };
}
