import { silentLog, systemClock } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import { openHostedChannels, sessionHost } from "@coterie/channel-manager";
import { loadOpensslProvider } from "@coterie/crypto/openssl";
import { createSharedSecretIdentity, createSharedSecretVerifier } from "@coterie/identity/slim";
import type { SlimIdentity } from "@coterie/identity/slim";
import { Direction, IdentityProviderConfig, Name } from "@coterie/session";
import type {
  App,
  ClientConfig,
  PersistenceConfig,
  ProviderLike,
  VerifierLike,
} from "@coterie/session";
import { openControlSession, signGrant } from "@coterie/session/control";
import { Service } from "@coterie/session/node";
import type { ControllerApp } from "./controller.ts";

/** Who the controller is among apps. */
export type ControllerCredentials =
  /** One of those who know a secret of at least 32 bytes. */
  | { readonly kind: "shared-secret"; readonly secret: string }
  /** Identities of its own, such as signed tokens; two instances, of which each has its own token id (SID-10). */
  | {
      readonly kind: "identities";
      /** Moderates hosted channels. */
      readonly hosted: ProviderLike;
      /** Signs grants and speaks with the apps that moderate. */
      readonly granted: SlimIdentity;
      readonly verifier: VerifierLike;
    };

export interface ControllerAppOptions {
  /** The node that it connects to, as `Service.connect` takes it. */
  readonly node: ClientConfig;
  readonly credentials: ControllerCredentials;
  /** `org/ns/app`; apps that accept any controller look for an app called slim-controller (SCT-24). */
  readonly name?: string | undefined;
  /** Where hosted channels outlive a restart (SCT-31); absent: they end with the process. */
  readonly persistence?: PersistenceConfig | undefined;
  readonly logger?: Logger | undefined;
}

export interface RunningControllerApp extends ControllerApp {
  /** Keeps hosted channels for a later run where there is persistence; ends them otherwise. */
  close(): Promise<void>;
}

/** SCT-21. */
export const defaultControllerName = "agntcy/controller/slim-controller";

/**
 * The controller's own app on a node: one instance moderates hosted channels and takes part in no data, another speaks with the apps that
 * moderate on its word. Rejects with what `Service.connect` and its kin throw, leaving nothing open.
 */
export async function openControllerApp(
  options: ControllerAppOptions,
  signal?: AbortSignal,
): Promise<RunningControllerApp> {
  const { persistence } = options;
  const log = options.logger ?? silentLog;
  const name = Name.fromString(options.name ?? defaultControllerName);
  const crypto = await loadOpensslProvider();
  const { hosted, granted, verifier, baseId } = identities(options.credentials, name, crypto);
  const service = new Service("controller", { log });
  try {
    const connection = await service.connect(options.node, { signal });
    const host: App =
      persistence === undefined
        ? service.createAppWithDirection(name, hosted, verifier, Direction.None)
        : await service.createAppWithPersistence(
            name,
            hosted,
            verifier,
            Direction.None,
            persistence,
          );
    const asker = service.createApp(name, granted, verifier);
    // it asks, and nobody asks it
    await asker.acceptController("none");
    asker.onInvite(() => "deny");
    const channels = await openHostedChannels(sessionHost(host, connection));
    return {
      hosted: channels,
      granted: {
        baseId,
        sign: (grant) => signGrant(crypto, granted.keys.privateKey, grant),
        async open(control) {
          await asker.setRoute(Name.of(control), connection);
          return openControlSession(asker, control);
        },
      },
      async close() {
        await channels.close(persistence === undefined ? "delete" : "keep");
        await service.shutdown();
      },
    };
  } catch (error) {
    await service.shutdown();
    throw error;
  }
}

interface Identities {
  readonly hosted: ProviderLike;
  readonly granted: SlimIdentity;
  readonly verifier: VerifierLike;
  readonly baseId: string;
}

function identities(
  credentials: ControllerCredentials,
  name: Name,
  crypto: Awaited<ReturnType<typeof loadOpensslProvider>>,
): Identities {
  // SID-08: of a signed token the whole subject
  if (credentials.kind === "identities")
    return { ...credentials, baseId: credentials.granted.tokenId };
  const { secret } = credentials;
  const clock = systemClock;
  const baseId = name.toString();
  return {
    // this form is kept with what persistence keeps
    hosted: new IdentityProviderConfig.SharedSecret({ id: baseId, data: secret }),
    granted: createSharedSecretIdentity({ crypto, clock, secret, baseId }),
    verifier: createSharedSecretVerifier({ crypto, clock, secret }),
    baseId,
  };
}
