import { Status, StatusError } from "@coterie/transport";
import type { LinkNegotiationPayload } from "@coterie/wire/slim";
import { DataPlaneError } from "./errors.ts";
import {
  agree,
  connectionTypeOf,
  encodeNegotiation,
  kindOf,
  linkKey,
  readNegotiation,
  refused,
} from "./negotiation.ts";
import type { Negotiated, NetworkKind, OwnLink } from "./negotiation.ts";

const encapsulationKeyBytes = 1184;
const ciphertextBytes = 1088;

/** Answers the first message of a connection (SCN-20 to SCN-26) with `reply`. Throws a `StatusError` that ends it. */
export function acceptLink(
  own: OwnLink,
  first: Uint8Array,
): { readonly link: Negotiated; readonly reply: Uint8Array } {
  try {
    return accept(own, first);
  } catch (error) {
    if (!(error instanceof DataPlaneError)) throw error;
    const what = String(error.details["what"]);
    throw new StatusError(Status.invalidArgument, `link negotiation: ${what}`, { cause: error });
  }
}

function accept(own: OwnLink, first: Uint8Array): { link: Negotiated; reply: Uint8Array } {
  const offer = readNegotiation(first, { isReply: false, kemBytes: encapsulationKeyBytes });
  const kind = kindOf(offer.connectionType);
  if (kind === undefined) throw refused("connection-type");
  if (kind === "peer") refusePeer(own, offer);
  const { crypto } = own;
  const { linkId, linkKemPayload } = offer;
  const pair = crypto.generateDh("x25519");
  const shared = agree("key", () => crypto.dh("x25519", pair.privateKey, offer.linkEcdhPublicKey));
  const kem = linkKemPayload && agree("kem", () => crypto.mlKem768Encapsulate(linkKemPayload));
  const reply = encodeNegotiation({
    linkId,
    slimVersion: own.version,
    isReply: true,
    linkEcdhPublicKey: pair.publicKey,
    connectionType: offer.connectionType,
    nodeId: own.nodeId,
    deploymentName: own.deploymentName,
    linkKemPayload: kem?.ciphertext,
  });
  return { link: negotiated(own, kind, offer, shared, kem?.sharedSecret), reply };
}

/** The dialling side's first message, and what the answer to it makes. */
export interface LinkOffer {
  readonly first: Uint8Array;
  /** Throws `dataplane/bad-negotiation`. */
  finish(reply: Uint8Array): Negotiated;
}

/** Begins a link (SCN-20). `kemSeed`, 64 random bytes, adds ML-KEM-768 to the key exchange (SCN-24). */
export function offerLink(
  own: OwnLink,
  asked: {
    readonly linkId: string;
    readonly kind: NetworkKind;
    readonly kemSeed?: Uint8Array | undefined;
  },
): LinkOffer {
  const { crypto } = own;
  const { linkId, kind, kemSeed } = asked;
  const pair = crypto.generateDh("x25519");
  const first = encodeNegotiation({
    linkId,
    slimVersion: own.version,
    isReply: false,
    linkEcdhPublicKey: pair.publicKey,
    connectionType: connectionTypeOf(kind),
    nodeId: own.nodeId,
    deploymentName: own.deploymentName,
    linkKemPayload: kemSeed && crypto.mlKem768PublicKey(kemSeed),
  });
  return {
    first,
    finish(bytes) {
      const reply = readNegotiation(bytes, { isReply: true, kemBytes: ciphertextBytes });
      const { linkKemPayload, linkEcdhPublicKey } = reply;
      // SCN-21: the reply names the link that was asked for
      if (reply.linkId !== linkId) throw refused("link-id");
      if (reply.connectionType !== connectionTypeOf(kind)) throw refused("connection-type");
      if ((kemSeed === undefined) !== (linkKemPayload === undefined)) throw refused("kem");
      const shared = agree("key", () => crypto.dh("x25519", pair.privateKey, linkEcdhPublicKey));
      const kemSecret =
        kemSeed &&
        agree("kem", () => crypto.mlKem768Decapsulate(kemSeed, linkKemPayload as Uint8Array));
      return negotiated(own, kind, reply, shared, kemSecret);
    },
  };
}

function negotiated(
  { crypto }: OwnLink,
  kind: NetworkKind,
  other: LinkNegotiationPayload,
  shared: Uint8Array,
  kemSecret: Uint8Array | undefined,
): Negotiated {
  const { linkId, nodeId, deploymentName, slimVersion } = other;
  const key = linkKey(crypto, linkId, shared, kemSecret);
  return { linkId, kind, key, peer: { nodeId, deploymentName, version: slimVersion } };
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
