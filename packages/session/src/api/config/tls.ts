import { choice, plainVariant, recordOf, variant } from "./variant.ts";
import type {
  PlainVariant,
  PlainVariantMaker,
  RecordMaker,
  Variant,
  VariantMaker,
} from "./variant.ts";

export interface SpireConfig {
  socketPath?: string | undefined;
  targetSpiffeId?: string | undefined;
  jwtAudiences: string[];
  trustDomains: string[];
}
export const SpireConfig: RecordMaker<SpireConfig> = recordOf<SpireConfig>({
  jwtAudiences: [],
  trustDomains: [],
});

export const TlsSource_Tags = { Pem: "Pem", File: "File", Spire: "Spire", None: "None" } as const;
export type TlsSource_Tags = keyof typeof TlsSource_Tags;

interface CertAndKey {
  readonly cert: string;
  readonly key: string;
}

/** Certificate and key: their PEM, the files they are in, or none. */
export type TlsSource =
  | Variant<"Pem" | "File", CertAndKey>
  | Variant<"Spire", { readonly config: SpireConfig }>
  | PlainVariant<"None">;
export const TlsSource: {
  readonly Pem: VariantMaker<"Pem", CertAndKey>;
  readonly File: VariantMaker<"File", CertAndKey>;
  readonly Spire: VariantMaker<"Spire", { readonly config: SpireConfig }>;
  readonly None: PlainVariantMaker<"None">;
  instanceOf(value: unknown): value is TlsSource;
} = choice({
  Pem: variant("Pem"),
  File: variant("File"),
  Spire: variant("Spire"),
  None: plainVariant("None"),
});

export const CaSource_Tags = { File: "File", Pem: "Pem", Spire: "Spire", None: "None" } as const;
export type CaSource_Tags = keyof typeof CaSource_Tags;

/** Whose certificates are believed. */
export type CaSource =
  | Variant<"File", { readonly path: string }>
  | Variant<"Pem", { readonly data: string }>
  | Variant<"Spire", { readonly config: SpireConfig }>
  | PlainVariant<"None">;
export const CaSource: {
  readonly File: VariantMaker<"File", { readonly path: string }>;
  readonly Pem: VariantMaker<"Pem", { readonly data: string }>;
  readonly Spire: VariantMaker<"Spire", { readonly config: SpireConfig }>;
  readonly None: PlainVariantMaker<"None">;
  instanceOf(value: unknown): value is CaSource;
} = choice({
  File: variant("File"),
  Pem: variant("Pem"),
  Spire: variant("Spire"),
  None: plainVariant("None"),
});

export interface TlsClientConfig {
  /** In the clear. */
  insecure: boolean;
  /** Takes any certificate: whoever stands between can read and change what MLS does not seal. */
  insecureSkipVerify: boolean;
  source: TlsSource;
  caSource: CaSource;
  includeSystemCaCertsPool: boolean;
  /** "tls1.2" or "tls1.3" at least. */
  tlsVersion: string;
}
export const TlsClientConfig: RecordMaker<TlsClientConfig> = recordOf<TlsClientConfig>({
  insecure: false,
  insecureSkipVerify: false,
  source: new TlsSource.None(),
  caSource: new CaSource.None(),
  includeSystemCaCertsPool: true,
  tlsVersion: "tls1.3",
});

export interface TlsServerConfig {
  insecure: boolean;
  source: TlsSource;
  /** With it clients have to show a certificate. */
  clientCa: CaSource;
  includeSystemCaCertsPool?: boolean | undefined;
  tlsVersion?: string | undefined;
  reloadClientCaFile?: boolean | undefined;
}
export const TlsServerConfig: RecordMaker<TlsServerConfig> = recordOf<TlsServerConfig>({
  insecure: false,
  source: new TlsSource.None(),
  clientCa: new CaSource.None(),
});
