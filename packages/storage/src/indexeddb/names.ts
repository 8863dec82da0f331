import { StorageError } from "../errors.ts";
import { OrderedMap } from "../ordered.ts";

/** A key that is stored: the number of its value's record, and the list that tells so. */
export interface Name {
  readonly key: Uint8Array;
  readonly id: number;
  list: NameList;
}

/** One sealed record of names. Those that were deleted since are gone from `live` only. */
export interface NameList {
  readonly number: number;
  readonly live: Set<Name>;
}

/** All keys of an open store in their order, and in which records their names lie. */
export interface Names {
  readonly ordered: OrderedMap<Name>;
  readonly ids: Set<number>;
  readonly lists: Set<NameList>;
  nextList: number;
}

/** Names in one record at most. */
export const namesPerList = 512;
/** Lists below a quarter of that are put together once there are this many. */
const smallLists = 32;

export function createNames(): Names {
  return { ordered: new OrderedMap(), ids: new Set(), lists: new Set(), nextList: 1 };
}

/** Small and emptied lists, if there are enough of them to be written anew. */
export function listsToMerge(names: Names): readonly NameList[] {
  const small = [...names.lists].filter(({ live }) => live.size < namesPerList / 4);
  return small.length < smallLists ? [] : small;
}

/** A number that no other record has: random, so that it tells nothing. */
export function freshId(names: Names, draw: () => number): number {
  for (;;) {
    const id = draw();
    if (!names.ids.has(id)) return id;
  }
}

/** Adds what a list of the database says; numbers without a value were deleted. Throws `storage/corrupt`. */
export function addList(
  names: Names,
  number: number,
  entries: readonly { readonly key: Uint8Array; readonly id: number }[],
  stored: ReadonlySet<number>,
): void {
  const list: NameList = { number, live: new Set() };
  names.lists.add(list);
  names.nextList = Math.max(names.nextList, number + 1);
  for (const { key, id } of entries) {
    if (!stored.has(id)) continue;
    if (names.ids.has(id) || names.ordered.get(key)) {
      throw new StorageError("storage/corrupt", { table: "names", found: "a name twice" });
    }
    addName(names, { key, id, list });
  }
}

export function addName(names: Names, name: Name): void {
  names.ordered.set(name.key, name);
  names.ids.add(name.id);
  name.list.live.add(name);
}

export function removeName(names: Names, name: Name): void {
  names.ordered.delete(name.key);
  names.ids.delete(name.id);
  name.list.live.delete(name);
}

/** Number (8 bytes), length of the key (4 bytes), key; one after the other. */
export function encodeList(
  entries: readonly { readonly key: Uint8Array; readonly id: number }[],
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(entries.reduce((sum, { key }) => sum + 12 + key.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const { key, id } of entries) {
    view.setFloat64(at, id);
    view.setUint32(at + 8, key.length);
    out.set(key, at + 12);
    at += 12 + key.length;
  }
  return out;
}

/** Throws `storage/corrupt`. */
export function decodeList(bytes: Uint8Array): { key: Uint8Array; id: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: { key: Uint8Array; id: number }[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.length - at < 12 ? Number.NaN : view.getUint32(at + 8);
    if (!(length <= bytes.length - at - 12)) {
      throw new StorageError("storage/corrupt", { table: "names", found: "a list cut short" });
    }
    entries.push({ id: view.getFloat64(at), key: bytes.slice(at + 12, at + 12 + length) });
    at += 12 + length;
  }
  return entries;
}
