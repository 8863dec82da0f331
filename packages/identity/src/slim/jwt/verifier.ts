import type { Clock } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { badToken, publicKeyOf, skewSeconds, subjectOf } from "../claims.ts";
import type { Claims } from "../claims.ts";
import type { SlimVerifier, VerifiedToken } from "../token.ts";
import type { Jwk, JwkSet, JwtAlgorithm, JwtKey } from "./algorithms.ts";
import type { JwtEngine } from "./engine.ts";
import { fixedKeys, localKeySet } from "./key-source.ts";
import type { KeySource } from "./key-source.ts";
import { jwkOf, jwkOfSync } from "./platform.ts";
import { issuerKeys, remoteKeySet } from "./remote-keys.ts";
import type { RemoteKeysOptions } from "./remote-keys.ts";
import { createTokenVerifier } from "./token-verifier.ts";
import { importVerificationKey } from "./verification-key.ts";

/** Whose signature makes a token good: one key and what it is for, a set, the set at an address, or those of issuers that describe themselves. */
export type JwtKeys =
  | { readonly algorithm: JwtAlgorithm; readonly key: JwtKey }
  | { readonly keySet: JwkSet }
  | ({ readonly keySetUrl: string } & RemoteKeysOptions)
  | ({ readonly issuers: readonly string[] } & RemoteKeysOptions);

export interface JwtVerifierOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly keys: JwtKeys;
  /** What `iss` must be. Default: anything, or one of the issuers whose keys are used. */
  readonly issuer?: string | undefined;
  /** One of which must be in `aud`. Default: anything, also none. */
  readonly audience?: readonly string[] | undefined;
  /** What `sub` must be. Default: anything. */
  readonly subject?: string | undefined;
  /** How far other clocks may be off; default 5. */
  readonly skewSeconds?: number | undefined;
  /** So that RSA, too, is checked at once. */
  readonly engine?: JwtEngine | undefined;
}

/** Believes JSON Web Tokens (SID-06). Throws `identity/bad-key`. */
export async function createJwtVerifier(options: JwtVerifierOptions): Promise<SlimVerifier> {
  const { keys, engine } = options;
  if (engine !== undefined) return createJwtVerifierSync({ ...options, engine });
  const key = "key" in keys ? await jwkOf(keys.algorithm, keys.key, "public") : undefined;
  return verifierBy(options, sourceOf(options, key));
}

/** The same at once. Throws `identity/bad-key`. */
export function createJwtVerifierSync(
  options: JwtVerifierOptions & { readonly engine: JwtEngine },
): SlimVerifier {
  const { keys, engine } = options;
  const key = "key" in keys ? jwkOfSync(engine, keys.algorithm, keys.key, "public") : undefined;
  return verifierBy(options, sourceOf(options, key));
}

function verifierBy(options: JwtVerifierOptions, source: KeySource): SlimVerifier {
  const { clock, skewSeconds: skew = skewSeconds } = options;
  return createTokenVerifier({
    clock,
    source,
    skew,
    read: ({ claims }) => read(claims, options),
    wanted: ({ algorithm, keyId, claims }) => {
      const issuer = claims["iss"];
      return { algorithm, keyId, issuer: typeof issuer === "string" ? issuer : undefined };
    },
  });
}

function sourceOf(
  { crypto, clock, keys, engine }: JwtVerifierOptions,
  key: Jwk | undefined,
): KeySource {
  if ("key" in keys) {
    return fixedKeys([importVerificationKey(crypto, keys.algorithm, key as Jwk, engine)]);
  }
  if ("keySet" in keys) return localKeySet(crypto, keys.keySet, engine);
  if ("issuers" in keys) return issuerKeys({ ...keys, crypto, clock, engine });
  return remoteKeySet({ ...keys, crypto, clock, engine, url: keys.keySetUrl });
}

/** Throws `identity/bad-token`. */
function read(claims: Claims, expected: JwtVerifierOptions): VerifiedToken {
  const { issuer, audience, subject } = expected;
  if (issuer !== undefined && claims["iss"] !== issuer) throw badToken("issuer");
  if (audience !== undefined && !audiencesOf(claims).some((name) => audience.includes(name))) {
    throw badToken("audience");
  }
  const tokenId = subjectOf(claims);
  if (subject !== undefined && tokenId !== subject) throw badToken("subject");
  // SID-08: a subject is a name of somebody as it stands
  return { tokenId, baseId: tokenId, expiresAt: expiryOf(claims), publicKey: publicKeyOf(claims) };
}

/** One text, or a list (RFC 7519 section 4.1.3). */
export function audiencesOf(claims: Claims): readonly string[] {
  const { aud } = claims as { readonly aud?: unknown };
  const list: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return list.filter((name) => typeof name === "string");
}

/** A token without an end is refused. */
export function expiryOf(claims: Claims): number {
  const { exp } = claims as { readonly exp?: unknown };
  if (typeof exp !== "number" || !Number.isFinite(exp)) throw badToken("claims");
  return exp;
}
