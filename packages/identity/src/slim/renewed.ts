import type { Clock } from "@coterie/base";
import { IdentityError } from "../errors.ts";
import { claimsOf, maxTokenLength, reuseSeconds, secondsOf } from "./claims.ts";
import type { Claims } from "./claims.ts";

/** A token that comes from elsewhere, with a promise: the last one serves while the next is fetched. */
export interface Renewed {
  token(): string;
  /** Rejects with `identity/no-token` when there is none that can be used and none to be had. */
  prepare(): Promise<void> | undefined;
}

/** Asks again, while the token is used, when it is a minute old (SID-04) and at the latest when a third of its life is left. */
export function createRenewed(options: {
  readonly clock: Clock;
  readonly get: () => Promise<string> | string;
  /** A token to begin with. */
  readonly first?: string | undefined;
}): Renewed {
  const { clock, get, first } = options;
  const hold = (token: string) => {
    const { exp } = unverifiedClaims(token) as { readonly exp?: unknown };
    return { token, at: secondsOf(clock), until: typeof exp === "number" ? exp : Infinity };
  };
  let held = first === undefined ? undefined : hold(first.trim());
  let fetching: Promise<void> | undefined;
  let failedAt: number | undefined;

  const renew = (): Promise<void> => {
    fetching ??= (async () => {
      try {
        held = hold((await get()).trim());
        failedAt = undefined;
      } catch (cause) {
        failedAt = secondsOf(clock);
        throw new IdentityError("identity/no-token", undefined, cause);
      } finally {
        fetching = undefined;
      }
    })();
    return fetching;
  };
  const usable = (): boolean => held !== undefined && secondsOf(clock) < held.until;

  return {
    token() {
      if (held === undefined) throw new IdentityError("identity/no-token");
      const now = secondsOf(clock);
      const age = Math.abs(now - held.at);
      const life = held.until - held.at;
      // a source that fails is not asked again at each message
      const resting = failedAt !== undefined && Math.abs(now - failedAt) < 5;
      if (!resting && age >= Math.min(reuseSeconds, (2 / 3) * life)) {
        // whoever gets an expired token refuses it, and the next one is on its way
        renew().catch(() => undefined);
      }
      return held.token;
    },
    prepare: () => (usable() ? undefined : renew()),
  };
}

/** What a token says, believed by nobody. Throws `identity/bad-token`. */
export function unverifiedClaims(token: string): Claims {
  const parts = token.split(".");
  if (token.length > maxTokenLength || parts.length !== 3) {
    throw new IdentityError("identity/bad-token", { reason: "form" });
  }
  return claimsOf(parts[1] as string);
}
