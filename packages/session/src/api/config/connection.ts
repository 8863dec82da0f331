import type { CompressionType } from "../enums.ts";
import type { ClientAuthenticationConfig, ServerAuthenticationConfig } from "./auth.ts";
import { CaSource, TlsClientConfig, TlsServerConfig, TlsSource } from "./tls.ts";
import { choice, recordOf, variant } from "./variant.ts";
import type { RecordMaker, Variant, VariantMaker } from "./variant.ts";

/** Durations are milliseconds. */
export interface KeepaliveConfig {
  tcpKeepalive: number;
  http2Keepalive: number;
  timeout: number;
  keepAliveWhileIdle: boolean;
}
export const KeepaliveConfig: RecordMaker<KeepaliveConfig> = recordOf({
  tcpKeepalive: 60_000,
  http2Keepalive: 60_000,
  timeout: 10_000,
  keepAliveWhileIdle: false,
});

export interface ProxyConfig {
  url?: string | undefined;
  tls: TlsClientConfig;
  username?: string | undefined;
  password?: string | undefined;
  headers: Map<string, string>;
}
export const ProxyConfig: RecordMaker<ProxyConfig> = recordOf();

export interface ExponentialBackoff {
  base: number;
  factor: bigint;
  maxDelay: number;
  maxAttempts: bigint;
  jitter: boolean;
}
export const ExponentialBackoff: RecordMaker<ExponentialBackoff> = recordOf();

export interface FixedIntervalBackoff {
  interval: number;
  maxAttempts: bigint;
}
export const FixedIntervalBackoff: RecordMaker<FixedIntervalBackoff> = recordOf();

export const BackoffConfig_Tags = {
  Exponential: "Exponential",
  FixedInterval: "FixedInterval",
} as const;
export type BackoffConfig_Tags = keyof typeof BackoffConfig_Tags;

/** How long to wait between attempts to connect. Its interval or base is used, 2 seconds by default (SCN-11). */
export type BackoffConfig =
  | Variant<"Exponential", { readonly config: ExponentialBackoff }>
  | Variant<"FixedInterval", { readonly config: FixedIntervalBackoff }>;
export const BackoffConfig: {
  readonly Exponential: VariantMaker<"Exponential", { readonly config: ExponentialBackoff }>;
  readonly FixedInterval: VariantMaker<"FixedInterval", { readonly config: FixedIntervalBackoff }>;
  instanceOf(value: unknown): value is BackoffConfig;
} = choice({ Exponential: variant("Exponential"), FixedInterval: variant("FixedInterval") });

/** How to reach a node. Made by `newInsecureClientConfig` or `newSecureClientConfig`, then changed to taste. */
export interface ClientConfig {
  /** `http://`, `https://`, `ws://`, `wss://` or `unix://`. */
  endpoint: string;
  tls: TlsClientConfig;
  origin?: string | undefined;
  /** The name that the node's certificate has to have. */
  serverName?: string | undefined;
  compression?: CompressionType | undefined;
  rateLimit?: string | undefined;
  keepalive?: KeepaliveConfig | undefined;
  proxy?: ProxyConfig | undefined;
  /** Milliseconds until `connect` rejects; 0 or absent: 60,000. */
  connectTimeout?: number | undefined;
  requestTimeout?: number | undefined;
  bufferSize?: bigint | undefined;
  headers?: Map<string, string> | undefined;
  auth?: ClientAuthenticationConfig | undefined;
  backoff?: BackoffConfig | undefined;
  metadata?: string | undefined;
  /** MACs are always made and checked (SMC-07). */
  requireHeaderMac?: boolean | undefined;
}
export const ClientConfig: RecordMaker<ClientConfig> = recordOf();

/** Durations are milliseconds (SCN-10). */
export interface KeepaliveServerParameters {
  maxConnectionIdle: number;
  maxConnectionAge: number;
  maxConnectionAgeGrace: number;
  time: number;
  timeout: number;
}
export const KeepaliveServerParameters: RecordMaker<KeepaliveServerParameters> = recordOf({
  maxConnectionIdle: 3_600_000,
  maxConnectionAge: 7_200_000,
  maxConnectionAgeGrace: 300_000,
  time: 120_000,
  timeout: 20_000,
});

/** Where a data plane listens. Made by `newInsecureServerConfig` or `newSecureServerConfig`, then changed to taste. */
export interface ServerConfig {
  /** `host:port`, with or without a scheme. */
  endpoint: string;
  tls: TlsServerConfig;
  http2Only?: boolean | undefined;
  /** MiB. */
  maxFrameSize?: number | undefined;
  maxConcurrentStreams?: number | undefined;
  maxHeaderListSize?: number | undefined;
  readBufferSize?: bigint | undefined;
  writeBufferSize?: bigint | undefined;
  keepalive?: KeepaliveServerParameters | undefined;
  auth?: ServerAuthenticationConfig | undefined;
  metadata?: string | undefined;
  requireHeaderMac?: boolean | undefined;
  negotiationTimeoutSecs?: bigint | undefined;
  linkHmacPollIntervalMs?: bigint | undefined;
}
export const ServerConfig: RecordMaker<ServerConfig> = recordOf();

/** In the clear. */
export function newInsecureClientConfig(endpoint: string): ClientConfig {
  return { endpoint, tls: TlsClientConfig.create({ insecure: true }) };
}

/** TLS, with the certificate authorities of the system. */
export function newSecureClientConfig(endpoint: string): ClientConfig {
  return { endpoint, tls: TlsClientConfig.create({}) };
}

/** A client configuration out of JSON; unknown keys are kept, absent ones get their defaults. */
export function clientConfigFrom(json: Partial<ClientConfig>): ClientConfig {
  const tls = { ...TlsClientConfig.create({}), ...json.tls };
  return { ...json, endpoint: json.endpoint ?? "", tls };
}

export function newInsecureServerConfig(endpoint: string): ServerConfig {
  return { endpoint, tls: TlsServerConfig.create({ insecure: true }) };
}

/** TLS with this certificate. */
export function newSecureServerConfig(endpoint: string, tlsSource: TlsSource): ServerConfig {
  return { endpoint, tls: TlsServerConfig.create({ source: tlsSource }) };
}

/** TLS without a certificate yet: set `tls.source`, or `tls.insecure`. */
export function newServerConfig(endpoint: string): ServerConfig {
  const tls = {
    insecure: false,
    source: new TlsSource.None(),
    clientCa: new CaSource.None(),
    includeSystemCaCertsPool: true,
    tlsVersion: "tls1.3",
    reloadClientCaFile: false,
  };
  return { endpoint, tls };
}
