import type { CryptoProvider, DhName, SignatureClaim, SignatureName } from "../provider.ts";
import { equalConstantTime, systemRandom } from "@coterie/base";
import { dhLengths } from "../strict/sizes.ts";
import {
  answerOf,
  claim,
  createBatch,
  giveUp,
  isGivenUp,
  states,
  tagged,
  tagLength,
} from "./batch.ts";
import type { Batch, BatchKind, BatchMessage } from "./batch.ts";

/** Where batches go: the workers of a pool that are alive. */
export interface Crew {
  readonly size: number;
  post(message: BatchMessage): void;
  /** Answers were caught to be wrong: nothing of these workers is to be used again. */
  distrust(): void;
}

/** Fewer items are done before a worker has looked at them. */
const fewest = 24;
/** Of one batch; a hint about more than these is a hint about the first of them. */
const most = 65_536;
/** A commit with a path that also adds members hands out two batches of one kind. */
const maxLive = 4;
const rechecked = 4;

/** Forged signatures among so many items: who lies at random gets past four of them once in sixteen times, past eight almost never. */
const canariesAmong = (count: number): number => (count < 256 ? 4 : 8);

interface Live extends Batch {
  readonly items: readonly (readonly Uint8Array[])[];
  readonly places: ReadonlyMap<string, number>;
  readonly canaries: readonly number[];
  trusted: boolean;
}

/**
 * The same provider with a crew that begins with announced work from its other end. Answers are taken only from memory whose tag, under a
 * key that the crew alone holds, covers the very bytes that are asked about; whatever is missing or does not fit is computed here. A
 * worker that calls a forged signature valid is distrusted with all it said, before any of it counted.
 */
export function withHelpers(
  base: CryptoProvider,
  crew: Crew,
  key: Uint8Array,
): { readonly crypto: CryptoProvider; drop(): void } {
  let live: Live[] = [];
  let dropping = false;

  const drop = (): void => {
    for (const batch of live) {
      giveUp(batch);
      if (batch.what.kind === "dh-ephemeral") wipeResults(batch);
    }
    live = [];
    dropping = false;
  };

  const announce = (
    what: BatchKind,
    items: readonly (readonly Uint8Array[])[],
    resultLength: number,
  ): void => {
    if (items.length < fewest || crew.size === 0) return;
    const handed = items.slice(0, most);
    const traps = what.kind === "verify" ? trapsAmong(base, what.name, handed) : noTraps;
    const all = weave(handed, traps);
    const batch: Live = {
      ...createBatch(what, all, resultLength),
      items: all,
      places: placesOf(all, traps),
      canaries: [...traps.keys()],
      trusted: false,
    };
    if (live.length === maxLive) giveUp(live.shift() as Live);
    live.push(batch);
    const { count, shared } = batch;
    crew.post({ what, count, resultLength, shared });
    // Operations are synchronous: what they did not use by now they never will.
    if (!dropping) setImmediate(drop);
    dropping = true;
  };

  /** The result for these parts, if a worker has it and it holds; afterwards the item is the caller's own affair. */
  const answer = (what: BatchKind, parts: readonly Uint8Array[]): Uint8Array | undefined => {
    for (const batch of live) {
      if (batch.what.kind !== what.kind || batch.what.name !== what.name) continue;
      const index = batch.places.get(placeKey(parts));
      if (index === undefined) continue;
      if (claim(batch, index, "taken") !== states.done || !isTrusted(batch)) return undefined;
      return takeAnswer(batch, index, parts);
    }
    return undefined;
  };

  const takeAnswer = (
    batch: Live,
    index: number,
    parts: readonly Uint8Array[],
  ): Uint8Array | undefined => {
    const slot = answerOf(batch, index).slice() as Uint8Array<ArrayBuffer>;
    const result = slot.subarray(tagLength);
    if (batch.what.kind === "dh-ephemeral") {
      // An ephemeral key is for one message.
      Atomics.store(batch.states, index, states.taken);
      answerOf(batch, index).fill(0);
    }
    const expected = base.hmac("sha256", key, tagged(batch.what, parts, result));
    return equalConstantTime(expected, slot.subarray(0, tagLength)) ? result : undefined;
  };

  /** Once per batch, before the first of its answers counts. */
  const isTrusted = (batch: Live): boolean => {
    if (batch.trusted || isGivenUp(batch)) return batch.trusted;
    for (const index of batch.canaries) {
      const state = Atomics.load(batch.states, index);
      if (state === states.done) return distrusted();
      if (state !== states.failed) return false;
    }
    if (batch.what.kind === "verify" && !spotCheck(batch, batch.what.name)) return distrusted();
    batch.trusted = true;
    return true;
  };

  const spotCheck = (batch: Live, name: SignatureName): boolean => {
    for (let i = 0; i < rechecked; i++) {
      const index = randomBelow(batch.count);
      if (Atomics.load(batch.states, index) !== states.done) continue;
      const [publicKey, signature, message] = batch.items[index] as SignatureParts;
      if (!base.verify(name, publicKey, message, signature)) return false;
    }
    return true;
  };

  const distrusted = (): false => {
    crew.distrust();
    drop();
    return false;
  };

  const crypto: CryptoProvider = {
    ...base,
    verify(name, publicKey, message, signature) {
      if (live.length > 0) {
        const known = answer({ kind: "verify", name }, [publicKey, signature, message]);
        // A worker's "no" is not taken for an answer: where one counts, it is found here.
        if (known !== undefined) return true;
      }
      return base.verify(name, publicKey, message, signature);
    },
    dhEphemeral(name, publicKey) {
      if (live.length > 0) {
        const made = answer({ kind: "dh-ephemeral", name }, [publicKey]);
        if (made !== undefined) {
          const { publicKey: length } = dhLengths[name];
          return { publicKey: made.subarray(0, length), shared: made.subarray(length) };
        }
      }
      return base.dhEphemeral(name, publicKey);
    },
    ahead: {
      verify(name: SignatureName, claims: readonly SignatureClaim[]) {
        const items = claims.map((one) => [one.publicKey, one.signature, one.message] as const);
        announce({ kind: "verify", name }, items, 0);
      },
      dhEphemeral(name: DhName, publicKeys: readonly Uint8Array[]) {
        const { publicKey: length } = dhLengths[name];
        // The caller meets the error of a key of another size when it comes to it.
        const usable = publicKeys.filter((bytes) => bytes.length === length);
        const items = usable.map((bytes) => [bytes] as const);
        announce({ kind: "dh-ephemeral", name }, items, length + sharedLength(name));
      },
    },
  };
  return { crypto, drop };
}

