import { fromBase64Url, fromUtf8, toBase64Url, toUtf8 } from "@coterie/base";
import { decompressP256 } from "@coterie/crypto";
import type { CryptoProvider } from "@coterie/crypto";

/** A controller's word that an app moderates a channel (SCT-26). */
export interface Grant {
  /** `org/ns/channel`. */
  readonly channel: string;
  /** The app's full name. */
  readonly moderator: string;
  /** All names that may moderate, in the order in which they take over; the moderator first (SCT-32). */
  readonly moderators: readonly string[];
  /** The controller's base id. */
  readonly controller: string;
  /** Unix seconds. */
  readonly issuedAt: number;
  /** Absent: until the channel is deleted. */
  readonly expiresAt?: number | undefined;
  /** What the controller may ask of the channel. */
  readonly ops: readonly string[];
}

/** Where a session's metadata carries the grant. */
export const grantKey = "slim.grant";
const maxGrant = 16_384;

/** The token: what it says, in base64url, a point, and a signature over what was signed of it by the controller's identity key. */
export function signGrant(crypto: CryptoProvider, privateKey: Uint8Array, grant: Grant): string {
  const said = toUtf8(
    JSON.stringify({
      v: 1,
      channel: grant.channel,
      moderator: grant.moderator,
      moderators: grant.moderators,
      controller: grant.controller,
      iat: grant.issuedAt,
      exp: grant.expiresAt,
      ops: grant.ops,
    }),
  );
  return `${toBase64Url(said)}.${toBase64Url(crypto.sign("p256", privateKey, said))}`;
}

/** What a token says, if this key has signed it; whether it holds now and for whom is the caller's to see. */
export function verifyGrant(
  crypto: CryptoProvider,
  publicKey: Uint8Array,
  token: string,
): Grant | undefined {
  const parts = split(token);
  if (parts === undefined) return undefined;
  const point = decompressP256(publicKey);
  if (point === undefined || !crypto.verify("p256", point, parts.said, parts.signature)) {
    return undefined;
  }
  return readGrant(token);
}

/** What a token says, whoever has signed it: for those who have no key to ask, and for display. */
export function readGrant(token: string): Grant | undefined {
  const said = split(token)?.said;
  let value: unknown;
  try {
    value = said && JSON.parse(fromUtf8(said));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { v, channel, moderator, moderators, controller, iat, exp, ops } = value as Record<
    string,
    unknown
  >;
  if (v !== 1 || !isText(channel) || !isText(moderator) || !isText(controller)) return undefined;
  if (!isSeconds(iat) || (exp !== undefined && !isSeconds(exp)) || !isTexts(ops)) return undefined;
  return {
    channel,
    moderator,
    moderators: isTexts(moderators) ? moderators : [moderator],
    controller,
    issuedAt: iat,
    expiresAt: exp,
    ops,
  };
}

function split(token: string): { said: Uint8Array; signature: Uint8Array } | undefined {
  const [said, signature, more] = token.length > maxGrant ? [] : token.split(".");
  if (said === undefined || signature === undefined || more !== undefined) return undefined;
  try {
    return { said: fromBase64Url(said), signature: fromBase64Url(signature) };
  } catch {
    return undefined;
  }
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isSeconds = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
