import type { Clock, Log } from "@coterie/base";
import type { CryptoProvider, KeyPair } from "@coterie/crypto";
import type { SlimIdentity, SlimVerifier } from "@coterie/identity/slim";
import type { Store } from "@coterie/storage";
import type { Transport } from "@coterie/transport";
import type { Scheduler } from "../runtime/scheduler.ts";
import type { ClientConfig, ServerConfig } from "./config/connection.ts";
import type { PersistenceConfig } from "./config/service.ts";
import type { IdentityProviderConfig, IdentityVerifierConfig } from "./config/identity.ts";

/** Who the app is: as the bindings configure it, or an identity of `@coterie/identity/slim`. */
export type ProviderLike = IdentityProviderConfig | SlimIdentity;
/** Whom the app believes: as the bindings configure it, or a verifier of `@coterie/identity/slim`. */
export type VerifierLike = IdentityVerifierConfig | SlimVerifier;

/** What is stored of an identity, to be the same app after a restart (SHB-17). */
export interface KeptIdentity {
  readonly tokenId: string;
  readonly keys: KeyPair;
}

export interface RunningServer {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** What a service takes from where it runs. */
export interface Platform {
  readonly crypto: CryptoProvider;
  /** Wall time, of tokens. */
  readonly clock: Clock;
  /** The time of everything else. */
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** A way to the node of this configuration. It is closed with the connection. */
  readonly dial: (config: ClientConfig) => Transport | Promise<Transport>;
  /** Absent: this platform has no data plane of its own. */
  readonly serve?: ((config: ServerConfig, nodeId: string) => Promise<RunningServer>) | undefined;
  /** Absent: nothing can be kept here. */
  readonly openStore?: ((config: PersistenceConfig, app: string) => Promise<Store>) | undefined;
  /** Beyond the shared secret, which works everywhere. */
  readonly identityOf?:
    | ((config: IdentityProviderConfig, kept?: KeptIdentity) => SlimIdentity | undefined)
    | undefined;
  readonly verifierOf?: ((config: IdentityVerifierConfig) => SlimVerifier | undefined) | undefined;
}
