import { fromBase64Url, invariant } from "@coterie/base";
import { ecdsaFromDer } from "@coterie/crypto";
import type { CryptoProvider } from "@coterie/crypto";
import { badKey, curves, hashBytes, isHmac, isRsa } from "./algorithms.ts";
import type { Jwk, JwtAlgorithm, JwtKey, RsaAlgorithm } from "./algorithms.ts";
import type { JwtEngine } from "./engine.ts";
import { jwkOf, jwkOfSync, rsaSigner } from "./platform.ts";
import { hashOf } from "./verification-key.ts";

type Sign = (data: Uint8Array) => Uint8Array;

/** RSA is the platform's, and takes a promise. */
export type SigningKey =
  | { readonly kind: "now"; readonly sign: Sign }
  | { readonly kind: "later"; sign(data: Uint8Array): Promise<Uint8Array> };

/** Throws `identity/bad-key`. */
export async function importSigningKey(
  crypto: CryptoProvider,
  algorithm: JwtAlgorithm,
  key: JwtKey,
): Promise<SigningKey> {
  const jwk = await jwkOf(algorithm, key, "private");
  if (!isRsa(algorithm)) return { kind: "now", sign: signerOf(crypto, algorithm, jwk) };
  if (jwk.kty !== "RSA") throw badKey("not-for-algorithm");
  return { kind: "later", sign: await rsaSigner(jwk, algorithm) };
}

/** Throws `identity/bad-key`. */
export function importSigningKeySync(
  crypto: CryptoProvider,
  algorithm: JwtAlgorithm,
  key: JwtKey,
  engine: JwtEngine,
): Sign {
  const jwk = jwkOfSync(engine, algorithm, key, "private");
  if (!isRsa(algorithm)) return signerOf(crypto, algorithm, jwk);
  if (jwk.kty !== "RSA" || jwk.d === undefined) throw badKey("not-for-algorithm");
  return (data) => engine.rsaSign(jwk, algorithm, data);
}

function signerOf(
  crypto: CryptoProvider,
  algorithm: Exclude<JwtAlgorithm, RsaAlgorithm>,
  jwk: Jwk,
): Sign {
  const secret = secretOf(isHmac(algorithm) ? jwk.k : jwk.d);
  if (isHmac(algorithm)) {
    if (jwk.kty !== "oct") throw badKey("not-for-algorithm");
    if (secret.length < hashBytes(algorithm)) throw badKey("too-short");
    return (data) => crypto.hmac(hashOf(algorithm), secret, data);
  }
  const { crv, name, length } =
    algorithm === "EdDSA"
      ? ({ crv: "Ed25519", name: "ed25519", length: 32 } as const)
      : { ...curves[algorithm], length: curves[algorithm].bytes };
  if (jwk.crv !== crv || secret.length !== length) throw badKey("not-for-algorithm");
  if (name === "ed25519") return (data) => crypto.sign(name, secret, data);
  return (data) => {
    const raw = ecdsaFromDer(name, crypto.sign(name, secret, data));
    invariant(raw !== undefined, "a signature of ours is well formed");
    return raw;
  };
}

function secretOf(text: string | undefined): Uint8Array {
  try {
    return fromBase64Url(text ?? "");
  } catch {
    throw badKey("unusable");
  }
}
