import { secp256k1 } from "@noble/curves/secp256k1.js";
import type { Engine } from "../engine.ts";

/** secp256k1 for every provider: node:crypto can neither recover a key nor sign deterministically. */
export const nobleSecp256k1: Pick<
  Engine,
  "secp256k1PublicKey" | "secp256k1Sign" | "secp256k1Recover"
> = {
  secp256k1PublicKey: (privateKey) => secp256k1.getPublicKey(privateKey, false),

  secp256k1Sign(privateKey, digest) {
    const signature = secp256k1.sign(digest, privateKey, {
      prehash: false,
      lowS: true,
      format: "recovered",
    });
    return { recovery: signature[0] as number, compact: signature.slice(1) };
  },

  secp256k1Recover(digest, signature, recovery) {
    try {
      return secp256k1.Signature.fromBytes(signature, "compact")
        .addRecoveryBit(recovery)
        .recoverPublicKey(digest)
        .toBytes(false);
    } catch {
      return undefined;
    }
  },
};
