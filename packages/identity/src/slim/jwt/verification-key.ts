import { concat, equalConstantTime, fromBase64Url } from "@coterie/base";
import { ecdsaToDer } from "@coterie/crypto";
import type { CryptoProvider, HashName } from "@coterie/crypto";
import { badKey, curves, hashBytes, hmacAlgorithms, isRsa, rsaAlgorithms } from "./algorithms.ts";
import type { Jwk, JwtAlgorithm } from "./algorithms.ts";
import type { JwtEngine } from "./engine.ts";
import { rsaVerify } from "./platform.ts";

type Verify = (algorithm: JwtAlgorithm, data: Uint8Array, signature: Uint8Array) => boolean;

/** A key that knows its algorithms: what a token's header says never chooses one that the key is not for. */
export interface VerificationKey {
  readonly keyId: string | undefined;
  readonly algorithms: readonly JwtAlgorithm[];
  /** Undefined for RSA without an engine: the platform takes a promise for it. */
  readonly verify: Verify | undefined;
  verifyLater(algorithm: JwtAlgorithm, data: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

/** Throws `identity/bad-key`. */
export function importVerificationKey(
  crypto: CryptoProvider,
  algorithm: JwtAlgorithm,
  jwk: Jwk,
  engine: JwtEngine | undefined,
): VerificationKey {
  const made = verificationKeyOf(crypto, { ...jwk, alg: algorithm }, engine);
  if (made === undefined) throw badKey("unusable");
  return made;
}

/** A key out of a set; undefined for one that is not for verifying tokens, damaged, or of a kind that nobody here knows. */
export function verificationKeyOf(
  crypto: CryptoProvider,
  jwk: Jwk,
  engine?: JwtEngine,
): VerificationKey | undefined {
  if (jwk.use !== undefined && jwk.use !== "sig") return undefined;
  if (jwk.key_ops !== undefined && !jwk.key_ops.includes("verify")) return undefined;
  let made: Made | undefined;
  try {
    made = madeOf(crypto, jwk, engine);
  } catch {
    return undefined;
  }
  if (made === undefined) return undefined;
  const { kinds, verify } = made;
  const algorithms = kinds.filter((name) => jwk.alg === undefined || name === jwk.alg);
  if (algorithms.length === 0) return undefined;
  return {
    keyId: typeof jwk.kid === "string" ? jwk.kid : undefined,
    algorithms,
    verify,
    async verifyLater(algorithm, data, signature) {
      if (verify !== undefined) return verify(algorithm, data, signature);
      return isRsa(algorithm) && rsaVerify(jwk, algorithm, data, signature).catch(() => false);
    },
  };
}

interface Made {
  readonly kinds: readonly JwtAlgorithm[];
  readonly verify: Verify | undefined;
}

function madeOf(crypto: CryptoProvider, jwk: Jwk, engine: JwtEngine | undefined): Made | undefined {
  const bytes = (text: string | undefined) => fromBase64Url(text ?? "");
  switch (jwk.kty) {
    case "EC": {
      const kind = jwk.crv === "P-256" ? "ES256" : jwk.crv === "P-384" ? "ES384" : undefined;
      if (kind === undefined) return undefined;
      const [x, y] = [bytes(jwk.x), bytes(jwk.y)];
      if (x.length !== curves[kind].bytes || y.length !== x.length) return undefined;
      return { kinds: [kind], verify: ecdsa(crypto, kind, concat(Uint8Array.of(4), x, y)) };
    }
    case "OKP": {
      const publicKey = bytes(jwk.x);
      if (jwk.crv !== "Ed25519" || publicKey.length !== 32) return undefined;
      const verify: Verify = (_, data, tag) => crypto.verify("ed25519", publicKey, data, tag);
      return { kinds: ["EdDSA"], verify };
    }
    case "oct": {
      // a secret says itself what it is for
      if (jwk.alg === undefined) return undefined;
      const secret = bytes(jwk.k);
      const verify: Verify = (algorithm, data, tag) =>
        equalConstantTime(crypto.hmac(hashOf(algorithm), secret, data), tag);
      return { kinds: hmacAlgorithms.filter((name) => secret.length >= hashBytes(name)), verify };
    }
    case "RSA": {
      // shorter ones can be broken, longer ones are a way to keep a verifier busy
      const { length } = bytes(jwk.n);
      if (length < 256 || length > 1024) return undefined;
      const verify: Verify | undefined =
        engine &&
        ((algorithm, data, tag) => isRsa(algorithm) && engine.rsaVerify(jwk, algorithm, data, tag));
      return { kinds: rsaAlgorithms, verify };
    }
    default:
      return undefined;
  }
}

function ecdsa(crypto: CryptoProvider, kind: "ES256" | "ES384", point: Uint8Array): Verify {
  const { name, bytes } = curves[kind];
  // r and s of fixed length (RFC 7518 section 3.4), where everything else has DER
  return (_, data, raw) =>
    raw.length === 2 * bytes && crypto.verify(name, point, data, ecdsaToDer(raw));
}

export function hashOf(algorithm: JwtAlgorithm): HashName {
  return `sha${algorithm.slice(2)}` as HashName;
}
