import { readFileSync } from "node:fs";
import type { Clock } from "@coterie/base";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import { nodeJwtEngine as engine } from "@coterie/identity/jwt-engine";
import type { SlimIdentity } from "@coterie/identity/slim";
import {
  createJwtIdentitySync,
  createJwtVerifierSync,
  createStaticIdentitySync,
} from "@coterie/identity/slim/jwt";
import type {
  JwkSet,
  JwtAlgorithm as Algorithm,
  JwtKey,
  JwtKeys,
} from "@coterie/identity/slim/jwt";
import { tokenFromFile } from "@coterie/identity/token-file";
import { JwtAlgorithm, JwtKeyFormat } from "../api/config/auth.ts";
import type { ClientJwtAuth, JwtAuth, JwtKeyConfig } from "../api/config/auth.ts";
import type { Platform } from "../api/platform.ts";
import { SessionError } from "../errors.ts";

interface Parts {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
}

/** Identities as the bindings configure them: signed tokens by a key, or from a file (SID-06). Undefined for another kind. */
export function nodeIdentity(parts: Parts): NonNullable<Platform["identityOf"]> {
  return (config, kept) => {
    if (config.tag === "Jwt") return jwtIdentity(parts, config.inner.config, kept?.keys);
    if (config.tag !== "StaticJwt") return undefined;
    const { tokenFile } = config.inner.config;
    const source = tokenFromFile(tokenFile);
    return createStaticIdentitySync({ ...parts, source, first: readFileSync(tokenFile, "utf8") });
  };
}

/** Verifiers as the bindings configure them: by a key, a key set, or the issuer's own keys. Undefined for another kind. */
export function nodeVerifier(parts: Parts): NonNullable<Platform["verifierOf"]> {
  return (config) => {
    if (config.tag !== "Jwt") return undefined;
    const { key, issuer, audience, subject } = config.inner.config;
    const keys = keysOf(key, issuer);
    return createJwtVerifierSync({ ...parts, engine, keys, issuer, audience, subject });
  };
}

function jwtIdentity(
  parts: Parts,
  { key, duration, ...claims }: ClientJwtAuth,
  keys: KeyPair | undefined,
): SlimIdentity {
  const { subject, issuer, audience } = claims;
  if (key.tag !== "Encoding") throw bad("key");
  // SID-10: without one there is no app id
  if (subject === undefined) throw bad("subject");
  const { algorithm, format } = key.inner.key;
  if (format === JwtKeyFormat.Jwks) throw bad("format");
  return createJwtIdentitySync({
    ...parts,
    engine,
    algorithm: algorithmOf(algorithm),
    key: keyOf(key.inner.key),
    subject,
    issuer,
    audience,
    keys,
    lifetimeSeconds: Math.max(1, Math.floor(duration / 1000)),
  });
}

function keysOf(key: JwtAuth["key"], issuer: string | undefined): JwtKeys {
  if (key.tag === "Autoresolve") {
    // of an issuer that we name, not of whichever a token names
    if (issuer === undefined) throw bad("issuer");
    return { issuers: [issuer] };
  }
  if (key.tag !== "Decoding") throw bad("key");
  const { key: config } = key.inner;
  if (config.format === JwtKeyFormat.Jwks) return { keySet: json(textOf(config)) as JwkSet };
  return { algorithm: algorithmOf(config.algorithm), key: keyOf(config) };
}

/** As natives read it: the HS algorithms take the text of a "PEM" key for the secret. */
function keyOf(config: JwtKeyConfig): JwtKey {
  const text = textOf(config);
  if (config.format === JwtKeyFormat.Jwk) return { jwk: json(text) as object };
  return algorithmOf(config.algorithm).startsWith("HS") ? { secret: text } : { pem: text };
}

function textOf({ key }: JwtKeyConfig): string {
  return key.tag === "Data" ? key.inner.value : readFileSync(key.inner.path, "utf8");
}

function algorithmOf(algorithm: JwtAlgorithm): Algorithm {
  const name = Object.entries(JwtAlgorithm).find(([, value]) => value === algorithm)?.[0];
  if (name === undefined) throw bad("algorithm");
  return name === "EdDsa" ? "EdDSA" : (name.toUpperCase() as Algorithm);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw bad("key");
  }
}

function bad(what: string): SessionError {
  return new SessionError("session/bad-identity", { what });
}
