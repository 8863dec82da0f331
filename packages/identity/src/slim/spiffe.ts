import { fromBase64Url, fromUtf8, toUtf8 } from "@coterie/base";
import type { Clock } from "@coterie/base";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import { badToken, publicKeyOf, skewSeconds, subjectOf, toBase64 } from "./claims.ts";
import type { Claims } from "./claims.ts";
import type { JwkSet } from "./jwt/algorithms.ts";
import { isHmac } from "./jwt/algorithms.ts";
import { pick, readKeySet } from "./jwt/key-source.ts";
import { refreshedKeys } from "./jwt/refreshed-keys.ts";
import { createTokenVerifier } from "./jwt/token-verifier.ts";
import { audiencesOf, expiryOf } from "./jwt/verifier.ts";
import { createRenewed, unverifiedClaims } from "./renewed.ts";
import type { SlimIdentity, SlimVerifier } from "./token.ts";

/** Where SPIFFE documents come from: an agent's Workload API, or whatever stands in for it. */
export interface SpiffeSource {
  /** A JWT-SVID for these audiences. */
  fetchJwtSvid(audiences: readonly string[]): Promise<string>;
  /** The key sets of the trust domains that are believed, by the domain's name. */
  fetchJwtBundles(): Promise<ReadonlyMap<string, JwkSet>>;
}

/** What released apps put before the claims that they hide in an audience. */
const claimsPrefix = "slim-claims:";

/**
 * An identity that an agent vouches for (SID-06). An SVID has no claims of ours, so the public key travels in an entry of its audiences. Throws
 * `identity/no-token`.
 */
export async function createSpiffeIdentity(options: {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly source: SpiffeSource;
  readonly audiences: readonly string[];
  readonly keys?: KeyPair | undefined;
}): Promise<SlimIdentity> {
  const { crypto, clock, source, audiences } = options;
  const keys = options.keys ?? crypto.generateSigner("p256");
  const claims = JSON.stringify({ pubkey: toBase64(keys.publicKey) });
  const asked = [...audiences, `${claimsPrefix}${toBase64(toUtf8(claims))}`];
  const renewed = createRenewed({ clock, get: () => source.fetchJwtSvid(asked) });
  await renewed.prepare();
  return { tokenId: subjectOf(unverifiedClaims(renewed.token())), keys, ...renewed };
}

/** Believes the SVIDs of the trust domains whose bundles the source gives, for one of our audiences. */
export function createSpiffeVerifier(options: {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly source: SpiffeSource;
  readonly audiences: readonly string[];
  /** How long bundles serve; default 300. */
  readonly maxAgeSeconds?: number | undefined;
}): SlimVerifier {
  const { crypto, clock, audiences, source, maxAgeSeconds = 300 } = options;
  const bundles = refreshedKeys({ clock, maxAgeSeconds }, async () => {
    const sets = [...(await source.fetchJwtBundles())].map(
      ([domain, set]) => [domain, readKeySet(crypto, tokenKeys(set))] as const,
    );
    const byDomain = new Map(sets);
    return (wanted) => pick(byDomain.get(wanted.issuer ?? "") ?? [], wanted);
  });
  return createTokenVerifier({
    clock,
    source: bundles,
    skew: skewSeconds,
    read({ claims, algorithm }) {
      if (isHmac(algorithm)) throw badToken("algorithm");
      const named = audiencesOf(claims);
      if (!named.some((name) => audiences.includes(name))) throw badToken("audience");
      const tokenId = subjectOf(claims);
      trustDomainOf(claims);
      const hidden = Object.assign({}, ...named.map(hiddenClaims)) as Claims;
      const publicKey = publicKeyOf({ custom_claims: hidden });
      return { tokenId, baseId: tokenId, expiresAt: expiryOf(claims), publicKey };
    },
    wanted: ({ algorithm, keyId, claims }) => ({
      algorithm,
      keyId,
      issuer: trustDomainOf(claims),
    }),
  });
}

/** `spiffe://<trust domain>/<path>` (SPIFFE ID, section 2): whose keys are asked for. */
function trustDomainOf(claims: Claims): string {
  const domain = /^spiffe:\/\/([a-z0-9._-]{1,255})(?:\/|$)/.exec(subjectOf(claims))?.[1];
  if (domain === undefined) throw badToken("subject");
  return domain;
}

/** A bundle marks the keys for tokens in its own way, beside those for certificates (SPIFFE bundles, section 4.2.2). */
function tokenKeys({ keys }: JwkSet): JwkSet {
  const ours = keys.filter(({ use }) => use === "jwt-svid" || use === undefined);
  return { keys: ours.map((key) => Object.assign({}, key, { use: "sig" })) };
}

function hiddenClaims(audience: string): unknown {
  if (!audience.startsWith(claimsPrefix)) return {};
  try {
    const text = audience.slice(claimsPrefix.length).replace(/=+$/, "");
    return JSON.parse(
      fromUtf8(fromBase64Url(text.replaceAll("+", "-").replaceAll("/", "_"))),
    ) as unknown;
  } catch {
    // an audience of somebody else that begins so
    return {};
  }
}
