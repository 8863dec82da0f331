import { equalConstantTime, invariant } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import {
  headerMacKey,
  headerMacPreimage,
  moveSlimHeader,
  peekSlimHeader,
  replaceSlimHeader,
  restampSlimHeader,
  SlimHeaderScan,
} from "@coterie/wire/slim";
import type { HeaderMacKey, MacFields, PeekedHeader, PeekedMessage } from "@coterie/wire/slim";
import { bytesKey, hasBytes, partKeys } from "./bytes-key.ts";
import type { Negotiated } from "./negotiation.ts";
import { nameKey } from "./routes.ts";
import type { NameKey } from "./routes.ts";

/** One side of a connection as far as header MACs go. */
export interface Hop {
  readonly linkId: string;
  /** Absent where headers carry none: between replicas and in the process (SMC-01). */
  readonly key?: Uint8Array | undefined;
  /** The same, ready to use. */
  readonly macs?: HeaderMacKey | undefined;
}

/** SMC-01: which links sign. */
export function hopOf({ kind, linkId, key }: Negotiated): Hop {
  return kind === "peer" ? { linkId } : { linkId, key, macs: headerMacKey(linkId, key) };
}

/**
 * A header that was read and found authentic. A MAC covers the header and no payload (SMC-02), so the messages of one sender to one name share it
 * for as long as the sender shows one token. Of use until the next header is judged.
 */
export interface Flow {
  readonly fanout: number;
  readonly destination: NameKey;
  /** As it goes on; 0 where its hops are used up (SCN-30). */
  readonly ttl: number;
  /** The message as a hop gets it (SRT-07). `last`: in its own memory where that can be, which is no use for anything else then. */
  stamp(bytes: Uint8Array, peeked: PeekedMessage, to: Hop, last: boolean): Uint8Array;
}

export type Verdict = Flow | "malformed" | "mac";

export interface Flows {
  /** Reads and judges a message's header, from memory where its very bytes were judged before. Throws what reading throws. */
  judge(bytes: Uint8Array, peeked: Pick<PeekedMessage, "header">): Verdict;
}

/** Headers of one connection that are remembered: the oldest goes first, and is read again when it comes again. */
const remembered = 256;
/** Larger headers are read each time: 256 of them for each connection would be gigabytes. */
const largestRemembered = 4096;

/** `hops`: how many a message used that came in here; 1, but none in the process (SCN-30). */
export function createFlows(crypto: CryptoProvider, from: Hop, hops: 0 | 1 = 1): Flows {
  const scanned = from.macs === undefined ? undefined : createScanned(crypto, from.macs, hops);
  const known = new Map<string, Flow>();

  const read = (header: Uint8Array): Verdict => {
    const peeked = peekSlimHeader(header);
    const destination = peeked.destination?.encoded;
    if (destination === undefined || peeked.source?.encoded === undefined) return "malformed"; // SRT-09
    if (from.key !== undefined && !isAuthentic(crypto, from, header, peeked)) return "mac";
    const ttl = Math.max(0, peeked.ttl - hops);
    return peekedFlow(crypto, header.slice(), peeked, nameKey(destination), ttl);
  };

  return {
    judge(bytes, { header: { start, end } }) {
      const quick = scanned?.judge(bytes, start, end);
      if (quick !== undefined) return quick;
      const header = bytes.subarray(start, end);
      if (header.length > largestRemembered) return read(header);
      const id = bytesKey(header);
      const before = known.get(id);
      if (before !== undefined) return before;
      const verdict = read(header);
      if (typeof verdict !== "string") remember(known, id, verdict);
      return verdict;
    },
  };
}

/** A header in the usual form: only its ttl and its MAC change, where they stand. */
interface ScannedFlow extends Flow {
  /** A copy, where the flow is remembered. */
  readonly header: Uint8Array | undefined;
}

/** One for all connections: a header is read, judged and stamped before the next one comes. */
const scan = new SlimHeaderScan();
const scanKeys = partKeys(scan.preimage);
let scans = 0;

