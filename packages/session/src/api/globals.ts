import { SessionError } from "../errors.ts";
import { clientConfigFrom } from "./config/connection.ts";
import type { ClientConfig } from "./config/connection.ts";
import { newServiceConfig } from "./config/service.ts";
import type { BuildInfo, RuntimeConfig, ServiceConfig, TracingConfig } from "./config/service.ts";
import { settle } from "./home.ts";
import type { Service } from "./service.ts";

/** The free functions of the bindings, for one platform's services. */
export interface Globals {
  createService(name: string): Service;
  createServiceWithConfig(name: string, config: ServiceConfig): Service;
  /** The same at every call; made with the first. */
  getGlobalService(): Service;
  getServices(): Service[];
  /** There is nothing to initialize: here for code written for the bindings. */
  initializeWithDefaults(): void;
  /** Makes the services of these configurations; `run` starts them. */
  initializeWithConfigs(
    runtimeConfig: RuntimeConfig,
    tracingConfig: TracingConfig,
    serviceConfig: ServiceConfig[],
  ): void;
  isInitialized(): boolean;
  shutdownBlocking(): Promise<void>;
}

export function createGlobals(make: (name: string, config: ServiceConfig) => Service): Globals {
  let services: Service[] = [];
  const adopt = (made: Service[]): Service => {
    services = made;
    const [first] = made as [Service];
    settle((...asked) => first.appParts(...asked));
    return first;
  };
  const global = (): Service => {
    const [first] = services;
    if (first !== undefined) return first;
    return adopt([make("0", newServiceConfig())]);
  };
  return {
    createService: (name) => make(name, newServiceConfig()),
    createServiceWithConfig: make,
    getGlobalService: global,
    getServices() {
      global();
      return [...services];
    },
    initializeWithDefaults() {
      global();
    },
    initializeWithConfigs(_runtime, _tracing, configs) {
      if (services.length > 0) return;
      const given = configs.length > 0 ? configs : [newServiceConfig()];
      adopt(given.map((config, at) => make(String(at), config)));
    },
    isInitialized: () => services.length > 0,
    async shutdownBlocking() {
      settle(undefined);
      await Promise.all(services.splice(0).map((service) => service.shutdown()));
    },
  };
}

const version = "2.2.0+ts.1";

export function getVersion(): string {
  return version;
}

export function getBuildInfo(): BuildInfo {
  return { version, gitSha: "", buildDate: "", profile: "release" };
}

/** A client configuration out of JSON. Throws `session/bad-argument`. */
export function newConfigFromJson(json: string): ClientConfig {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new SessionError("session/bad-argument", { what: "json" }, cause);
  }
  const endpoint = (value as { readonly endpoint?: unknown } | null)?.endpoint;
  if (typeof endpoint !== "string") {
    throw new SessionError("session/bad-argument", { what: "endpoint" });
  }
  return clientConfigFrom(value as Partial<ClientConfig>);
}