type SignatureParts = readonly [publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array];

/** Of the raw output on the Montgomery curves, of the x coordinate on the others. */
function sharedLength(name: DhName): number {
  const { publicKey } = dhLengths[name];
  return name === "x25519" || name === "x448" ? publicKey : (publicKey - 1) / 2;
}

/**
 * Signatures that are certainly wrong, by their place among the items: the end, where workers begin, so that whoever calls everything
 * valid is known before the first answer is needed. Of a key of our own, so that no stranger's signature decides what they are.
 */
function trapsAmong(
  crypto: CryptoProvider,
  name: SignatureName,
  items: readonly (readonly Uint8Array[])[],
): Map<number, SignatureParts> {
  const traps = new Map<number, SignatureParts>();
  const { publicKey, privateKey } = crypto.generateSigner(name);
  const canaries = canariesAmong(items.length);
  while (traps.size < canaries) {
    const place = items.length + canaries - 1 - randomBelow(3 * canaries);
    const [, , message] = items[randomBelow(items.length)] as SignatureParts;
    const forged = crypto.sign(name, privateKey, message);
    const at = (forged.length >>> 1) + randomBelow(forged.length >>> 2);
    forged[at] = (forged[at] as number) ^ (1 << randomBelow(8));
    traps.set(place, [publicKey, forged, message]);
  }
  return traps;
}

const noTraps: ReadonlyMap<number, SignatureParts> = new Map();

function weave<T>(items: readonly T[], traps: ReadonlyMap<number, T>): readonly T[] {
  if (traps.size === 0) return items;
  const all: T[] = [];
  let next = 0;
  for (let i = 0; i < items.length + traps.size; i++)
    all.push(traps.get(i) ?? (items[next++] as T));
  return all;
}

function placesOf(
  items: readonly (readonly Uint8Array[])[],
  traps: ReadonlyMap<number, unknown>,
): Map<string, number> {
  const places = new Map<string, number>();
  for (const [index, parts] of items.entries()) {
    if (!traps.has(index)) places.set(placeKey(parts), index);
  }
  return places;
}

/** Enough to find an item by; the tag says whether it is the one. Signatures differ early, and so do keys. */
function placeKey(parts: readonly Uint8Array[]): string {
  const [first, second = first] = parts;
  return String.fromCharCode(...(second as Uint8Array).subarray(0, 16));
}

function wipeResults({ count, resultLength, shared }: Batch): void {
  const length = count * (tagLength + resultLength);
  new Uint8Array(shared, shared.byteLength - length, length).fill(0);
}

function randomBelow(end: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = systemRandom.bytes(4);
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % end;
}
