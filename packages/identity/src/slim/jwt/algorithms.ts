import { IdentityError } from "../../errors.ts";

const hmacNames = ["HS256", "HS384", "HS512"] as const;
const rsaNames = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const;

export type HmacAlgorithm = (typeof hmacNames)[number];
export type RsaAlgorithm = (typeof rsaNames)[number];
/** SID-06; names of RFC 7518 and RFC 8037. */
export type JwtAlgorithm = "ES256" | "ES384" | "EdDSA" | HmacAlgorithm | RsaAlgorithm;

export const rsaAlgorithms: readonly JwtAlgorithm[] = rsaNames;
export const hmacAlgorithms: readonly JwtAlgorithm[] = hmacNames;

export function isRsa(algorithm: JwtAlgorithm): algorithm is RsaAlgorithm {
  return rsaAlgorithms.includes(algorithm);
}

export function isHmac(algorithm: JwtAlgorithm): algorithm is HmacAlgorithm {
  return hmacAlgorithms.includes(algorithm);
}

/** Of the hash in the algorithm's name, which is also the least length of an HMAC secret (RFC 7518 section 3.2). */
export function hashBytes(algorithm: JwtAlgorithm): number {
  return Number(algorithm.slice(2)) / 8;
}

export const curves = {
  ES256: { crv: "P-256", name: "p256", bytes: 32 },
  ES384: { crv: "P-384", name: "p384", bytes: 48 },
} as const;

/** A JSON Web Key (RFC 7517), as far as it is looked at. */
export interface Jwk {
  readonly kty?: string;
  readonly kid?: string;
  readonly alg?: string;
  readonly use?: string;
  readonly key_ops?: readonly string[];
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly d?: string;
  readonly k?: string;
  readonly n?: string;
  readonly e?: string;
}

/** RFC 7517 section 5. */
export interface JwkSet {
  readonly keys: readonly Jwk[];
}

/** PEM: `PUBLIC KEY` (SPKI) or `PRIVATE KEY` (PKCS #8). `secret`: for the HS algorithms, at least as long as their hash. */
export type JwtKey =
  | { readonly pem: string }
  | { readonly jwk: Jwk }
  | { readonly secret: Uint8Array | string };

export function badKey(reason: string, cause?: unknown): IdentityError {
  return new IdentityError("identity/bad-key", { reason }, cause);
}
