import { equalConstantTime, fromBase64Url, toBase64Url, toUtf8 } from "@coterie/base";
import type { Clock } from "@coterie/base";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import { IdentityError } from "../errors.ts";
import {
  attempt,
  badToken as bad,
  claimsOf,
  maxTokenLength,
  publicKeyOf,
  reuseSeconds,
  secondsOf,
  skewSeconds,
  toBase64,
} from "./claims.ts";
import type { SlimIdentity, SlimVerifier, VerifiedToken } from "./token.ts";

/** How long a token is good for (SID-03). */
const validitySeconds = 3600;
const suffixLength = 8;
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export interface SharedSecretOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  /** At least 32 bytes of UTF-8 (SID-02). Whoever knows it can be anybody (SID-09). */
  readonly secret: string;
}

/**
 * An identity that everyone who knows the secret believes (SID-01). `baseId` is `org/namespace/app`: not empty, no colon, no white space.
 * `tokenId` and `keys` bring one back that was stored. Throws `identity/bad-secret` or `identity/bad-identifier`.
 */
export function createSharedSecretIdentity(
  options: SharedSecretOptions & {
    readonly baseId: string;
    readonly tokenId?: string | undefined;
    readonly keys?: KeyPair | undefined;
  },
): SlimIdentity {
  const { crypto, clock, baseId } = options;
  const secret = secretBytes(options.secret);
  if (!/^[^:\s]+$/.test(baseId)) throw new IdentityError("identity/bad-identifier");
  const tokenId = options.tokenId ?? `${baseId}_${randomSuffix(crypto)}`;
  if (baseIdOf(tokenId) !== baseId) throw new IdentityError("identity/bad-identifier");
  const keys = options.keys ?? crypto.generateSigner("p256");
  const claims = toBase64Url(toUtf8(JSON.stringify({ pubkey: toBase64(keys.publicKey) })));
  let minted: { readonly token: string; readonly at: number } | undefined;

  return {
    tokenId,
    keys,
    token() {
      const now = secondsOf(clock);
      // a clock that went back must not make an old token look new
      if (minted !== undefined && now >= minted.at && now - minted.at < reuseSeconds) {
        return minted.token;
      }
      const nonce = toBase64Url(crypto.bytes(12));
      const signed = `${tokenId}:${now}:${nonce}:${claims}`;
      const mac = crypto.hmac("sha256", secret, toUtf8(signed));
      minted = { token: `${signed}:${toBase64Url(mac)}`, at: now };
      return minted.token;
    },
  };
}

/** Believes the tokens of everyone who knows the secret (SID-03), and remembers what it verified until it expires. */
export function createSharedSecretVerifier(options: SharedSecretOptions): SlimVerifier {
  const { crypto, clock } = options;
  const secret = secretBytes(options.secret);
  const known = new Map<string, VerifiedToken & { readonly issuedAt: number }>();
  const remembered = 1024;

  return {
    verify(token) {
      const now = secondsOf(clock);
      let verified = known.get(token);
      if (verified === undefined) {
        verified = read(crypto, secret, token);
        if (known.size >= remembered) known.delete(known.keys().next().value as string);
        known.set(token, verified);
      }
      if (verified.issuedAt > now + skewSeconds) throw bad("from-the-future");
      if (now - verified.issuedAt > validitySeconds) {
        known.delete(token);
        throw bad("expired");
      }
      return verified;
    },
  };
}

/** `<base id>_<8 letters or digits>`, or the whole where it does not end so. */
export function baseIdOf(tokenId: string): string {
  return tokenId.replace(/_[A-Za-z0-9]{8}$/, "");
}

function read(
  crypto: CryptoProvider,
  secret: Uint8Array,
  token: string,
): VerifiedToken & { readonly issuedAt: number } {
  if (token.length > maxTokenLength) throw bad("too-long");
  const fields = token.split(":");
  const [tokenId = "", time = "", , claims = "", mac = ""] = fields;
  if (fields.length !== 5 || tokenId === "" || !/^\d{1,11}$/.test(time)) throw bad("form");
  const expected = crypto.hmac("sha256", secret, toUtf8(token.slice(0, token.lastIndexOf(":"))));
  if (
    !equalConstantTime(
      expected,
      attempt(() => fromBase64Url(mac)),
    )
  )
    throw bad("mac");
  const issuedAt = Number(time);
  return {
    tokenId,
    baseId: baseIdOf(tokenId),
    issuedAt,
    expiresAt: issuedAt + validitySeconds,
    publicKey: claims === "" ? undefined : publicKeyOf(claimsOf(claims)),
  };
}

/** Eight letters or digits, each as likely as any other. */
export function randomSuffix(crypto: CryptoProvider): string {
  let suffix = "";
  while (suffix.length < suffixLength) {
    for (const byte of crypto.bytes(2 * suffixLength)) {
      if (suffix.length < suffixLength && byte < 4 * letters.length) {
        suffix += letters[byte % letters.length];
      }
    }
  }
  return suffix;
}

function secretBytes(secret: string): Uint8Array {
  const bytes = toUtf8(secret);
  if (bytes.length < 32) throw new IdentityError("identity/bad-secret");
  return bytes;
}