/** Judges headers in the usual form; undefined for others. */
function createScanned(
  crypto: CryptoProvider,
  from: HeaderMacKey,
  hops: 0 | 1,
): { judge(bytes: Uint8Array, start: number, end: number): Flow | "mac" | undefined } {
  const hash = (data: Uint8Array): Uint8Array => crypto.hash("sha256", data);
  const known = new Map<number, ScannedFlow>();
  /** Marks of headers that came once: who mints a token for each message fills no memory with them. */
  const seen = new Int32Array(1024);

  const read = (bytes: Uint8Array, start: number, header: Uint8Array | undefined) => {
    const { fanout, ttlAt, macAt } = scan;
    const { destinationAt: at, destinationIdAt: idAt } = scan;
    const number = ++scans;
    const ttl = Math.max(0, scan.ttl - hops);
    const macs = new WeakMap<Hop, Uint8Array>();
    const macFor = (to: Hop, key: HeaderMacKey): Uint8Array => {
      let mac = header && macs.get(to);
      if (mac !== undefined) return mac;
      if (header !== undefined) scan.scan(header, 0, header.length);
      invariant(header !== undefined || number === scans, "a header is stamped before the next");
      mac = scan.mac(hash, key, ttl);
      if (header !== undefined) macs.set(to, mac);
      return mac;
    };
    const flow: ScannedFlow = {
      fanout,
      destination: { prefix: scanKeys(at, at + 24), id: scanKeys(idAt, idAt + 16) },
      ttl,
      header,
      stamp(message, peeked, to, last) {
        if (to.macs === undefined) {
          const own = message.subarray(peeked.header.start, peeked.header.end);
          return put(message, peeked, unsigned(own, ttl), last);
        }
        const mac = macFor(to, to.macs);
        const out = last ? message : message.slice();
        out[peeked.header.start + ttlAt] = ttl;
        out.set(mac, peeked.header.start + macAt);
        return out;
      },
    };
    const expected = scan.mac(hash, from, scan.ttl);
    const shown = bytes.subarray(start + macAt, start + macAt + 32);
    return equalConstantTime(expected, shown) ? flow : "mac";
  };

  return {
    judge(bytes, start, end) {
      if (end - start < 4) return undefined;
      // the end of a MAC or of a signature: nothing else in a header differs as much
      const mark =
        (bytes[end - 1] as number) |
        ((bytes[end - 2] as number) << 8) |
        ((bytes[end - 3] as number) << 16) |
        ((bytes[end - 4] as number) << 24);
      const before = known.get(mark);
      if (before !== undefined && hasBytes(bytes, start, end, before.header as Uint8Array)) {
        return before;
      }
      if (!scan.scan(bytes, start, end)) return undefined;
      const cameBefore = seen[mark & 1023] === mark;
      seen[mark & 1023] = mark;
      const flow = read(bytes, start, cameBefore ? bytes.slice(start, end) : undefined);
      if (cameBefore && typeof flow !== "string") remember(known, mark, flow);
      return flow;
    },
  };
}

function remember<K, V>(known: Map<K, V>, key: K, value: V): void {
  if (known.size >= remembered) known.delete(known.keys().next().value as K);
  known.set(key, value);
}

/** A header in some other form: it is written anew for each hop. */
function peekedFlow(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  header: PeekedHeader,
  destination: NameKey,
  ttl: number,
): Flow {
  const hops = new WeakMap<Hop, Uint8Array>();
  return {
    fanout: header.fanout,
    destination,
    ttl,
    stamp(message, peeked, to, last) {
      let stamped = hops.get(to);
      if (stamped === undefined) {
        const mac = to.key && macOf(crypto, to, bytes, header, { ttl });
        stamped = restampSlimHeader(bytes, header, { ttl, mac });
        hops.set(to, stamped);
      }
      return put(message, peeked, stamped, last);
    },
  };
}

function unsigned(header: Uint8Array, ttl: number): Uint8Array {
  return restampSlimHeader(header, peekSlimHeader(header), { ttl });
}

/** The message with another header, in the received memory itself where it may be and can be. */
function put(
  bytes: Uint8Array,
  peeked: PeekedMessage,
  header: Uint8Array,
  last: boolean,
): Uint8Array {
  const moved = last ? moveSlimHeader(bytes, peeked, header) : undefined;
  return moved ?? replaceSlimHeader(bytes, peeked, header);
}

/** SMC-06: over the bytes that came, in constant time; an absent MAC is a wrong one (SMC-07). */
function isAuthentic(
  crypto: CryptoProvider,
  from: Hop,
  bytes: Uint8Array,
  header: PeekedHeader,
): boolean {
  const { mac } = header;
  if (mac === undefined) return false;
  const expected = macOf(crypto, from, bytes, header, header);
  return equalConstantTime(expected, bytes.subarray(mac.start, mac.end));
}

/** The sending end of a link: MACs for headers that have none yet. */
export interface Stamper {
  /** The header as the peer gets it: ttl and the rest as they are, hop fields cleared (SMC-05), with its MAC. Kept: never write to it. */
  stamp(header: Uint8Array): Uint8Array;
}

/** One MAC for all messages whose headers are the same bytes. */
export function createStamper(crypto: CryptoProvider, to: Hop): Stamper {
  const known = new Map<string, Uint8Array>();
  const make = (header: Uint8Array): Uint8Array => {
    const peeked = peekSlimHeader(header);
    const { ttl } = peeked;
    const mac = to.key && macOf(crypto, to, header, peeked, { ttl });
    return restampSlimHeader(header, peeked, { ttl, mac });
  };
  return {
    stamp(header) {
      if (header.length > largestRemembered) return make(header);
      const id = bytesKey(header);
      let stamped = known.get(id);
      if (stamped === undefined) {
        stamped = make(header);
        remember(known, id, stamped);
      }
      return stamped;
    },
  };
}

/** SMC-02. */
function macOf(
  crypto: CryptoProvider,
  link: Hop,
  bytes: Uint8Array,
  header: PeekedHeader,
  fields: MacFields,
): Uint8Array {
  invariant(link.key !== undefined, "a hop that signs has a key");
  return crypto.hmac("sha256", link.key, headerMacPreimage(link.linkId, bytes, header, fields));
}
