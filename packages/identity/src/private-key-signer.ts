import type { CryptoProvider } from "@coterie/crypto";
import { eip191Sign, ethereumAddress } from "@coterie/crypto";
import type { EoaSigner } from "./signer.ts";

/**
 * A wallet that is nothing but its key, for bots, scripts and tests: people's wallets sign in their own apps. `privateKey` is 32
 * bytes. Throws `crypto/bad-key` where it is no key of secp256k1.
 */
export function privateKeySigner(crypto: CryptoProvider, privateKey: Uint8Array): EoaSigner {
  const key = privateKey.slice();
  const identifier = ethereumAddress(crypto, crypto.secp256k1PublicKey(key));
  return {
    type: "EOA",
    getIdentifier: () => ({ identifier, identifierKind: 0 }),
    signMessage: (text) => eip191Sign(crypto, key, text),
  };
}
