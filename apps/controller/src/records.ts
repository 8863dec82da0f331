import { fromUtf8, toUtf8 } from "@coterie/base";
import { decodeKey, encodeKey, prefixRange } from "@coterie/storage";
import type { Change, Store } from "@coterie/storage";
import type {
  ChannelRecord,
  DomainRecord,
  LinkRecord,
  NameRecord,
  NodeRecord,
  RouteRecord,
  SegmentRecord,
} from "./model.ts";

/** Values by key, in memory; what changes is written behind. */
interface Table<T> {
  get(key: string): T | undefined;
  values(): IterableIterator<T>;
  put(key: string, value: T): void;
  delete(key: string): void;
  readonly size: number;
}

/** All that a controller remembers (SCT-07). Values are never changed in place. */
export interface Records {
  readonly nodes: Table<NodeRecord>;
  readonly domains: Table<DomainRecord>;
  readonly segments: Table<SegmentRecord>;
  readonly links: Table<LinkRecord>;
  readonly routes: Table<RouteRecord>;
  readonly names: Table<NameRecord>;
  readonly channels: Table<ChannelRecord>;
  /** Resolves once all that was changed until now is stored; the changes of one turn are one batch. */
  saved(): Promise<void>;
}

const tables = ["nodes", "domains", "segments", "links", "routes", "names", "channels"] as const;

export async function openRecords(store: Store): Promise<Records> {
  /** What a record is when it is written, which may be later than when it changed. */
  const changed = new Map<string, () => Change>();
  let writing: Promise<void> = Promise.resolve();
  let scheduled = false;

  const write = (): Promise<void> => {
    scheduled = false;
    if (changed.size === 0) return writing;
    const batch = [...changed];
    changed.clear();
    const before = writing;
    writing = (async () => {
      await before.catch(() => {});
      try {
        await store.write(batch.map(([, change]) => change()));
      } catch (error) {
        // goes along with what is written next
        for (const [id, change] of batch) changed.set(id, change);
        throw error;
      }
    })();
    // whoever waits for it hears of a failure; nobody has to
    writing.catch(() => {});
    return writing;
  };
  const note = (table: string, key: string, change: () => Change): void => {
    changed.set(`${table}\n${key}`, change);
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => void write());
  };

  const open = async <T>(table: string): Promise<Table<T>> => {
    const values = new Map<string, T>();
    for (const { key, value } of await store.list(prefixRange(table))) {
      values.set(String(decodeKey(key)[1]), JSON.parse(fromUtf8(value)) as T);
    }
    const current = (key: string) => (): Change => {
      const value = values.get(key);
      return value === undefined
        ? { kind: "delete", key: encodeKey(table, key) }
        : { kind: "put", key: encodeKey(table, key), value: toUtf8(JSON.stringify(value)) };
    };
    return {
      get: (key) => values.get(key),
      values: () => values.values(),
      put(key, value) {
        values.set(key, value);
        note(table, key, current(key));
      },
      delete(key) {
        if (values.delete(key)) note(table, key, current(key));
      },
      get size() {
        return values.size;
      },
    };
  };

  const opened: Record<string, Table<unknown>> = {};
  for (const table of tables) opened[table] = await open(table);
  return { ...(opened as unknown as Omit<Records, "saved">), saved: write };
}
