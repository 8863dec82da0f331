import { silentLog } from "@coterie/base";
import type { Log } from "@coterie/base";
import {
  CaSource,
  ClientAuthenticationConfig,
  Direction,
  IdentityProviderConfig,
  IdentityVerifierConfig,
  Name,
  TlsClientConfig,
  TlsSource,
} from "@coterie/session";
import type { App, ClientConfig } from "@coterie/session";
import { Service } from "@coterie/session/node";
import { acceptBasic, guardRoutes } from "@coterie/transport";
import { createH2Server } from "@coterie/transport/h2";
import { formatSlimService } from "@coterie/wire/slim";
import { serverTls } from "@coterie/node/yaml";
import type { ClientSettings } from "@coterie/node/yaml";
import type { ManagerConfig } from "./config.ts";
import { startConfiguredChannels } from "./configured.ts";
import { ChannelManagerError } from "./errors.ts";
import { openHostedChannels } from "./hosted-channels.ts";
import { channelManagerRoutes } from "./service.ts";
import { sessionHost } from "./session-host.ts";

export interface RunningChannelManager {
  /** Where operators reach it. */
  readonly api: string;
  /** Its name in channels, with its id. */
  readonly name: string;
  /** Closes its channels, or leaves them to the next run where the configuration says so. */
  close(): Promise<void>;
}

/** Connects to the node, takes up or makes its channels and serves operators. Rejects with what failed, leaving nothing open. */
export async function startChannelManager(
  config: ManagerConfig,
  log: Log = silentLog,
): Promise<RunningChannelManager> {
  const { api, persistence } = config;
  if (api.kind !== "grpc") throw badSetup("api-server must be HOST:PORT");
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const service = new Service("channel-manager", { log });
    undo.push(() => service.shutdown());
    const connection = await service.connect(clientConfig(config.connection));
    const app = await createApp(service, config);
    const channels = await openHostedChannels(sessionHost(app, connection));
    const keeps = persistence !== undefined && !persistence.deleteOnShutdown;
    undo.push(() => channels.close(keeps ? "keep" : "delete"));
    const configMode = config.channels.length > 0;
    if (configMode) {
      const configured = await startConfiguredChannels(channels, config.channels, { log });
      undo.push(async () => configured.stop());
    }
    const routes = channelManagerRoutes({ channels, configMode, log });
    const server = await createH2Server({
      host: api.host,
      port: api.port,
      tls: serverTls(api),
      routes: api.auth ? guardRoutes(routes, acceptBasic(api.auth)) : routes,
      log,
    }).catch((cause: unknown) => {
      const reason = String((cause as { code?: unknown } | null)?.code ?? "unknown");
      throw badSetup(`cannot listen on ${api.host}:${api.port}: ${reason}`, cause);
    });
    undo.push(() => server.close({ graceMs: 5_000 }));
    return { api: server.url, name: app.name().toDebugString(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function createApp(
  service: Service,
  { localName, identity, persistence }: ManagerConfig,
): Promise<App> {
  const name = Name.fromString(formatSlimService(localName));
  const secret = { id: identity.id, data: identity.secret };
  const provider = new IdentityProviderConfig.SharedSecret(secret);
  const verifier = new IdentityVerifierConfig.SharedSecret(secret);
  if (persistence === undefined) {
    return service.createAppWithDirection(name, provider, verifier, Direction.None);
  }
  const { path, passphrase } = persistence;
  return service.createAppWithPersistence(name, provider, verifier, Direction.None, {
    path,
    passphrase,
  });
}

/** Settings of a file as `Service.connect` takes them. */
export function clientConfig(settings: ClientSettings): ClientConfig {
  const { tls, auth } = settings;
  return {
    endpoint: settings.endpoint,
    serverName: settings.serverName,
    connectTimeout: settings.connectTimeoutMs,
    headers: new Map(settings.headers),
    auth: auth && authOf(auth),
    tls: TlsClientConfig.create(
      tls === undefined
        ? { insecure: true }
        : {
            insecureSkipVerify: tls.insecureSkipVerify,
            tlsVersion: tls.minVersion === "TLSv1.2" ? "tls1.2" : "tls1.3",
            caSource:
              tls.ca === undefined ? new CaSource.None() : new CaSource.Pem({ data: tls.ca }),
            source:
              tls.cert === undefined || tls.key === undefined
                ? new TlsSource.None()
                : new TlsSource.Pem({ cert: tls.cert, key: tls.key }),
          },
    ),
  };
}

function authOf(auth: NonNullable<ClientSettings["auth"]>): ClientAuthenticationConfig {
  if (auth.kind === "basic") {
    const { username, password } = auth;
    return new ClientAuthenticationConfig.Basic({ config: { username, password } });
  }
  const { path, refreshMs } = auth;
  return new ClientAuthenticationConfig.StaticJwt({
    config: { tokenFile: path, duration: refreshMs },
  });
}

function badSetup(message: string, cause?: unknown): ChannelManagerError {
  return new ChannelManagerError("channel-manager/bad-setup", { message, cause });
}
