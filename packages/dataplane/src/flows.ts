import { equalConstantTime, invariant } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { headerMacPreimage, peekSlimHeader, restampSlimHeader } from "@coterie/wire/slim";
import type { MacFields, PeekedHeader } from "@coterie/wire/slim";
import { bytesKey } from "./bytes-key.ts";
import type { Negotiated } from "./negotiation.ts";
import { nameKey } from "./routes.ts";
import type { NameKey } from "./routes.ts";

/** One side of a connection as far as header MACs go. */
export interface Hop {
  readonly linkId: string;
  /** Absent where headers carry none: between replicas and in the process (SMC-01). */
  readonly key?: Uint8Array | undefined;
}

/** SMC-01: which links sign. */
export function hopOf({ kind, linkId, key }: Negotiated): Hop {
  return kind === "peer" ? { linkId } : { linkId, key };
}

/**
 * A header that was read and found authentic, and what it became for each next hop. A MAC covers the header and no payload (SMC-02), so the
 * messages of one sender to one name share it for as long as the sender shows one token.
 */
export interface Flow {
  readonly header: PeekedHeader;
  readonly destination: NameKey;
  /** As it goes on; 0 where its hops are used up (SCN-30). */
  readonly ttl: number;
  /** The header as a hop gets it, with its MAC. */
  outgoing(to: Hop): Uint8Array;
}

export type Verdict = Flow | "malformed" | "mac";

export interface Flows {
  /** Reads and judges a header, from memory where its very bytes were judged before. Throws what reading throws. */
  judge(header: Uint8Array): Verdict;
}

/** Headers of one connection that are remembered: the oldest goes first, and is read again when it comes again. */
const remembered = 256;

/** `hops`: how many a message used that came in here; 1, but none in the process (SCN-30). */
export function createFlows(crypto: CryptoProvider, from: Hop, hops: 0 | 1 = 1): Flows {
  const known = new Map<string, Flow>();

  const read = (header: Uint8Array): Verdict => {
    const peeked = peekSlimHeader(header);
    const destination = peeked.destination?.encoded;
    if (destination === undefined || peeked.source?.encoded === undefined) return "malformed"; // SRT-09
    if (from.key !== undefined && !isAuthentic(crypto, from, header, peeked)) return "mac";
    const ttl = Math.max(0, peeked.ttl - hops);
    return flowOf(crypto, header.slice(), peeked, nameKey(destination), ttl);
  };

  return {
    judge(header) {
      const id = bytesKey(header);
      const before = known.get(id);
      if (before !== undefined) return before;
      const verdict = read(header);
      if (typeof verdict === "string") return verdict;
      if (known.size >= remembered) known.delete(known.keys().next().value as string);
      known.set(id, verdict);
      return verdict;
    },
  };
}

function flowOf(
  crypto: CryptoProvider,
  bytes: Uint8Array,
  header: PeekedHeader,
  destination: NameKey,
  ttl: number,
): Flow {
  const hops = new WeakMap<Hop, Uint8Array>();
  return {
    header,
    destination,
    ttl,
    outgoing(to) {
      let stamped = hops.get(to);
      if (stamped === undefined) {
        const mac = to.key && macOf(crypto, to, bytes, header, { ttl });
        stamped = restampSlimHeader(bytes, header, { ttl, mac });
        hops.set(to, stamped);
      }
      return stamped;
    },
  };
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
  return {
    stamp(header) {
      const id = bytesKey(header);
      let stamped = known.get(id);
      if (stamped === undefined) {
        const peeked = peekSlimHeader(header);
        const { ttl } = peeked;
        const mac = to.key && macOf(crypto, to, header, peeked, { ttl });
        stamped = restampSlimHeader(header, peeked, { ttl, mac });
        if (known.size >= remembered) known.delete(known.keys().next().value as string);
        known.set(id, stamped);
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
