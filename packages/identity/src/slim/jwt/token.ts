import { fromBase64Url, toUtf8 } from "@coterie/base";
import { attempt, badToken, claimsOf, maxTokenLength } from "../claims.ts";
import type { Claims } from "../claims.ts";
import { curves, hmacAlgorithms, rsaAlgorithms } from "./algorithms.ts";
import type { JwtAlgorithm } from "./algorithms.ts";

/** A signed token (RFC 7519, compact form of RFC 7515), read and not yet believed. */
export interface UnverifiedJwt {
  readonly algorithm: JwtAlgorithm;
  readonly keyId: string | undefined;
  readonly claims: Claims;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

const known: ReadonlySet<string> = new Set([
  ...Object.keys(curves),
  "EdDSA",
  ...hmacAlgorithms,
  ...rsaAlgorithms,
]);

/** Throws `identity/bad-token`. */
export function parseJwt(token: string): UnverifiedJwt {
  if (token.length > maxTokenLength) throw badToken("too-long");
  const parts = token.split(".");
  const [head = "", body = "", tag = ""] = parts;
  if (parts.length !== 3 || tag === "") throw badToken("form");
  const header = claimsOf(head);
  const { alg, kid } = header as { readonly alg?: unknown; readonly kid?: unknown };
  // `none` among them: a token without a signature says nothing
  if (typeof alg !== "string" || !known.has(alg)) throw badToken("algorithm");
  // extensions that must be understood: we understand none (RFC 7515 section 4.1.11)
  if ("crit" in header) throw badToken("critical");
  return {
    algorithm: alg as JwtAlgorithm,
    keyId: typeof kid === "string" ? kid : undefined,
    claims: claimsOf(body),
    signed: toUtf8(`${head}.${body}`),
    signature: attempt(() => fromBase64Url(tag)),
  };
}
