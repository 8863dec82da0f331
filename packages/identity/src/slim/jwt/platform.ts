import { fromBase64Url, toBase64Url, toUtf8 } from "@coterie/base";
import { badKey, curves, hashBytes, isHmac, isRsa } from "./algorithms.ts";
import type { Jwk, JwtAlgorithm, JwtKey, RsaAlgorithm } from "./algorithms.ts";
import type { JwtEngine } from "./engine.ts";

type Half = "public" | "private";
type ImportParams = Readonly<{ name: string; namedCurve?: string; hash?: string }>;

/** One form for every way to hand over a key; undefined for PEM. Throws `identity/bad-key`. */
function jwkAtHand(algorithm: JwtAlgorithm, key: JwtKey): Jwk | undefined {
  if ("jwk" in key) {
    if (key.jwk.alg !== undefined && key.jwk.alg !== algorithm) throw badKey("not-for-algorithm");
    return key.jwk;
  }
  if ("secret" in key) {
    const bytes = typeof key.secret === "string" ? toUtf8(key.secret) : key.secret;
    if (!isHmac(algorithm)) throw badKey("not-for-algorithm");
    if (bytes.length < hashBytes(algorithm)) throw badKey("too-short");
    return { kty: "oct", k: toBase64Url(bytes) };
  }
  // a public key's text must never become a secret
  if (isHmac(algorithm)) throw badKey("not-for-algorithm");
  return undefined;
}

/** The same, with PEM read at once. Throws `identity/bad-key`. */
export function jwkOfSync(
  engine: JwtEngine,
  algorithm: JwtAlgorithm,
  key: JwtKey,
  half: Half,
): Jwk {
  const jwk = jwkAtHand(algorithm, key);
  if (jwk !== undefined || !("pem" in key)) return jwk as Jwk;
  try {
    return bare(engine.jwkOfPem(key.pem, half));
  } catch (cause) {
    throw badKey("pem", cause);
  }
}

/** The same, with PEM read by the platform. Throws `identity/bad-key`. */
export async function jwkOf(algorithm: JwtAlgorithm, key: JwtKey, half: Half): Promise<Jwk> {
  const jwk = jwkAtHand(algorithm, key);
  if (jwk !== undefined || !("pem" in key) || isHmac(algorithm)) return jwk as Jwk;
  const label = half === "public" ? "PUBLIC KEY" : "PRIVATE KEY";
  const form = new RegExp(`-----BEGIN ${label}-----([^-]+)-----END ${label}-----`);
  const body = form.exec(key.pem)?.[1];
  if (body === undefined) throw badKey("pem");
  try {
    const [format, use] =
      half === "public" ? (["spki", "verify"] as const) : (["pkcs8", "sign"] as const);
    const der = fromBase64Url(
      body.replace(/\s+/g, "").replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
    );
    const params = importParams(algorithm);
    const imported = await crypto.subtle.importKey(format, der, params, true, [use]);
    return bare((await crypto.subtle.exportKey("jwk", imported)) as Jwk);
  } catch (cause) {
    throw badKey("pem", cause);
  }
}

/** PKCS #1 v1.5 or PSS with a salt of the hash's length (RFC 7518 sections 3.3 and 3.5). */
export async function rsaVerify(
  jwk: Jwk,
  algorithm: RsaAlgorithm,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const key = await importRsa(jwk, algorithm, "verify");
  const bytes = [Uint8Array.from(signature), Uint8Array.from(data)] as const;
  return crypto.subtle.verify(rsaParams(algorithm), key, ...bytes);
}

/** Throws `identity/bad-key`. */
export async function rsaSigner(
  jwk: Jwk,
  algorithm: RsaAlgorithm,
): Promise<(data: Uint8Array) => Promise<Uint8Array>> {
  const key = await importRsa(jwk, algorithm, "sign").catch((cause: unknown) => {
    throw badKey("unusable", cause);
  });
  return async (data) =>
    new Uint8Array(await crypto.subtle.sign(rsaParams(algorithm), key, Uint8Array.from(data)));
}

function importRsa(jwk: Jwk, algorithm: RsaAlgorithm, use: "sign" | "verify"): Promise<RsaKey> {
  return crypto.subtle.importKey("jwk", bare(jwk), importParams(algorithm), false, [use]);
}

type RsaKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

function rsaParams(algorithm: RsaAlgorithm): { name: string; saltLength: number } {
  const name = algorithm.startsWith("PS") ? "RSA-PSS" : "RSASSA-PKCS1-v1_5";
  return { name, saltLength: hashBytes(algorithm) };
}

function importParams(algorithm: Exclude<JwtAlgorithm, `HS${string}`>): ImportParams {
  if (algorithm === "EdDSA") return { name: "Ed25519" };
  if (isRsa(algorithm)) {
    return { name: rsaParams(algorithm).name, hash: `SHA-${algorithm.slice(2)}` };
  }
  return { name: "ECDSA", namedCurve: curves[algorithm].crv };
}

/** Without what the platform would compare with its own idea of the key's use. */
function bare(jwk: Jwk): Record<string, string> {
  const kept = Object.entries(jwk).filter(
    ([name, value]) => typeof value === "string" && !["alg", "use", "kid"].includes(name),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}
