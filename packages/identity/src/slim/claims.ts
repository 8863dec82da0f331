import { fromBase64Url, fromUtf8, toBase64Url } from "@coterie/base";
import type { Clock } from "@coterie/base";
import { IdentityError } from "../errors.ts";

/** How far ahead of ours the clock of a token's maker may be (SID-03). */
export const skewSeconds = 5;
/** SID-04. */
export const reuseSeconds = 60;
/** In characters. A token stands in every message, so an honest one is far shorter. */
export const maxTokenLength = 8192;

export type Claims = Readonly<Record<string, unknown>>;

/** The JSON object in a base64url part of a token; throws `identity/bad-token` of reason `form`. */
export function claimsOf(part: string): Claims {
  const claims = attempt(() => JSON.parse(fromUtf8(fromBase64Url(part))) as unknown);
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) {
    throw badToken("claims");
  }
  return claims as Claims;
}

/** SID-05: `pubkey` at the top, else among the custom claims. */
export function publicKeyOf(claims: Claims): Uint8Array | undefined {
  const custom = claims["custom_claims"] as { readonly pubkey?: unknown } | null | undefined;
  const text = claims["pubkey"] ?? custom?.pubkey;
  if (text === undefined) return undefined;
  if (typeof text !== "string") throw badToken("claims");
  return attempt(() =>
    fromBase64Url(text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")),
  );
}

/** SID-05: who a token is about. */
export function subjectOf(claims: Claims): string {
  const subject = claims["sub"] ?? claims["id"];
  if (typeof subject !== "string" || subject === "" || subject.length > 1024) {
    throw badToken("subject");
  }
  return subject;
}

/** Standard base64 with padding, as claims carry keys. */
export function toBase64(bytes: Uint8Array): string {
  const url = toBase64Url(bytes);
  return url.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (url.length % 4)) % 4);
}

export function secondsOf(clock: Clock): number {
  return Number(clock.nowNs() / 1_000_000_000n);
}

/** Malformed text is a bad token of reason `form`. */
export function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new IdentityError("identity/bad-token", { reason: "form" }, cause);
  }
}

export function badToken(reason: string): IdentityError {
  return new IdentityError("identity/bad-token", { reason });
}
