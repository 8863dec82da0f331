import { concat, toUtf8 } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { Status, StatusError } from "@coterie/transport";
import { LinkConnectionType, Message } from "@coterie/wire/slim";
import type { LinkNegotiationPayload } from "@coterie/wire/slim";
import type { LinkKind } from "./routes.ts";

/** A negotiated connection. */
export interface Negotiated {
  readonly linkId: string;
  readonly kind: Extract<LinkKind, "edge">;
  /** Of the header MACs, 32 bytes (SCN-23, SCN-24). */
  readonly key: Uint8Array;
  /** What goes back as the first message. */
  readonly reply: Uint8Array;
}

export interface OwnLink {
  readonly crypto: CryptoProvider;
  readonly nodeId: string;
  readonly deploymentName: string;
  readonly version: string;
}

const plainInfo = toUtf8("SLIM-DP-inter-node-hmac-v1");
const hybridInfo = toUtf8("SLIM-DP-inter-node-hmac-v1-pq");
const kemKeyBytes = 1184;

/** Answers the first message of a connection (SCN-20 to SCN-26). Throws a `StatusError` that ends it. */
export function acceptLink(own: OwnLink, first: Uint8Array): Negotiated {
  const offer = readOffer(first);
  if (offer.connectionType !== LinkConnectionType.edge) {
    if (offer.connectionType === LinkConnectionType.peer) refusePeer(own, offer);
    throw new StatusError(Status.unimplemented, "only apps may connect to this node");
  }
  const { crypto } = own;
  const pair = crypto.generateDh("x25519");
  const shared = agree(() => crypto.dh("x25519", pair.privateKey, offer.linkEcdhPublicKey));
  const kem =
    offer.linkKemPayload === undefined
      ? undefined
      : agree(() => crypto.mlKem768Encapsulate(offer.linkKemPayload as Uint8Array));
  const ikm = kem === undefined ? shared : concat(shared, kem.sharedSecret);
  const prk = crypto.hkdfExtract("sha256", toUtf8(offer.linkId), ikm);
  const key = crypto.hkdfExpand("sha256", prk, kem === undefined ? plainInfo : hybridInfo, 32);
  const reply = Message.encode({
    metadata: new Map(),
    messageType: {
      kind: "link",
      value: {
        kind: "linkNegotiation",
        value: {
          linkId: offer.linkId,
          slimVersion: own.version,
          isReply: true,
          linkEcdhPublicKey: pair.publicKey,
          connectionType: offer.connectionType,
          nodeId: own.nodeId,
          deploymentName: own.deploymentName,
          linkKemPayload: kem?.ciphertext,
        },
      },
    },
  });
  return { linkId: offer.linkId, kind: "edge", key, reply };
}

/** SCN-21: what a first message has to be. */
function readOffer(first: Uint8Array): LinkNegotiationPayload {
  const { messageType } = agree(() => Message.decode(first), "malformed");
  if (messageType.kind !== "link" || messageType.value.kind !== "linkNegotiation") {
    throw refused("the first message has to negotiate the link");
  }
  const offer = messageType.value.value;
  if (offer.isReply) throw refused("a reply nobody waits for");
  if (offer.linkId === "" || offer.linkId.length > 128) throw refused("link id");
  if (!/^\d+\.\d+\.\d+([-+].*)?$/.test(offer.slimVersion)) throw refused("version");
  if (offer.linkEcdhPublicKey.length !== 32) throw refused("key exchange key"); // SCN-22
  const kemBytes = offer.linkKemPayload?.length;
  if (kemBytes !== undefined && kemBytes !== kemKeyBytes) throw refused("encapsulation key");
  return offer;
}

/** SCN-26. */
function refusePeer(own: OwnLink, offer: LinkNegotiationPayload): void {
  if (offer.nodeId === own.nodeId) {
    throw new StatusError(Status.permissionDenied, "self-connection rejected: same node_id");
  }
  if (own.deploymentName !== "" && offer.deploymentName !== own.deploymentName) {
    throw new StatusError(Status.permissionDenied, "deployment_name mismatch");
  }
}

/** A key that is no point, or of low order, is the peer's fault. */
function agree<T>(work: () => T, what = "key"): T {
  try {
    return work();
  } catch (cause) {
    throw new StatusError(Status.invalidArgument, `link negotiation: ${what}`, { cause });
  }
}

function refused(what: string): StatusError {
  return new StatusError(Status.invalidArgument, `link negotiation: ${what}`);
}
