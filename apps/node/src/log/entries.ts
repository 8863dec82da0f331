import { createHash } from "node:crypto";

const maxInt64 = (1n << 63n) - 1n;

/** What makes two entries of a topic the same one (XND-34). The length keeps topic and data from running into each other. */
export function entryHash(topic: Uint8Array, data: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, topic.length);
  return createHash("sha256").update(length).update(topic).update(data).digest();
}

/** A cursor of the wire as a database holds ids: what is beyond every id stays beyond every id. */
export function clampCursor(cursor: bigint): bigint {
  return cursor > maxInt64 ? maxInt64 : cursor;
}

/** The next creation time of a topic: the clock, or just after the last one (XND-33). */
export function nextTime(now: bigint, last: bigint | undefined): bigint {
  return last === undefined || now > last ? now : last + 1n;
}

/** Takes entries until the limit in number or, after at least one, in bytes. */
export function takePage<Entry>(
  entries: Iterable<Entry>,
  query: { readonly limit: number; readonly maxBytes?: number | undefined },
  sizeOf: (entry: Entry) => number,
): { entries: Entry[]; full: boolean } {
  const taken: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    bytes += sizeOf(entry);
    if (query.maxBytes !== undefined && bytes > query.maxBytes && taken.length > 0) {
      return { entries: taken, full: true };
    }
    taken.push(entry);
    if (taken.length >= query.limit) return { entries: taken, full: true };
  }
  return { entries: taken, full: false };
}
