import { fromBase64Url, fromHex, toBase64Url, toUtf8 } from "@coterie/base";
import type { Clock, InboxId, InstallationId } from "@coterie/base";
import { type CryptoProvider, type KeyPair, labels } from "@coterie/crypto";
import type { AssociationState } from "../association.ts";
import { IdentityError } from "../errors.ts";
import { installationMember, memberKey } from "../identifiers.ts";
import type { Installation } from "../installation.ts";
import {
  attempt,
  badToken,
  claimsOf,
  maxTokenLength,
  publicKeyOf,
  reuseSeconds,
  secondsOf,
  skewSeconds,
  toBase64,
} from "./claims.ts";
import { createRemembered } from "./remembered.ts";
import { baseIdOf, randomSuffix } from "./shared-secret.ts";
import type { SlimIdentity, SlimVerifier, VerifiedToken } from "./token.ts";

/** Of one token, as with shared secrets (SID-03). */
const validitySeconds = 3600;
/** First of the three parts of such a token, which are joined by dots. */
const form = "inbox1";

/**
 * A SLIM identity of an XMTP inbox: one of its installations signs for the session's key, so that a person is the same in both worlds (SID-08: the
 * base id is the inbox id). Apps of others do not know this kind of token. `tokenId` and `keys` bring one back that was stored.
 */
export function createInboxIdentity(options: {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly inboxId: InboxId;
  readonly installation: Installation;
  readonly tokenId?: string | undefined;
  readonly keys?: KeyPair | undefined;
}): SlimIdentity {
  const { crypto, clock, inboxId, installation } = options;
  const tokenId = options.tokenId ?? `${inboxId}_${randomSuffix(crypto)}`;
  if (baseIdOf(tokenId) !== inboxId) throw new IdentityError("identity/bad-identifier");
  const keys = options.keys ?? crypto.generateSigner("p256");
  const context = toUtf8(labels.slimInboxToken);
  let minted: { readonly token: string; readonly at: number } | undefined;
  return {
    tokenId,
    keys,
    token() {
      const now = secondsOf(clock);
      // SID-04; a clock that went back must not make an old token look new
      if (minted === undefined || now < minted.at || now - minted.at >= reuseSeconds) {
        const claims = {
          sub: tokenId,
          installation: installation.id,
          iat: now,
          exp: now + validitySeconds,
          pubkey: toBase64(keys.publicKey),
        };
        const signed = `${form}.${toBase64Url(toUtf8(JSON.stringify(claims)))}`;
        const signature = crypto.ed25519phSign(installation.privateKey, toUtf8(signed), context);
        minted = { token: `${signed}.${toBase64Url(signature)}`, at: now };
      }
      return minted.token;
    },
  };
}

export interface InboxVerifierOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  /** The inbox as its log has it now; undefined where there is none. */
  readonly lookup: (inboxId: InboxId) => Promise<AssociationState | undefined>;
  /** How long a state is believed before it is looked up again, and so how soon a revoked installation is out; default 60. */
  readonly maxAgeSeconds?: number | undefined;
}

interface Claimed {
  readonly token: VerifiedToken;
  readonly installation: InstallationId;
  readonly issuedAt: number;
}

/** Believes the installations of inboxes, as long as the inbox has them. */
export function createInboxVerifier(options: InboxVerifierOptions): SlimVerifier {
  const { crypto, clock, lookup, maxAgeSeconds = 60 } = options;
  const signed = createRemembered<Claimed>(1024);
  const states = createRemembered<{
    readonly state: AssociationState | undefined;
    readonly at: number;
  }>(4096);
  const asking = new Map<string, Promise<void>>();

  const claimed = (text: string): Claimed => {
    const known = signed.get(text) ?? read(crypto, text);
    signed.set(text, known);
    return known;
  };
  const stateOf = (inboxId: string) => {
    const held = states.get(inboxId);
    const fresh = held !== undefined && Math.abs(secondsOf(clock) - held.at) <= maxAgeSeconds;
    return fresh ? held : undefined;
  };
  const ask = async (inboxId: InboxId): Promise<void> => {
    try {
      states.set(inboxId, { state: await lookup(inboxId), at: secondsOf(clock) });
    } catch {
      // verify() says that the state is missing, and the next message asks again
    } finally {
      asking.delete(inboxId);
    }
  };

  return {
    prepare(text) {
      let inboxId: InboxId;
      try {
        // first the signature: whoever cannot sign makes us look up nothing
        inboxId = claimed(text).token.baseId as InboxId;
      } catch {
        return undefined;
      }
      if (stateOf(inboxId) !== undefined) return undefined;
      const running = asking.get(inboxId) ?? ask(inboxId);
      if (!asking.has(inboxId)) asking.set(inboxId, running);
      return running;
    },
    verify(text) {
      const { token, installation, issuedAt } = claimed(text);
      const now = secondsOf(clock);
      if (issuedAt > now + skewSeconds) throw badToken("from-the-future");
      if (now > token.expiresAt || now - issuedAt > validitySeconds) throw badToken("expired");
      const held = stateOf(token.baseId);
      if (held === undefined) throw badToken("not-prepared");
      const member = memberKey(installationMember(installation));
      if (held.state?.inboxId !== token.baseId || !held.state.members.has(member)) {
        throw badToken("not-an-installation");
      }
      return token;
    },
  };
}

function read(crypto: CryptoProvider, text: string): Claimed {
  if (text.length > maxTokenLength) throw badToken("too-long");
  const [kind, body = "", tag = "", ...more] = text.split(".");
  if (kind !== form || more.length > 0) throw badToken("form");
  const claims = claimsOf(body);
  const { sub, installation, iat, exp } = claims;
  if (typeof sub !== "string" || typeof installation !== "string") throw badToken("claims");
  if (!Number.isSafeInteger(iat) || !Number.isSafeInteger(exp)) throw badToken("claims");
  const baseId = baseIdOf(sub);
  if (!/^[0-9a-f]{64}_[A-Za-z0-9]{8}$/.test(sub) || !/^[0-9a-f]{64}$/.test(installation)) {
    throw badToken("claims");
  }
  const signature = attempt(() => fromBase64Url(tag));
  const data = toUtf8(`${form}.${body}`);
  const context = toUtf8(labels.slimInboxToken);
  if (!crypto.ed25519phVerify(fromHex(installation), data, context, signature)) {
    throw badToken("signature");
  }
  const publicKey = publicKeyOf(claims);
  if (publicKey === undefined) throw badToken("claims");
  return {
    token: { tokenId: sub, baseId, expiresAt: exp as number, publicKey },
    installation: installation as InstallationId,
    issuedAt: iat as number,
  };
}
