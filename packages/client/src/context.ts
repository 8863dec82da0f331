import type { InboxId, InstallationId } from "@coterie/base";
import type { KeyPair } from "@coterie/crypto";
import type { Api } from "./api.ts";
import type { Bus } from "./bus.ts";
import type { StepEnv } from "./engine/step.ts";
import type { IdentityStore } from "./identity-store.ts";
import type { KeyPackages } from "./key-packages.ts";
import type { Preferences } from "./preferences.ts";
import type { Ports } from "./run.ts";

/** XIN-44: what this installation does about forks. */
export interface ForkRecovery {
  /** Ask super admins to be added again where our commit log disagrees with theirs. */
  readonly request: boolean;
  /** Answer such requests where we are super admin. */
  readonly respond: boolean;
}

/** One registered installation at work: everything that the engine's runtime shares. */
export interface Context {
  readonly ports: Ports;
  readonly api: Api;
  readonly bus: Bus;
  readonly identity: IdentityStore;
  readonly keyPackages: KeyPackages;
  readonly preferences: Preferences;
  readonly inboxId: InboxId;
  readonly installationId: InstallationId;
  readonly signer: KeyPair;
  /** XGC-56. */
  readonly maxGroupSize: number;
  /** XIN-44: both off unless the app wants them. */
  readonly forkRecovery: ForkRecovery;
  /** Aborted when the client closes. */
  readonly signal: AbortSignal;
}

/** What the pure steps need, with the time of now. */
export function stepEnv(context: Context, notFound?: ReadonlySet<string>): StepEnv {
  return {
    crypto: context.ports.crypto,
    signer: context.signer,
    ownInboxId: context.inboxId,
    ownInstallationId: context.installationId,
    identity: context.identity.view(notFound),
    nowNs: context.ports.clock.nowNs(),
  };
}
