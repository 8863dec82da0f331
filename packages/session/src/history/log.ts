import { decodeKey, encodeKey, prefixRange } from "@coterie/storage";
import type { Store } from "@coterie/storage";
import { decodeEntry, encodeEntry } from "./letters.ts";
import type { HistoryEntry } from "./letters.ts";

/** The newest messages of each session, in a store: encrypted where the store is. */
export interface HistoryLog {
  append(session: number, entry: HistoryEntry): Promise<void>;
  /** The newest ones later than that, oldest first. */
  newest(session: number, limit: number, sinceMs: number): Promise<readonly HistoryEntry[]>;
  forget(session: number): Promise<void>;
}

const prefix = "slim-history";

/** Keeps this many messages of each session. */
export function createHistoryLog(store: Store, keep: number): HistoryLog {
  const next = new Map<number, bigint>();
  /** One change after the other: each is numbered after the one before. */
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work, work);
    last = done.catch(() => {});
    return done;
  }

  async function numberOf(session: number): Promise<bigint> {
    const known = next.get(session);
    if (known !== undefined) return known;
    const range = prefixRange(prefix, BigInt(session));
    const [newest] = await store.list({ ...range, reverse: true, limit: 1 });
    const at = newest && decodeKey(newest.key)[2];
    return typeof at === "bigint" ? at + 1n : 0n;
  }

  return {
    append: (session, entry) =>
      inTurn(async () => {
        const id = BigInt(session);
        const at = await numberOf(session);
        const from = prefixRange(prefix, id).from;
        const oldest = at >= BigInt(keep) ? at - BigInt(keep) + 1n : 0n;
        await store.write(
          [
            { kind: "put", key: encodeKey(prefix, id, at), value: encodeEntry(entry) },
            { kind: "delete-range", from, to: encodeKey(prefix, id, oldest) },
          ],
          { durability: "ordered" },
        );
        next.set(session, at + 1n);
      }),
    async newest(session, limit, sinceMs) {
      const range = prefixRange(prefix, BigInt(session));
      const found = await store.list({ ...range, reverse: true, limit });
      return found
        .toReversed()
        .flatMap(({ value }) => decodeEntry(value) ?? [])
        .filter(({ timeMs }) => timeMs > sinceMs);
    },
    forget: (session) =>
      inTurn(async () => {
        next.delete(session);
        await store.write([{ kind: "delete-range", ...prefixRange(prefix, BigInt(session)) }]);
      }),
  };
}
