import { toUtf8 } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { eip191Sign, ethereumAddress } from "@coterie/crypto";
import type { EoaSigner } from "@coterie/client";

/** A wallet of a name: the same key for the same name and seed. For tests alone. */
export function testWallet(crypto: CryptoProvider, name: string, seed: number): EoaSigner {
  const privateKey = crypto.hash("sha256", toUtf8(`test wallet ${seed} ${name}`));
  const identifier = ethereumAddress(crypto, crypto.secp256k1PublicKey(privateKey));
  return {
    type: "EOA",
    getIdentifier: () => ({ identifier, identifierKind: 0 }),
    signMessage: (text) => eip191Sign(crypto, privateKey, text),
  };
}
