import { CoterieError } from "@coterie/base";
import type { SlimIdentity, SlimVerifier } from "@coterie/identity/slim";
import { connectApp } from "@coterie/dataplane";
import type { AppConnection } from "@coterie/dataplane";
import type { Transport } from "@coterie/transport";
import { formatSlimService } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import { Hub } from "../runtime/hub.ts";
import { createSessionStore } from "../runtime/session-store.ts";
import type { SessionStore } from "../runtime/session-store.ts";
import { App } from "./app.ts";
import type { AppParts, Closable } from "./app-parts.ts";
import type { ClientConfig, ServerConfig } from "./config/connection.ts";
import type { PersistenceConfig, ServiceConfig } from "./config/service.ts";
import { Direction } from "./enums.ts";
import type { WaitOptions } from "./handle.ts";
import { identityOf, sharedSecret, verifierOf } from "./identity.ts";
import { keptIdentity } from "./kept-identity.ts";
import { slimNameOf } from "./name.ts";
import type { NameLike } from "./name.ts";
import type { Platform, ProviderLike, RunningServer, VerifierLike } from "./platform.ts";
import { badArgument, connectionError } from "./translate.ts";
import { waitFor } from "./wait.ts";

/** How long `connect` tries, unless its configuration says otherwise. */
const connectMs = 60_000;
/** SCN-11. */
const reconnectMs = 2_000;
/** SCN-21, SSN-21. */
const version = "2.2.0+ts.1";

/** Connections to nodes, and the apps of this process that share them. Apps of one service reach each other without any node. */
export class Service implements AsyncDisposable {
  readonly #name: string;
  readonly #platform: Platform;
  readonly #config: ServiceConfig;
  readonly #nodeId: string;
  readonly #hub: Hub = new Hub();
  readonly #apps: Set<Closable> = new Set<Closable>();
  readonly #servers: Map<string, RunningServer> = new Map<string, RunningServer>();
  #over = false;

  /** @internal */
  constructor(name: string, platform: Platform, config: ServiceConfig) {
    this.#name = name;
    this.#platform = platform;
    this.#nodeId = config.nodeId ?? `node-${uuid(platform)}`; // SCN-27
    this.#config = { ...config, nodeId: this.#nodeId };
  }

  getName(): string {
    return `slim/${this.#name}`;
  }

  config(): ServiceConfig {
    return this.#config;
  }

  /** Starts what the configuration names: servers first, then connections. */
  async run(options?: WaitOptions): Promise<void> {
    const { servers, clients } = this.#config.dataplane;
    for (const server of servers) await this.runServer(server);
    for (const client of clients) await this.connect(client, options);
  }
  runAsync(options?: WaitOptions): Promise<void> {
    return this.run(options);
  }

