import { invariant } from "@coterie/base";

// A persistent hash trie: five bits of the hash choose a child, children are packed behind a bitmap, and a change copies the nodes on
// one way down. So each version of a tree keeps its own set of keys at the price of what differs.

interface Entry {
  readonly kind: "entry";
  readonly hash: number;
  readonly key: string;
  readonly count: number;
  /** The next key with the same 32 bits of hash. */
  readonly next: Entry | undefined;
}

interface Branch {
  readonly kind: "branch";
  readonly bitmap: number;
  readonly children: readonly Slot[];
}

type Slot = Entry | Branch;

/** An immutable multiset of strings. `distinct` equals `total` exactly when no key is there twice. */
export interface Counts {
  readonly top: Slot | undefined;
  readonly distinct: number;
  readonly total: number;
}

export const noCounts: Counts = { top: undefined, distinct: 0, total: 0 };

/** The multiset of these keys, built in one pass. */
export function countsOf(keys: Iterable<string>): Counts {
  const counted = new Map<string, number>();
  let total = 0;
  for (const key of keys) {
    counted.set(key, (counted.get(key) ?? 0) + 1);
    total++;
  }
  const entries: Entry[] = [];
  for (const [key, count] of counted) {
    entries.push({ kind: "entry", hash: hashOf(key), key, count, next: undefined });
  }
  return { top: build(entries, 0), distinct: entries.length, total };
}

export function countOf(counts: Counts, key: string): number {
  const hash = hashOf(key);
  let slot = counts.top;
  for (let shift = 0; slot?.kind === "branch"; shift += 5) {
    const bit = 1 << ((hash >>> shift) & 31);
    slot = (slot.bitmap & bit) === 0 ? undefined : slot.children[position(slot.bitmap, bit)];
  }
  for (let entry = slot; entry !== undefined; entry = entry.next) {
    if (entry.key === key) return entry.count;
  }
  return 0;
}

export function withKey(counts: Counts, key: string): Counts {
  const fresh = countOf(counts, key) === 0;
  return {
    top: change(counts.top, hashOf(key), key, 1, 0),
    distinct: counts.distinct + (fresh ? 1 : 0),
    total: counts.total + 1,
  };
}

/** Takes one of a key that is there. */
export function withoutKey(counts: Counts, key: string): Counts {
  const count = countOf(counts, key);
  invariant(count > 0, "only a key that is there can be taken out");
  return {
    top: change(counts.top, hashOf(key), key, -1, 0),
    distinct: counts.distinct - (count === 1 ? 1 : 0),
    total: counts.total - 1,
  };
}

function change(
  slot: Slot | undefined,
  hash: number,
  key: string,
  by: number,
  shift: number,
): Slot | undefined {
  if (slot === undefined) return { kind: "entry", hash, key, count: by, next: undefined };
  if (slot.kind === "entry") {
    if (slot.hash === hash) return changeEntry(slot, hash, key, by);
    const other: Entry = { kind: "entry", hash, key, count: by, next: undefined };
    return fork(slot, other, shift);
  }
  const bit = 1 << ((hash >>> shift) & 31);
  const at = position(slot.bitmap, bit);
  const present = (slot.bitmap & bit) !== 0;
  const child = change(present ? slot.children[at] : undefined, hash, key, by, shift + 5);
  const children = slot.children.slice();
  if (child === undefined) children.splice(at, 1);
  else children.splice(at, present ? 1 : 0, child);
  if (children.length === 0) return undefined;
  return {
    kind: "branch",
    bitmap: child === undefined ? slot.bitmap & ~bit : slot.bitmap | bit,
    children,
  };
}

function changeEntry(
  entry: Entry | undefined,
  hash: number,
  key: string,
  by: number,
): Entry | undefined {
  if (entry === undefined) return { kind: "entry", hash, key, count: by, next: undefined };
  if (entry.key !== key) return { ...entry, next: changeEntry(entry.next, hash, key, by) };
  return entry.count + by === 0 ? entry.next : { ...entry, count: entry.count + by };
}

function fork(a: Entry, b: Entry, shift: number): Branch {
  const bitA = 1 << ((a.hash >>> shift) & 31);
  const bitB = 1 << ((b.hash >>> shift) & 31);
  if (bitA === bitB) return { kind: "branch", bitmap: bitA, children: [fork(a, b, shift + 5)] };
  const inOrder = position(bitA | bitB, bitA) === 0;
  return { kind: "branch", bitmap: bitA | bitB, children: inOrder ? [a, b] : [b, a] };
}

function build(entries: readonly Entry[], shift: number): Slot | undefined {
  const [first] = entries;
  if (first === undefined || entries.length === 1) return first;
  if (shift > 30) {
    return entries.reduceRight<Entry | undefined>((next, entry) => ({ ...entry, next }), undefined);
  }
  const groups: Entry[][] = [];
  for (const entry of entries) (groups[(entry.hash >>> shift) & 31] ??= []).push(entry);
  let bitmap = 0;
  const children: Slot[] = [];
  for (let i = 0; i < groups.length; i++) {
    const child = build(groups[i] ?? [], shift + 5);
    if (child === undefined) continue;
    bitmap |= 1 << i;
    children.push(child);
  }
  return { kind: "branch", bitmap, children };
}

function position(bitmap: number, bit: number): number {
  let below = bitmap & (bit - 1);
  below -= (below >>> 1) & 0x55555555;
  below = (below & 0x33333333) + ((below >>> 2) & 0x33333333);
  return Math.imul((below + (below >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

// Keys come from strangers: with a seed of our own, nobody can choose keys that all fall into one slot.
const seed = (Math.random() * 0x100000000) >>> 0;
const multiplier = ((Math.random() * 0x100000000) >>> 0) | 1;

function hashOf(key: string): number {
  let hash = seed;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), multiplier);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
