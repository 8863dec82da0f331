import { concat, toUtf8 } from "@coterie/base";
import type { Engine } from "../engine.ts";
import { labels } from "../labels.ts";

/**
 * Whether encode([S]B − [k]A) is R, byte for byte: the equation of MLS-07, without cofactor. A is the public key, R and S are the halves of the
 * signature, all checked before; k is the digest of 64 bytes modulo the order. False where A is no point.
 */
export type EdwardsEquation = (
  publicKey: Uint8Array,
  signature: Uint8Array,
  digest: Uint8Array,
) => boolean;

interface Ed25519Verify {
  readonly ed25519Verify: (
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ) => boolean;
  readonly ed25519phVerify: Engine["ed25519phVerify"];
}

/** Ed25519 and Ed25519ph (RFC 8032 section 5.1) of a hash and the equation. */
export function ed25519Verify(
  sha512: (data: Uint8Array) => Uint8Array,
  equation: EdwardsEquation,
): Ed25519Verify {
  return {
    ed25519Verify(publicKey, message, signature) {
      const input = concat(signature.subarray(0, 32), publicKey, message);
      return equation(publicKey, signature, sha512(input));
    },
    ed25519phVerify(publicKey, message, context, signature) {
      const input = concat(
        toUtf8(labels.ed25519Domain),
        Uint8Array.of(1, context.length),
        context,
        signature.subarray(0, 32),
        publicKey,
        sha512(message),
      );
      return equation(publicKey, signature, sha512(input));
    },
  };
}
