import type { MemberId } from "./identifiers.ts";

export type SignatureKind =
  | "erc191"
  | "erc1271"
  | "installation-key"
  | "legacy-delegated"
  | "passkey";

/** A signature that holds: who made it, how, and what must never be used again. */
export interface VerifiedSignature {
  readonly signer: MemberId;
  readonly kind: SignatureKind;
  /** Replay bytes in hex (XID-30). */
  readonly replay: string;
  /** Chain of a contract wallet (XID-26). */
  readonly chainId?: bigint | undefined;
}
