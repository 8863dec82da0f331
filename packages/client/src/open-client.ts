import { silentLog, systemClock, systemRandom } from "@coterie/base";
import { installationFromSeed } from "@coterie/identity";
import type { Identifier, Installation } from "@coterie/identity";
import { countCalls } from "./api-statistics.ts";
import { createApi } from "./api.ts";
import { createArchives } from "./archive/archives.ts";
import type { Archives } from "./archive/archives.ts";
import { platformFetch } from "./archive/platform-fetch.ts";
import { createBus } from "./bus.ts";
import type { ClientOptions } from "./client-options.ts";
import { createCommitLogs } from "./commit-log.ts";
import type { Context } from "./context.ts";
import { createConversationEngine } from "./conversation-engine.ts";
import { Conversations } from "./conversations.ts";
import { createDeviceSync } from "./device-sync/device-sync.ts";
import type { DeviceSync } from "./device-sync/device-sync.ts";
import { limits } from "./engine/limits.ts";
import { ClientError } from "./errors.ts";
import { createGroups } from "./groups.ts";
import { createIdentityStore } from "./identity-store.ts";
import { createKeyPackages } from "./key-packages.ts";
import { openStore, ownIdentity } from "./own-identity.ts";
import { openPreferences } from "./preferences.ts";
import { createRecovery } from "./recovery.ts";
import { endingWith, systemTimers } from "./run.ts";
import type { Ports } from "./run.ts";
import { createWelcomes } from "./welcomes.ts";
import { WorkerKind, paceOf } from "./worker-config.ts";
import { startKeyPackageWorker, startWorkers } from "./workers.ts";

/** What a client is made of, once its store is open and its workers run. */
export interface OpenedClient {
  readonly context: Context;
  readonly conversations: Conversations;
  readonly installation: Installation;
  readonly options: ClientOptions;
  readonly identifier: Identifier;
  readonly abort: AbortController;
  readonly registered: boolean;
  /** By path, for statistics. */
  readonly calls: Map<string, bigint>;
  readonly archives: Archives;
  readonly deviceSync: DeviceSync;
  /** Starts the background work that is for registered installations alone. Called once. */
  startRegistered(): void;
}

/** Opens the store with the installation in it, or makes one, and puts the rooms of a client together. */
export async function openClient(
  identifier: Identifier,
  options: ClientOptions,
): Promise<OpenedClient> {
  const calls = new Map<string, bigint>();
  const transport = countCalls(options.transport, calls);
  const api = createApi(transport);
  const [store, found] =
    typeof options.store === "function"
      ? await openStore(api, identifier, options, options.store)
      : [options.store, undefined];
  const abort = new AbortController();
  const ports: Ports = {
    crypto: options.crypto,
    store,
    transport,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    timers: endingWith(abort.signal, options.timers ?? systemTimers),
    log: options.log ?? silentLog,
  };
  const own = await ownIdentity(ports, api, identifier, options, found);
  const installation = installationFromSeed(ports.crypto, own.seed);
  const bus = createBus(ports.log);
  // XHS-04
  const syncs = options.disableDeviceSync !== true && options.historySyncUrl !== null;
  const key = { publicKey: installation.publicKey, privateKey: installation.privateKey };
  const context: Context = {
    ports,
    api,
    bus,
    identity: createIdentityStore({ ...ports, contracts: options.contracts }, api),
    keyPackages: createKeyPackages(ports, api, { inboxId: own.inboxId, signer: key }),
    preferences: await openPreferences(ports, bus, syncs),
    inboxId: own.inboxId,
    installationId: installation.id,
    signer: key,
    maxGroupSize: groupSizeOf(options),
    forkRecovery: {
      request: options.forkRecovery?.request === true,
      respond: options.forkRecovery?.respond === true,
    },
    signal: abort.signal,
  };
  const groups = createGroups(context);
  const engine = createConversationEngine(context, groups);
  const welcomes = createWelcomes(context, groups);
  const commitLogs = createCommitLogs(context, groups);
  const codecs = options.codecs ?? [];
  const manualPublish = options.publish === "manual";
  const parts = { context, groups, engine, welcomes, commitLogs, codecs, manualPublish };
  const works = options.workers !== false;
  const config = options.workerConfig ?? {};
  const keyPackagePace = paceOf(WorkerKind.KeyPackageCleaner, 5_000, config, ports);
  const opened: OpenedClient = {
    context,
    conversations: new Conversations(parts),
    installation,
    options,
    identifier,
    abort,
    registered: own.registered,
    calls,
    archives: createArchives(parts, options.files),
    deviceSync: createDeviceSync(parts, {
      enabled: syncs,
      serverUrl: options.historySyncUrl ?? undefined,
      fetch: options.fetch ?? platformFetch,
      pace: paceOf(WorkerKind.DeviceSync, 20_000, config, ports),
    }),
    startRegistered() {
      if (!works) return;
      if (keyPackagePace) startKeyPackageWorker(context, keyPackagePace);
      opened.deviceSync.start();
    },
  };
  if (works) startWorkers({ ...parts, recovery: createRecovery(parts) }, config);
  if (own.registered) opened.startRegistered();
  return opened;
}

/** XGC-56: 1 to any number; Infinity for none. */
function groupSizeOf({ maxGroupSize = limits.groupSize }: ClientOptions): number {
  if (maxGroupSize >= 1) return maxGroupSize;
  throw new ClientError("client/bad-argument", { argument: "maxGroupSize", rule: "XGC-56" });
}
