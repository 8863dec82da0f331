import { toBase64Url, toUtf8 } from "@coterie/base";
import type { Clock } from "@coterie/base";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import { IdentityError } from "../../errors.ts";
import { reuseSeconds, secondsOf, toBase64 } from "../claims.ts";
import type { Claims } from "../claims.ts";
import { createRenewed } from "../renewed.ts";
import type { SlimIdentity } from "../token.ts";
import type { JwtAlgorithm, JwtKey } from "./algorithms.ts";
import type { JwtEngine } from "./engine.ts";
import { importSigningKey, importSigningKeySync } from "./signing-key.ts";

export interface JwtIdentityOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly algorithm: JwtAlgorithm;
  /** The private key, or the secret. */
  readonly key: JwtKey;
  /** The token id. One for each running instance: two with the same subject get the same app id (SID-10). */
  readonly subject: string;
  readonly issuer?: string | undefined;
  readonly audience?: readonly string[] | undefined;
  /** Of each token; default 3600. Members who cannot renew their MLS credential fall out of a group when it ends (SML-22). */
  readonly lifetimeSeconds?: number | undefined;
  /** `kid`; default the subject, as released apps do. */
  readonly keyId?: string | undefined;
  /** More claims. */
  readonly claims?: Claims | undefined;
  /** What commands and MLS are signed with; default a new pair. */
  readonly keys?: KeyPair | undefined;
}

/**
 * An identity that signs its own tokens (SID-06). ES256 is what to use where nothing else is asked for (SID-09). Throws `identity/bad-key` or
 * `identity/bad-identifier`.
 */
export async function createJwtIdentity(options: JwtIdentityOptions): Promise<SlimIdentity> {
  const { crypto, clock } = options;
  const { keys, unsigned } = claimsBy(options);
  const signer = await importSigningKey(crypto, options.algorithm, options.key);
  if (signer.kind === "now") return signing(options, keys, unsigned, signer.sign);
  const renewed = createRenewed({
    clock,
    get: async () => {
      const text = unsigned(secondsOf(clock));
      return joined(text, await signer.sign(toUtf8(text)));
    },
  });
  await renewed.prepare();
  return { tokenId: options.subject, keys, ...renewed };
}

/** The same at once. Throws `identity/bad-key` or `identity/bad-identifier`. */
export function createJwtIdentitySync(
  options: JwtIdentityOptions & { readonly engine: JwtEngine },
): SlimIdentity {
  const { crypto, algorithm, key, engine } = options;
  const { keys, unsigned } = claimsBy(options);
  return signing(options, keys, unsigned, importSigningKeySync(crypto, algorithm, key, engine));
}

const defaultLifetime = 3_600;

type Unsigned = (now: number) => string;

function signing(
  { clock, subject, lifetimeSeconds = defaultLifetime }: JwtIdentityOptions,
  keys: KeyPair,
  unsigned: Unsigned,
  sign: (data: Uint8Array) => Uint8Array,
): SlimIdentity {
  let minted: { readonly token: string; readonly at: number } | undefined;
  // SID-04, and no longer than renewed tokens are
  const reusable = Math.min(reuseSeconds, (2 / 3) * lifetimeSeconds);
  return {
    tokenId: subject,
    keys,
    token() {
      const now = secondsOf(clock);
      // a clock that went back must not make an old token look new
      const young = minted !== undefined && now >= minted.at && now - minted.at < reusable;
      if (minted === undefined || !young) {
        const text = unsigned(now);
        minted = { token: joined(text, sign(toUtf8(text))), at: now };
      }
      return minted.token;
    },
  };
}

function claimsBy(options: JwtIdentityOptions): {
  readonly keys: KeyPair;
  readonly unsigned: Unsigned;
} {
  const { crypto, subject, issuer, audience, lifetimeSeconds = defaultLifetime } = options;
  if (subject === "" || subject.length > 1024) throw new IdentityError("identity/bad-identifier");
  const keys = options.keys ?? crypto.generateSigner("p256");
  const header = toBase64Url(
    toUtf8(JSON.stringify({ alg: options.algorithm, typ: "JWT", kid: options.keyId ?? subject })),
  );
  const unsigned = (now: number): string => {
    const claims = {
      ...options.claims,
      ...(issuer === undefined ? {} : { iss: issuer }),
      sub: subject,
      // always a list: released apps read no other form
      ...(audience === undefined ? {} : { aud: audience }),
      iat: now,
      nbf: now,
      exp: now + lifetimeSeconds,
      custom_claims: { pubkey: toBase64(keys.publicKey) },
    };
    return `${header}.${toBase64Url(toUtf8(JSON.stringify(claims)))}`;
  };
  return { keys, unsigned };
}

function joined(text: string, tag: Uint8Array): string {
  return `${text}.${toBase64Url(tag)}`;
}
