import { withNames } from "../enums.ts";
import type { EnumNames } from "../enums.ts";
import type { SpireConfig } from "./tls.ts";
import { choice, plainVariant, recordOf, variant } from "./variant.ts";
import type {
  PlainVariant,
  PlainVariantMaker,
  RecordMaker,
  Variant,
  VariantMaker,
} from "./variant.ts";

export interface BasicAuth {
  username: string;
  password: string;
}
export const BasicAuth: RecordMaker<BasicAuth> = recordOf();

/** A token from a file, read again after `duration` milliseconds. */
export interface StaticJwtAuth {
  tokenFile: string;
  duration: number;
}
export const StaticJwtAuth: RecordMaker<StaticJwtAuth> = recordOf<StaticJwtAuth>({
  duration: 3_600_000,
});

const jwtAlgorithmValues = {
  Hs256: 0,
  Hs384: 1,
  Hs512: 2,
  Es256: 3,
  Es384: 4,
  Rs256: 5,
  Rs384: 6,
  Rs512: 7,
  Ps256: 8,
  Ps384: 9,
  Ps512: 10,
  EdDsa: 11,
} as const;
export const JwtAlgorithm: typeof jwtAlgorithmValues & EnumNames = withNames(jwtAlgorithmValues);
export type JwtAlgorithm = (typeof jwtAlgorithmValues)[keyof typeof jwtAlgorithmValues];

const jwtKeyFormatValues = { Pem: 0, Jwk: 1, Jwks: 2 } as const;
export const JwtKeyFormat: typeof jwtKeyFormatValues & EnumNames = withNames(jwtKeyFormatValues);
export type JwtKeyFormat = (typeof jwtKeyFormatValues)[keyof typeof jwtKeyFormatValues];

export const JwtKeyData_Tags = { Data: "Data", File: "File" } as const;
export type JwtKeyData_Tags = keyof typeof JwtKeyData_Tags;

export type JwtKeyData =
  | Variant<"Data", { readonly value: string }>
  | Variant<"File", { readonly path: string }>;
export const JwtKeyData: {
  readonly Data: VariantMaker<"Data", { readonly value: string }>;
  readonly File: VariantMaker<"File", { readonly path: string }>;
  instanceOf(value: unknown): value is JwtKeyData;
} = choice({ Data: variant("Data"), File: variant("File") });

export interface JwtKeyConfig {
  algorithm: JwtAlgorithm;
  format: JwtKeyFormat;
  key: JwtKeyData;
}
export const JwtKeyConfig: RecordMaker<JwtKeyConfig> = recordOf();

export const JwtKeyType_Tags = {
  Encoding: "Encoding",
  Decoding: "Decoding",
  Autoresolve: "Autoresolve",
} as const;
export type JwtKeyType_Tags = keyof typeof JwtKeyType_Tags;

interface KeyInner {
  readonly key: JwtKeyConfig;
}

/** A key to sign with, to verify with, or the issuer's own (JWKS). */
export type JwtKeyType = Variant<"Encoding" | "Decoding", KeyInner> | PlainVariant<"Autoresolve">;
export const JwtKeyType: {
  readonly Encoding: VariantMaker<"Encoding", KeyInner>;
  readonly Decoding: VariantMaker<"Decoding", KeyInner>;
  readonly Autoresolve: PlainVariantMaker<"Autoresolve">;
  instanceOf(value: unknown): value is JwtKeyType;
} = choice({
  Encoding: variant("Encoding"),
  Decoding: variant("Decoding"),
  Autoresolve: plainVariant("Autoresolve"),
});

/** Durations are milliseconds. */
export interface ClientJwtAuth {
  key: JwtKeyType;
  audience?: string[] | undefined;
  issuer?: string | undefined;
  subject?: string | undefined;
  duration: number;
}
export const ClientJwtAuth: RecordMaker<ClientJwtAuth> = recordOf<ClientJwtAuth>({
  duration: 3_600_000,
});

export type JwtAuth = ClientJwtAuth;
export const JwtAuth: RecordMaker<JwtAuth> = recordOf<JwtAuth>({ duration: 3_600_000 });

export const OidcPolicyConfig_Tags = { Rego: "Rego", RegoFile: "RegoFile", Cel: "Cel" } as const;
export type OidcPolicyConfig_Tags = keyof typeof OidcPolicyConfig_Tags;