  /**
   * Connects to a node, and keeps the connection: when it is lost it is dialled again, under the same id, and sessions go on. Until the
   * first time it is tried every 2 seconds, for a minute unless `connectTimeout` says otherwise. Rejects with `session/connection-failed`.
   */
  async connect(config: ClientConfig, options?: WaitOptions): Promise<bigint> {
    this.#open();
    options?.signal?.throwIfAborted();
    const { crypto, log, scheduler } = this.#platform;
    const transport = await this.#dial(config);
    let connection: AppConnection | undefined;
    let latest: unknown;
    const id = this.#hub.add(config.endpoint, (own) => {
      const made = connectApp({
        crypto,
        transport,
        nodeId: this.#nodeId,
        version,
        log,
        random: crypto,
        timers: { reconnectMs: intervalOf(config) },
        onPublish: (publish, metadata) => this.#hub.dispatch(publish, metadata, own),
        onState: (state) => {
          if (state.kind === "waiting" || state.kind === "closed") latest = state.error;
          if (state.kind !== "closed") return;
          void this.#hub.remove(own);
          void transport.close();
        },
      });
      connection = made;
      return made;
    });
    const limit = config.connectTimeout === undefined ? 0 : config.connectTimeout;
    try {
      await waitFor((connection as unknown as AppConnection).connected, {
        scheduler,
        timeoutMs: limit > 0 ? limit : connectMs,
        signal: options?.signal,
        timedOut: () => latest ?? new SessionError("session/timeout", { what: "connection" }),
      });
    } catch (error) {
      await this.#hub.remove(id);
      throw options?.signal?.aborted === true ? error : connectionError(error);
    }
    return id;
  }
  connectAsync(config: ClientConfig, options?: WaitOptions): Promise<bigint> {
    return this.connect(config, options);
  }

  /** Ends a connection for good, and with it the sessions that need it. */
  async disconnect(connId: bigint): Promise<void> {
    if (this.#hub.get(connId) === undefined) {
      throw new SessionError("session/no-connection", { connection: connId });
    }
    await this.#hub.remove(connId);
  }

  /** The connection to this endpoint, as `connect` was given it. */
  getConnectionId(endpoint: string): bigint | undefined {
    return this.#hub.find(endpoint);
  }

  /** An app that shows this identity and believes whom this verifier believes. Throws `session/bad-identity`. */
  createApp(baseName: NameLike, provider: ProviderLike, verifier: VerifierLike): App {
    return this.createAppWithDirection(baseName, provider, verifier, Direction.Bidirectional);
  }
  async createAppAsync(
    baseName: NameLike,
    provider: ProviderLike,
    verifier: VerifierLike,
    options?: WaitOptions,
  ): Promise<App> {
    options?.signal?.throwIfAborted();
    return this.createApp(baseName, provider, verifier);
  }

  createAppWithDirection(
    baseName: NameLike,
    provider: ProviderLike,
    verifier: VerifierLike,
    direction: Direction,
  ): App {
    const parts = this.appParts(baseName, provider, verifier, direction);
    return new App(baseName, provider, verifier, parts);
  }
  async createAppWithDirectionAsync(
    name: NameLike,
    provider: ProviderLike,
    verifier: VerifierLike,
    direction: Direction,
    options?: WaitOptions,
  ): Promise<App> {
    options?.signal?.throwIfAborted();
    return this.createAppWithDirection(name, provider, verifier, direction);
  }

  /** An app among those who know this secret, of at least 32 bytes. Any of them can claim any name: prefer JWT (SID-09). */
  createAppWithSecret(name: NameLike, secret: string): App {
    const { provider, verifier } = sharedSecret(name, secret);
    return this.createApp(name, provider, verifier);
  }
  async createAppWithSecretAsync(
    name: NameLike,
    secret: string,
    options?: WaitOptions,
  ): Promise<App> {
    options?.signal?.throwIfAborted();
    return this.createAppWithSecret(name, secret);
  }

  /**
   * An app that is the same after a restart, and has its sessions again by `restoreSessions`. Rejects with `session/bad-identity`,
   * `session/unsupported` where nothing can be kept, or what opening the store throws.
   */
  async createAppWithPersistence(
    name: NameLike,
    provider: ProviderLike,
    verifier: VerifierLike,
    direction: Direction,
    persistence: PersistenceConfig,
    options?: WaitOptions,
  ): Promise<App> {
    options?.signal?.throwIfAborted();
    const own = slimNameOf(name);
    const checked = verifierOf(this.#platform, verifier);
    const store = await this.#openStore(persistence, formatSlimService(own));
    try {
      const kept = await keptIdentity(this.#platform, store, provider);
      const identity = identityOf(this.#platform, provider, kept);
      const parts = this.#partsOf(own, identity, checked, direction, store);
      return new App(name, provider, verifier, parts);
    } catch (error) {
      await store.close();
      throw error;
    }
  }
  createAppWithPersistenceAsync(
    name: NameLike,
    provider: ProviderLike,
    verifier: VerifierLike,
    direction: Direction,
    persistence: PersistenceConfig,
    options?: WaitOptions,
  ): Promise<App> {
    return this.createAppWithPersistence(name, provider, verifier, direction, persistence, options);
  }

  /** @internal */
  appParts(
    baseName: NameLike,
    provider: ProviderLike,
    verifier: VerifierLike,
    direction: Direction,
  ): AppParts {
    return this.#partsOf(
      slimNameOf(baseName),
      identityOf(this.#platform, provider),
      verifierOf(this.#platform, verifier),
      direction,
    );
  }

  /** Runs a data plane in this process, for apps anywhere to connect to. Rejects with `session/unsupported` where a platform cannot. */
  async runServer(config: ServerConfig, options?: WaitOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    this.#open();
    const { serve } = this.#platform;
    if (serve === undefined) throw new SessionError("session/unsupported", { what: "server" });
    if (this.#servers.has(config.endpoint)) {
      throw new SessionError("session/bad-argument", { what: "endpoint", reason: "in use" });
    }
    this.#servers.set(config.endpoint, await serve(config, this.#nodeId));
  }
  runServerAsync(config: ServerConfig, options?: WaitOptions): Promise<void> {
    return this.runServer(config, options);
  }

  async stopServer(endpoint: string): Promise<void> {
    const server = this.#servers.get(endpoint);
    if (server === undefined) {
      throw new SessionError("session/bad-argument", { what: "endpoint", reason: "unknown" });
    }
    this.#servers.delete(endpoint);
    await server.close();
  }

  /** Where a server that was asked to listen on this endpoint really listens, as a URL to connect to. */
  serverUrl(endpoint: string): string | undefined {
    return this.#servers.get(endpoint)?.endpoint;
  }

  /** Closes the apps, then the connections, then the servers. */
  async shutdown(): Promise<void> {
    this.#over = true;
    await Promise.all([...this.#apps].map((app) => app.close()));
    await Promise.all(this.#hub.connections.map((id) => this.#hub.remove(id)));
    await Promise.all([...this.#servers.keys()].map((endpoint) => this.stopServer(endpoint)));
  }
  shutdownAsync(options?: WaitOptions): Promise<void> {
    const { scheduler } = this.#platform;
    const { signal } = options ?? {};
    return waitFor(this.shutdown(), { scheduler, signal, timedOut: () => undefined });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  static instanceOf(value: unknown): value is Service {
    return value instanceof Service;
  }

  #partsOf(
    name: SlimName,
    identity: SlimIdentity,
    verifier: SlimVerifier,
    direction: Direction,
    store?: SessionStore,
  ): AppParts {
    this.#open();
    if (typeof Direction[direction] !== "string") {
      throw new SessionError("session/bad-argument", { what: "direction" });
    }
    return {
      platform: this.#platform,
      hub: this.#hub,
      name,
      identity,
      verifier,
      direction,
      store,
      opened: (app) => this.#apps.add(app),
      closed: (app) => this.#apps.delete(app),
    };
  }

  async #dial(config: ClientConfig): Promise<Transport> {
    try {
      return await this.#platform.dial(config);
    } catch (cause) {
      if (cause instanceof SessionError) throw cause;
      throw new SessionError("session/bad-argument", { what: "endpoint" }, cause);
    }
  }

  async #openStore(persistence: PersistenceConfig, app: string): Promise<SessionStore> {
    const { openStore } = this.#platform;
    if (openStore === undefined) {
      throw new SessionError("session/unsupported", { what: "persistence" });
    }
    try {
      return createSessionStore(await openStore(persistence, app));
    } catch (cause) {
      if (cause instanceof SessionError) throw cause;
      const reason = cause instanceof CoterieError ? cause.code : undefined;
      throw new SessionError("session/storage-failed", { reason }, cause);
    }
  }

  #open(): void {
    if (this.#over) {
      throw new SessionError("session/closed", {}, undefined, { message: "service shut down" });
    }
  }
}

function intervalOf({ backoff }: ClientConfig): number {
  if (backoff === undefined) return reconnectMs;
  return badArgument("backoff", () =>
    backoff.tag === "FixedInterval"
      ? (backoff.inner as { readonly config: { readonly interval: number } }).config.interval
      : (backoff.inner as { readonly config: { readonly base: number } }).config.base,
  );
}

function uuid({ crypto }: Platform): string {
  const hex = [...crypto.bytes(16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}
