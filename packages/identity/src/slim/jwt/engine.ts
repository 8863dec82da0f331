import type { Jwk, RsaAlgorithm } from "./algorithms.ts";

/**
 * RSA and PEM at once, from a platform that can (`@coterie/identity/jwt-engine` for Node.js). Without one they take a promise: identities and
 * verifiers are made with one, and tokens signed with RSA are checked in `prepare`.
 */
export interface JwtEngine {
  /** A key in SPKI or PKCS #8; throws for anything else. */
  jwkOfPem(pem: string, half: "public" | "private"): Jwk;
  /** Throws for a key that is none. */
  rsaVerify(jwk: Jwk, algorithm: RsaAlgorithm, data: Uint8Array, signature: Uint8Array): boolean;
  rsaSign(jwk: Jwk, algorithm: RsaAlgorithm, data: Uint8Array): Uint8Array;
}
