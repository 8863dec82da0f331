import type { CipherSuite, CryptoProvider, KeyPair } from "@coterie/crypto";
import { signContent } from "./content-auth.ts";
import { encodeMlsMessage } from "./message.ts";
import type { FramedContent, KeyPackage, Proposal, Sender } from "./types.ts";

interface ExternalProposal {
  readonly crypto: CryptoProvider;
  readonly cipherSuite: CipherSuite;
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly signer: KeyPair;
  readonly authenticatedData?: Uint8Array;
}

/** A proposal by somebody whom the group's external_senders list at `senderIndex` (RFC 9420 §12.1.8), as MLSMessage. */
export function proposeAsExternal(
  input: ExternalProposal & { readonly senderIndex: number; readonly proposal: Proposal },
): Uint8Array {
  return sign(input, { kind: "external", senderIndex: input.senderIndex }, input.proposal);
}

/** Asks a group to add us (RFC 9420 §12.1.8), as MLSMessage. `signer` is the key of the key package's leaf. */
export function proposeToJoin(
  input: ExternalProposal & { readonly keyPackage: KeyPackage },
): Uint8Array {
  const proposal = { kind: "add", keyPackage: input.keyPackage } as const;
  return sign(input, { kind: "new-member-proposal" }, proposal);
}

function sign(input: ExternalProposal, sender: Sender, proposal: Proposal): Uint8Array {
  const { crypto, cipherSuite, groupId, epoch, signer } = input;
  const content: FramedContent = {
    groupId,
    epoch,
    sender,
    authenticatedData: input.authenticatedData ?? new Uint8Array(0),
    content: { kind: "proposal", proposal },
  };
  const signature = signContent(crypto, cipherSuite, {
    wireFormat: "public",
    content,
    // RFC 9420 §6.1: nothing of the group is signed by whoever is not in it.
    contextBytes: new Uint8Array(0),
    privateKey: signer.privateKey,
  });
  const auth = { signature, confirmationTag: undefined };
  return encodeMlsMessage({ kind: "public", message: { content, auth, membershipTag: undefined } });
}
