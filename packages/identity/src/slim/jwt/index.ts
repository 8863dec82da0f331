// Identities by signed tokens: JSON Web Tokens and SPIFFE.
export { createJwtIdentity } from "./identity.ts";
export type { JwtIdentityOptions } from "./identity.ts";
export { createJwtVerifier } from "./verifier.ts";
export type { JwtKeys, JwtVerifierOptions } from "./verifier.ts";
export type { RemoteKeysOptions } from "./remote-keys.ts";
export type { JsonFetch } from "./fetch-json.ts";
export type { Jwk, JwkSet, JwtAlgorithm, JwtKey } from "./algorithms.ts";
export { createStaticIdentity } from "../static-token.ts";
export type { StaticIdentityOptions } from "../static-token.ts";
export { createSpiffeIdentity, createSpiffeVerifier } from "../spiffe.ts";
export type { SpiffeSource } from "../spiffe.ts";
