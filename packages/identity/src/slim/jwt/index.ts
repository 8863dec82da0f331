// Identities by signed tokens: JSON Web Tokens and SPIFFE.
export { createJwtIdentity, createJwtIdentitySync } from "./identity.ts";
export type { FetchAnswer } from "../../fetch-port.ts";
export type { JwtIdentityOptions } from "./identity.ts";
export { createJwtVerifier, createJwtVerifierSync } from "./verifier.ts";
export type { JwtKeys, JwtVerifierOptions } from "./verifier.ts";
export type { RemoteKeysOptions } from "./remote-keys.ts";
export type { JwtEngine } from "./engine.ts";
export type { JsonFetch } from "./fetch-json.ts";
export type { Jwk, JwkSet, JwtAlgorithm, JwtKey } from "./algorithms.ts";
export { createStaticIdentity, createStaticIdentitySync } from "../static-token.ts";
export type { StaticIdentityOptions } from "../static-token.ts";
export { createSpiffeIdentity, createSpiffeVerifier } from "../spiffe.ts";
export type { SpiffeSource } from "../spiffe.ts";
