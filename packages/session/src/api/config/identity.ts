import type { ClientJwtAuth, JwtAuth, StaticJwtAuth } from "./auth.ts";
import type { SpireConfig } from "./tls.ts";
import { choice, plainVariant, variant } from "./variant.ts";
import type { PlainVariant, PlainVariantMaker, Variant, VariantMaker } from "./variant.ts";

interface Secret {
  /** `org/ns/app`, or whatever the app calls itself (SID-02). */
  readonly id: string;
  /** At least 32 bytes. Whoever knows it can be anybody (SID-09). */
  readonly data: string;
}

export const IdentityProviderConfig_Tags = {
  SharedSecret: "SharedSecret",
  StaticJwt: "StaticJwt",
  Jwt: "Jwt",
  Spire: "Spire",
  None: "None",
} as const;
export type IdentityProviderConfig_Tags = keyof typeof IdentityProviderConfig_Tags;

/** Who an app says it is. */
export type IdentityProviderConfig =
  | Variant<"SharedSecret", Secret>
  | Variant<"StaticJwt", { readonly config: StaticJwtAuth }>
  | Variant<"Jwt", { readonly config: ClientJwtAuth }>
  | Variant<"Spire", { readonly config: SpireConfig }>
  | PlainVariant<"None">;
export const IdentityProviderConfig: {
  readonly SharedSecret: VariantMaker<"SharedSecret", Secret>;
  readonly StaticJwt: VariantMaker<"StaticJwt", { readonly config: StaticJwtAuth }>;
  readonly Jwt: VariantMaker<"Jwt", { readonly config: ClientJwtAuth }>;
  readonly Spire: VariantMaker<"Spire", { readonly config: SpireConfig }>;
  readonly None: PlainVariantMaker<"None">;
  instanceOf(value: unknown): value is IdentityProviderConfig;
} = choice({
  SharedSecret: variant("SharedSecret"),
  StaticJwt: variant("StaticJwt"),
  Jwt: variant("Jwt"),
  Spire: variant("Spire"),
  None: plainVariant("None"),
});

export const IdentityVerifierConfig_Tags = {
  SharedSecret: "SharedSecret",
  Jwt: "Jwt",
  Spire: "Spire",
  None: "None",
} as const;
export type IdentityVerifierConfig_Tags = keyof typeof IdentityVerifierConfig_Tags;

/** Whom an app believes. */
export type IdentityVerifierConfig =
  | Variant<"SharedSecret", Secret>
  | Variant<"Jwt", { readonly config: JwtAuth }>
  | Variant<"Spire", { readonly config: SpireConfig }>
  | PlainVariant<"None">;
export const IdentityVerifierConfig: {
  readonly SharedSecret: VariantMaker<"SharedSecret", Secret>;
  readonly Jwt: VariantMaker<"Jwt", { readonly config: JwtAuth }>;
  readonly Spire: VariantMaker<"Spire", { readonly config: SpireConfig }>;
  readonly None: PlainVariantMaker<"None">;
  instanceOf(value: unknown): value is IdentityVerifierConfig;
} = choice({
  SharedSecret: variant("SharedSecret"),
  Jwt: variant("Jwt"),
  Spire: variant("Spire"),
  None: plainVariant("None"),
});
