import { equal } from "@coterie/base";
import type { Clock } from "@coterie/base";
import type { KeyPair } from "@coterie/crypto";
import { IdentityError } from "../errors.ts";
import { publicKeyOf, subjectOf } from "./claims.ts";
import { createRenewed, unverifiedClaims } from "./renewed.ts";
import type { Renewed } from "./renewed.ts";
import type { SlimIdentity } from "./token.ts";

export interface StaticIdentityOptions {
  readonly clock: Clock;
  /** The token of now; asked again, while it is used, each minute. `@coterie/identity/token-file` reads one from a file. */
  readonly source: () => Promise<string> | string;
  /** The key that the token names, where it names one. */
  readonly keys?: KeyPair | undefined;
}

/**
 * An identity whose tokens somebody else makes (SID-06). Without the key pair that its token names it can subscribe and nothing more: reading
 * its `keys` throws `identity/cannot-sign`. Throws `identity/no-token`, or `identity/bad-key` for a pair that the token does not name.
 */
export async function createStaticIdentity(options: StaticIdentityOptions): Promise<SlimIdentity> {
  const renewed = createRenewed({ clock: options.clock, get: options.source });
  await renewed.prepare();
  return identityOf(renewed, options.keys);
}

/** The same, with the first token at hand. Throws `identity/bad-token` or `identity/bad-key`. */
export function createStaticIdentitySync(
  options: StaticIdentityOptions & { readonly first: string },
): SlimIdentity {
  const { clock, source, first } = options;
  return identityOf(createRenewed({ clock, get: source, first }), options.keys);
}

function identityOf(renewed: Renewed, keys: KeyPair | undefined): SlimIdentity {
  const claims = unverifiedClaims(renewed.token());
  const named = publicKeyOf(claims);
  if (keys !== undefined && (named === undefined || !equal(named, keys.publicKey))) {
    throw new IdentityError("identity/bad-key", { reason: "not-named-by-token" });
  }
  return {
    tokenId: subjectOf(claims),
    get keys(): KeyPair {
      if (keys === undefined) throw new IdentityError("identity/cannot-sign");
      return keys;
    },
    ...renewed,
  };
}
