import type { Signer } from "@coterie/client/node";
import { eip191Digest, ethereumAddress } from "@coterie/crypto";
import { nobleProvider as crypto } from "@coterie/crypto/noble";

/** An Ethereum wallet that lives in memory: what a person's own wallet app would be. */
export function walletSigner(privateKey: Uint8Array): { signer: Signer; address: string } {
  const address = ethereumAddress(crypto, crypto.secp256k1PublicKey(privateKey));
  const signer: Signer = {
    type: "EOA",
    getIdentifier: () => ({ identifier: address, identifierKind: 0 }),
    signMessage: async (text) => crypto.secp256k1Sign(privateKey, eip191Digest(crypto, text)),
  };
  return { signer, address };
}
