import type { DhName, SignatureName } from "../provider.ts";

/** What every item of a batch is: a signature to verify (key, signature, message) or a public key to exchange with. */
export type BatchKind =
  | { readonly kind: "verify"; readonly name: SignatureName }
  | { readonly kind: "dh-ephemeral"; readonly name: DhName };

/** What a worker is told of a batch. Everything else about it is in the memory that both sides share. */
export interface BatchMessage {
  readonly what: BatchKind;
  readonly count: number;
  readonly resultLength: number;
  readonly shared: SharedArrayBuffer;
}

/** A batch as either side sees it. */
export interface Batch extends BatchMessage {
  /** One per item, and after them whether the batch was given up. */
  readonly states: Int32Array;
}

/** Of an item. Whoever changes `free` to something else, by compare-and-exchange, has the item for itself. */
export const states = {
  free: 0,
  /** The worker is at it. */
  working: 1,
  /** The worker's tag and result are there. */
  done: 2,
  /** The worker found no valid answer, which counts for nothing. */
  failed: 3,
  /** The caller has taken it. */
  taken: 4,
} as const;

export const tagLength = 32;

/** How many byte strings an item has. */
const partsOf = (what: BatchKind): number => (what.kind === "verify" ? 3 : 1);

/** Lays out items in memory to share: states, offsets of the parts, the parts, and room for tag and result of each. */
export function createBatch(
  what: BatchKind,
  items: readonly (readonly Uint8Array[])[],
  resultLength: number,
): Batch {
  const count = items.length;
  const parts = partsOf(what);
  let length = 0;
  for (const item of items) for (const part of item) length += part.length;
  const words = count + 1 + count * parts + 1;
  const shared = new SharedArrayBuffer(4 * words + length + count * (tagLength + resultLength));
  const batch = openBatch({ what, count, resultLength, shared });
  const offsets = new Int32Array(shared, 4 * (count + 1), count * parts + 1);
  const bytes = new Uint8Array(shared, 4 * words);
  let at = 0;
  let index = 0;
  for (const item of items) {
    for (const part of item) {
      offsets[index++] = at;
      bytes.set(part, at);
      at += part.length;
    }
  }
  offsets[index] = at;
  return batch;
}

export function openBatch(message: BatchMessage): Batch {
  return { ...message, states: new Int32Array(message.shared, 0, message.count + 1) };
}

/** The parts of an item, copied out: what is shared may change while it is looked at. */
export function itemOf(batch: Batch, index: number): Uint8Array[] {
  const { what, count, shared } = batch;
  const parts = partsOf(what);
  const offsets = new Int32Array(shared, 4 * (count + 1 + index * parts), parts + 1);
  const start = 4 * (count + 1 + count * parts + 1);
  return Array.from({ length: parts }, (_, i) => {
    const from = offsets[i] as number;
    return new Uint8Array(shared, start + from, (offsets[i + 1] as number) - from).slice();
  }).map(plain);
}

/** Where tag and result of an item are, tag first. */
export function answerOf(batch: Batch, index: number): Uint8Array<SharedArrayBuffer> {
  const { count, resultLength, shared } = batch;
  const size = tagLength + resultLength;
  return new Uint8Array(shared, shared.byteLength - (count - index) * size, size);
}

/** Takes an item, unless the other side was faster. */
export function claim(batch: Batch, index: number, as: "working" | "taken"): number {
  return Atomics.compareExchange(batch.states, index, states.free, states[as]);
}

/** No item will be asked for any more. */
export function giveUp(batch: Batch): void {
  Atomics.store(batch.states, batch.count, 1);
}

export function isGivenUp(batch: Batch): boolean {
  return Atomics.load(batch.states, batch.count) === 1;
}

/** What a tag covers: the kind, every part behind its length, and the result. */
export function tagged(
  what: BatchKind,
  parts: readonly Uint8Array[],
  result: Uint8Array,
): Uint8Array {
  const name = `${what.kind} ${what.name}`;
  let length = 1 + name.length + result.length;
  for (const part of parts) length += 4 + part.length;
  const out = new Uint8Array(length);
  const view = new DataView(out.buffer);
  let at = 0;
  out[at++] = name.length;
  for (let i = 0; i < name.length; i++) out[at++] = name.charCodeAt(i);
  for (const part of parts) {
    view.setUint32(at, part.length);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  out.set(result, at);
  return out;
}

/** `slice` of a view on shared memory is a view on a copy, which is not shared; its type says otherwise. */
function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
