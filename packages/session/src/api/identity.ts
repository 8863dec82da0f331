import { CoterieError } from "@coterie/base";
import { createSharedSecretIdentity, createSharedSecretVerifier } from "@coterie/identity/slim";
import type { SlimIdentity, SlimVerifier } from "@coterie/identity/slim";
import { SessionError } from "../errors.ts";
import { IdentityProviderConfig, IdentityVerifierConfig } from "./config/identity.ts";
import type { NameLike } from "./name.ts";
import type { KeptIdentity, Platform, ProviderLike, VerifierLike } from "./platform.ts";

/** Throws `session/bad-identity`. */
export function identityOf(
  platform: Platform,
  provider: ProviderLike,
  kept?: KeptIdentity,
): SlimIdentity {
  if ("tokenId" in provider) return provider;
  return known("provider", provider.tag, () => {
    if (provider.tag !== "SharedSecret") return platform.identityOf?.(provider, kept);
    const { id, data } = provider.inner as { readonly id: string; readonly data: string };
    const { crypto, clock } = platform;
    return createSharedSecretIdentity({ crypto, clock, secret: data, baseId: id, ...kept });
  });
}

/** Throws `session/bad-identity`. */
export function verifierOf(platform: Platform, verifier: VerifierLike): SlimVerifier {
  if ("verify" in verifier) return verifier;
  return known("verifier", verifier.tag, () => {
    if (verifier.tag !== "SharedSecret") return platform.verifierOf?.(verifier);
    const { data } = verifier.inner as { readonly data: string };
    const { crypto, clock } = platform;
    return createSharedSecretVerifier({ crypto, clock, secret: data });
  });
}

/** Both sides of a secret that an app shares with others. */
export function sharedSecret(
  name: NameLike,
  secret: string,
): { readonly provider: IdentityProviderConfig; readonly verifier: IdentityVerifierConfig } {
  const inner = { id: name.components().join("/"), data: secret };
  return {
    provider: new IdentityProviderConfig.SharedSecret(inner),
    verifier: new IdentityVerifierConfig.SharedSecret(inner),
  };
}

function known<T>(what: string, kind: string, make: () => T | undefined): T {
  let made: T | undefined;
  try {
    made = make();
  } catch (cause) {
    const code = cause instanceof CoterieError ? cause.code : undefined;
    throw new SessionError("session/bad-identity", { what, kind, reason: code }, cause);
  }
  if (made !== undefined) return made;
  throw new SessionError("session/unsupported", { what, kind });
}
