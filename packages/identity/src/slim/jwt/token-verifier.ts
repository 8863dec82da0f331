import type { Clock } from "@coterie/base";
import type { IdentityError } from "../../errors.ts";
import { badToken, secondsOf } from "../claims.ts";
import type { Claims } from "../claims.ts";
import { createRemembered } from "../remembered.ts";
import type { SlimVerifier, VerifiedToken } from "../token.ts";
import type { KeySource, KeyWanted } from "./key-source.ts";
import { parseJwt } from "./token.ts";
import type { UnverifiedJwt } from "./token.ts";

interface Parts {
  readonly clock: Clock;
  readonly source: KeySource;
  readonly skew: number;
  /** What the claims say, or `identity/bad-token`. */
  readonly read: (jwt: UnverifiedJwt) => VerifiedToken;
  /** What the source is asked for. */
  readonly wanted: (jwt: UnverifiedJwt) => KeyWanted;
}

interface Believed {
  readonly token: VerifiedToken;
  readonly notBefore: number;
  readonly wanted: KeyWanted;
  readonly generation: number;
}

/**
 * Believes signed tokens, as long as the keys that it believed them by. A signature is checked at once where that can be done (so that a token
 * inside a message needs no preparation), else in `prepare`, which also fetches keys.
 */
export function createTokenVerifier({ clock, source, skew, read, wanted }: Parts): SlimVerifier {
  const believed = createRemembered<Believed>(1024);
  const refused = createRemembered<{ readonly why: unknown; readonly generation: number }>(256);

  const inTime = ({ token, notBefore }: Believed): VerifiedToken => {
    const now = secondsOf(clock);
    if (now > token.expiresAt + skew) throw badToken("expired");
    if (now < notBefore - skew) throw badToken("from-the-future");
    return token;
  };
  const remembered = <T extends { readonly generation: number }>(judged: T | undefined) =>
    judged?.generation === source.generation ? judged : undefined;
  /** `generation`: of the keys that it was verified by. */
  const believe = (text: string, jwt: UnverifiedJwt, generation = source.generation): Believed => {
    const notBefore = Math.max(momentOf(jwt.claims, "nbf"), momentOf(jwt.claims, "iat"));
    const judged = { token: read(jwt), notBefore, wanted: wanted(jwt), generation };
    believed.set(text, judged);
    return judged;
  };
  const reasonOf = (jwt: UnverifiedJwt): IdentityError =>
    badToken(source.find(wanted(jwt)).length === 0 ? "unknown-key" : "signature");
  /** Undefined where it takes a promise. */
  const signedNow = (jwt: UnverifiedJwt): boolean | undefined => {
    const keys = source.find(wanted(jwt));
    const { algorithm, signed, signature } = jwt;
    if (keys.some((key) => key.verify?.(algorithm, signed, signature) === true)) return true;
    return keys.some((key) => key.verify === undefined) ? undefined : false;
  };
  const signedLater = async (jwt: UnverifiedJwt): Promise<boolean> => {
    for (const key of source.find(wanted(jwt))) {
      if (await key.verifyLater(jwt.algorithm, jwt.signed, jwt.signature)) return true;
    }
    return false;
  };
  const judgeLater = async (text: string, jwt: UnverifiedJwt): Promise<void> => {
    if (source.isOld(wanted(jwt))) await source.load(wanted(jwt));
    let { generation } = source;
    let signed = await signedLater(jwt);
    const loading = signed ? undefined : source.load(wanted(jwt));
    if (loading !== undefined) {
      await loading;
      ({ generation } = source);
      signed = await signedLater(jwt);
    }
    try {
      if (!signed) throw reasonOf(jwt);
      believe(text, jwt, generation);
    } catch (why) {
      refused.set(text, { why, generation });
    }
  };

  return {
    prepare(text) {
      let jwt: UnverifiedJwt;
      try {
        const judged = remembered(believed.get(text));
        if (judged !== undefined && !source.isOld(judged.wanted)) return undefined;
        jwt = parseJwt(text);
        const asked = wanted(jwt);
        if (!source.isOld(asked) && signedNow(jwt) === true) {
          believe(text, jwt);
          return undefined;
        }
        // refused before, and no new keys to be had
        if (remembered(refused.get(text)) !== undefined && source.load(asked) === undefined) {
          return undefined;
        }
      } catch {
        return undefined;
      }
      return judgeLater(text, jwt);
    },
    verify(text) {
      const judged = remembered(believed.get(text));
      // keys that could not be had for too long are none any more
      if (judged !== undefined && source.find(judged.wanted).length > 0) return inTime(judged);
      const why = remembered(refused.get(text))?.why;
      if (why !== undefined) throw why;
      const jwt = parseJwt(text);
      const signed = signedNow(jwt);
      if (signed === undefined) throw badToken("not-prepared");
      if (!signed) throw reasonOf(jwt);
      return inTime(believe(text, jwt));
    },
  };
}

/** Seconds, or the beginning of time for a claim that is absent. */
function momentOf(claims: Claims, name: "nbf" | "iat"): number {
  const value = claims[name];
  if (value === undefined) return 0;
  if (typeof value !== "number" || !Number.isFinite(value)) throw badToken("claims");
  return value;
}