export type OidcPolicyConfig =
  | Variant<"Rego", { readonly text: string }>
  | Variant<"RegoFile", { readonly path: string }>
  | Variant<"Cel", { readonly expression: string }>;
export const OidcPolicyConfig: {
  readonly Rego: VariantMaker<"Rego", { readonly text: string }>;
  readonly RegoFile: VariantMaker<"RegoFile", { readonly path: string }>;
  readonly Cel: VariantMaker<"Cel", { readonly expression: string }>;
  instanceOf(value: unknown): value is OidcPolicyConfig;
} = choice({ Rego: variant("Rego"), RegoFile: variant("RegoFile"), Cel: variant("Cel") });

/** Known by its shape alone: connecting with it throws `session/unsupported`. */
export interface OidcConfig {
  issuerUrl: string;
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  audience?: string | undefined;
  refreshToken?: string | undefined;
  refreshTokenFile?: string | undefined;
  accessTokenFile?: string | undefined;
  scope?: string | undefined;
  timeout?: number | undefined;
  jwksTtl?: number | undefined;
  claimCacheTtl?: number | undefined;
  policy?: OidcPolicyConfig | undefined;
}
export const OidcConfig: RecordMaker<OidcConfig> = recordOf();

interface With<T> {
  readonly config: T;
}

export const ClientAuthenticationConfig_Tags = {
  Basic: "Basic",
  StaticJwt: "StaticJwt",
  Jwt: "Jwt",
  Spire: "Spire",
  Oidc: "Oidc",
  None: "None",
} as const;
export type ClientAuthenticationConfig_Tags = keyof typeof ClientAuthenticationConfig_Tags;

/** What a client shows the node when it connects; apart from who it is in sessions (SCN-08). */
export type ClientAuthenticationConfig =
  | Variant<"Basic", With<BasicAuth>>
  | Variant<"StaticJwt", With<StaticJwtAuth>>
  | Variant<"Jwt", With<ClientJwtAuth>>
  | Variant<"Spire", With<SpireConfig>>
  | Variant<"Oidc", With<OidcConfig>>
  | PlainVariant<"None">;
export const ClientAuthenticationConfig: {
  readonly Basic: VariantMaker<"Basic", With<BasicAuth>>;
  readonly StaticJwt: VariantMaker<"StaticJwt", With<StaticJwtAuth>>;
  readonly Jwt: VariantMaker<"Jwt", With<ClientJwtAuth>>;
  readonly Spire: VariantMaker<"Spire", With<SpireConfig>>;
  readonly Oidc: VariantMaker<"Oidc", With<OidcConfig>>;
  readonly None: PlainVariantMaker<"None">;
  instanceOf(value: unknown): value is ClientAuthenticationConfig;
} = choice({
  Basic: variant("Basic"),
  StaticJwt: variant("StaticJwt"),
  Jwt: variant("Jwt"),
  Spire: variant("Spire"),
  Oidc: variant("Oidc"),
  None: plainVariant("None"),
});

export const ServerAuthenticationConfig_Tags = {
  Basic: "Basic",
  Jwt: "Jwt",
  Spire: "Spire",
  Oidc: "Oidc",
  None: "None",
} as const;
export type ServerAuthenticationConfig_Tags = keyof typeof ServerAuthenticationConfig_Tags;

export type ServerAuthenticationConfig =
  | Variant<"Basic", With<BasicAuth>>
  | Variant<"Jwt", With<JwtAuth>>
  | Variant<"Spire", With<SpireConfig>>
  | Variant<"Oidc", With<OidcConfig>>
  | PlainVariant<"None">;
export const ServerAuthenticationConfig: {
  readonly Basic: VariantMaker<"Basic", With<BasicAuth>>;
  readonly Jwt: VariantMaker<"Jwt", With<JwtAuth>>;
  readonly Spire: VariantMaker<"Spire", With<SpireConfig>>;
  readonly Oidc: VariantMaker<"Oidc", With<OidcConfig>>;
  readonly None: PlainVariantMaker<"None">;
  instanceOf(value: unknown): value is ServerAuthenticationConfig;
} = choice({
  Basic: variant("Basic"),
  Jwt: variant("Jwt"),
  Spire: variant("Spire"),
  Oidc: variant("Oidc"),
  None: plainVariant("None"),
});
