// Sessions of SLIM on Node.js: the same names, with OpenSSL, HTTP/2, files and a data plane of its own.
export { Service } from "./node/service.ts";
export {
  createService,
  createServiceWithConfig,
  getGlobalService,
  getServices,
  initializeWithConfigs,
  initializeWithDefaults,
  isInitialized,
  shutdownBlocking,
} from "./node/globals.ts";
export { SessionError } from "./errors.ts";
export type { SessionErrorCode, SlimErrorTag } from "./errors.ts";
export { SlimError, SlimError_Tags } from "./api/slim-error.ts";
export type { SlimErrorKind } from "./api/slim-error.ts";

export { App, SessionWithCompletion } from "./api/app.ts";
export { ParticipantInfo, Session } from "./api/session.ts";
export type { SessionEvents } from "./api/session.ts";
export type { HistoricMessage, HistoryOptions, HistoryQuery } from "./api/history.ts";
export type { AcceptController } from "./control/trust.ts";
export { AwaitableHandle, CompletionHandle, Started } from "./api/handle.ts";
export type { Completion, WaitOptions } from "./api/handle.ts";
export { Name } from "./api/name.ts";
export type { NameLike } from "./api/name.ts";
export { MessageContext, ReceivedMessage } from "./api/received.ts";
export type { Data } from "./api/payload.ts";
export type { Duration } from "./api/duration.ts";
export type { Invitation, InviteAnswer, InviteAsker, InvitePolicy } from "./api/invitation.ts";
export { invitationsByPolicy } from "./api/invitation-policy.ts";
export type { InvitationRules } from "./api/invitation-policy.ts";
export type { Platform, ProviderLike, RunningServer, VerifierLike } from "./api/platform.ts";
export type { ClosedReason } from "./runtime/session-line.ts";
export type { Scheduler } from "./runtime/scheduler.ts";

export {
  CloseMode,
  CompressionType,
  Direction,
  ParticipantStatus,
  SessionType,
  TransportProtocol,
} from "./api/enums.ts";
export type { EnumNames } from "./api/enums.ts";
export { MlsSettings, SessionConfig } from "./api/config/session.ts";
export type { Metadata } from "./api/config/session.ts";
export {
  BackoffConfig,
  BackoffConfig_Tags,
  ClientConfig,
  ExponentialBackoff,
  FixedIntervalBackoff,
  KeepaliveConfig,
  KeepaliveServerParameters,
  newInsecureClientConfig,
  newInsecureServerConfig,
  newSecureClientConfig,
  newSecureServerConfig,
  newServerConfig,
  ProxyConfig,
  ServerConfig,
} from "./api/config/connection.ts";
export {
  BuildInfo,
  DataplaneConfig,
  newDataplaneConfig,
  newRuntimeConfig,
  newRuntimeConfigWith,
  newServiceConfig,
  newServiceConfiguration,
  newServiceConfigWith,
  newTracingConfig,
  newTracingConfigWith,
  PersistenceConfig,
  RuntimeConfig,
  ServiceConfig,
  TracingConfig,
} from "./api/config/service.ts";
export {
  CaSource,
  CaSource_Tags,
  SpireConfig,
  TlsClientConfig,
  TlsServerConfig,
  TlsSource,
  TlsSource_Tags,
} from "./api/config/tls.ts";
export {
  BasicAuth,
  ClientAuthenticationConfig,
  ClientAuthenticationConfig_Tags,
  ClientJwtAuth,
  JwtAlgorithm,
  JwtAuth,
  JwtKeyConfig,
  JwtKeyData,
  JwtKeyData_Tags,
  JwtKeyFormat,
  JwtKeyType,
  JwtKeyType_Tags,
  OidcConfig,
  OidcPolicyConfig,
  OidcPolicyConfig_Tags,
  ServerAuthenticationConfig,
  ServerAuthenticationConfig_Tags,
  StaticJwtAuth,
} from "./api/config/auth.ts";
export {
  IdentityProviderConfig,
  IdentityProviderConfig_Tags,
  IdentityVerifierConfig,
  IdentityVerifierConfig_Tags,
} from "./api/config/identity.ts";
export type {
  PlainVariant,
  PlainVariantMaker,
  RecordMaker,
  Variant,
  VariantMaker,
} from "./api/config/variant.ts";
export { getBuildInfo, getVersion, newConfigFromJson } from "./api/globals.ts";
