import { concat, toUtf8 } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { LinkConnectionType, Message } from "@coterie/wire/slim";
import type { LinkNegotiationPayload } from "@coterie/wire/slim";
import { DataPlaneError } from "./errors.ts";
import type { LinkKind } from "./routes.ts";

/** What this side says of itself when a link is negotiated. */
export interface OwnLink {
  readonly crypto: CryptoProvider;
  readonly nodeId: string;
  readonly deploymentName: string;
  readonly version: string;
}

/** What links over a network may be: the dialling side chooses (SCN-26). */
export type NetworkKind = Exclude<LinkKind, "local">;

/** A negotiated connection. */
export interface Negotiated {
  readonly linkId: string;
  readonly kind: NetworkKind;
  /** Of the header MACs, 32 bytes (SCN-23, SCN-24). */
  readonly key: Uint8Array;
  /** What the other side said of itself. */
  readonly peer: {
    readonly nodeId: string;
    readonly deploymentName: string;
    readonly version: string;
  };
}

const kinds: readonly (readonly [NetworkKind, LinkConnectionType])[] = [
  ["edge", LinkConnectionType.edge],
  ["remote", LinkConnectionType.remote],
  ["peer", LinkConnectionType.peer],
];

export function connectionTypeOf(kind: NetworkKind): LinkConnectionType {
  return kinds.find(([known]) => known === kind)?.[1] ?? LinkConnectionType.edge;
}

/** Undefined for a number that a later version gave a meaning. */
export function kindOf(type: LinkConnectionType): NetworkKind | undefined {
  return kinds.find(([, known]) => known === type)?.[0];
}

const plainInfo = toUtf8("SLIM-DP-inter-node-hmac-v1");
const hybridInfo = toUtf8("SLIM-DP-inter-node-hmac-v1-pq");

/** SCN-23; with an ML-KEM secret SCN-24. */
export function linkKey(
  crypto: CryptoProvider,
  linkId: string,
  shared: Uint8Array,
  kemSecret: Uint8Array | undefined,
): Uint8Array {
  const ikm = kemSecret === undefined ? shared : concat(shared, kemSecret);
  const prk = crypto.hkdfExtract("sha256", toUtf8(linkId), ikm);
  return crypto.hkdfExpand("sha256", prk, kemSecret === undefined ? plainInfo : hybridInfo, 32);
}

export function encodeNegotiation(value: LinkNegotiationPayload): Uint8Array {
  return Message.encode({
    metadata: new Map(),
    messageType: { kind: "link", value: { kind: "linkNegotiation", value } },
  });
}

/** SCN-21: what a first message has to be, in either direction. Throws `dataplane/bad-negotiation`. */
export function readNegotiation(
  bytes: Uint8Array,
  expected: { readonly isReply: boolean; readonly kemBytes: number },
): LinkNegotiationPayload {
  const { messageType } = agree("malformed", () => Message.decode(bytes));
  if (messageType.kind !== "link" || messageType.value.kind !== "linkNegotiation") {
    throw refused("not-a-link");
  }
  const payload = messageType.value.value;
  if (payload.isReply !== expected.isReply) throw refused("direction");
  if (payload.linkId === "" || payload.linkId.length > 128) throw refused("link-id");
  if (!/^\d+\.\d+\.\d+([-+].*)?$/.test(payload.slimVersion)) throw refused("version");
  if (payload.linkEcdhPublicKey.length !== 32) throw refused("key"); // SCN-22
  const kemBytes = payload.linkKemPayload?.length;
  if (kemBytes !== undefined && kemBytes !== expected.kemBytes) throw refused("kem"); // SCN-24
  return payload;
}

/** What fails on a peer's bytes, such as a key of low order, is the peer's fault. */
export function agree<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw refused(what, cause);
  }
}

export function refused(what: string, cause?: unknown): DataPlaneError {
  return new DataPlaneError("dataplane/bad-negotiation", { what }, cause);
}
