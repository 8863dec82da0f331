import type { ClientConfig, ServerConfig } from "./connection.ts";
import { recordOf } from "./variant.ts";
import type { RecordMaker } from "./variant.ts";

export interface DataplaneConfig {
  servers: ServerConfig[];
  clients: ClientConfig[];
}
export const DataplaneConfig: RecordMaker<DataplaneConfig> = recordOf<DataplaneConfig>({
  servers: [],
  clients: [],
});

/** What `Service.run` starts: servers to listen on, nodes to connect to. */
export interface ServiceConfig {
  nodeId?: string | undefined;
  domainName?: string | undefined;
  dataplane: DataplaneConfig;
}
export const ServiceConfig: RecordMaker<ServiceConfig> = recordOf();

/** Here for code written for the bindings: this library has no threads of its own to configure. */
export interface RuntimeConfig {
  nCores: bigint;
  threadName: string;
  drainTimeout: number;
}
export const RuntimeConfig: RecordMaker<RuntimeConfig> = recordOf<RuntimeConfig>({
  nCores: 0n,
  threadName: "slim",
  drainTimeout: 10_000,
});

/** Here for code written for the bindings: a service logs to the `log` it is given. */
export interface TracingConfig {
  logLevel: string;
  displayThreadNames: boolean;
  displayThreadIds: boolean;
  filters: string[];
}
export const TracingConfig: RecordMaker<TracingConfig> = recordOf<TracingConfig>({
  logLevel: "info",
  displayThreadNames: true,
  displayThreadIds: false,
  filters: [],
});

export interface PersistenceConfig {
  /** A folder; made where it is missing. One file for each app. */
  path: string;
  /** Without it the file can be read by whoever reads the folder: what encrypts it lies beside it. */
  passphrase?: string | undefined;
}
export const PersistenceConfig: RecordMaker<PersistenceConfig> = recordOf();

export interface BuildInfo {
  version: string;
  gitSha: string;
  buildDate: string;
  profile: string;
}
export const BuildInfo: RecordMaker<BuildInfo> = recordOf();

export function newDataplaneConfig(): DataplaneConfig {
  return { servers: [], clients: [] };
}

export function newServiceConfig(): ServiceConfig {
  return { dataplane: newDataplaneConfig() };
}

export function newServiceConfiguration(): ServiceConfig {
  return newServiceConfig();
}

export function newServiceConfigWith(
  nodeId: string | undefined,
  domainName: string | undefined,
  dataplane: DataplaneConfig,
): ServiceConfig {
  return { nodeId, domainName, dataplane };
}

export function newRuntimeConfig(): RuntimeConfig {
  return RuntimeConfig.create({});
}

export function newRuntimeConfigWith(
  nCores: bigint,
  threadName: string,
  drainTimeout: number,
): RuntimeConfig {
  return { nCores, threadName, drainTimeout };
}

export function newTracingConfig(): TracingConfig {
  return TracingConfig.create({});
}

export function newTracingConfigWith(
  logLevel: string,
  displayThreadNames: boolean,
  displayThreadIds: boolean,
  filters: string[],
): TracingConfig {
  return { logLevel, displayThreadNames, displayThreadIds, filters };
}
