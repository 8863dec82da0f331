import { silentLog, systemClock } from "@coterie/base";
import { opensslProvider } from "@coterie/crypto/openssl";
import { newServiceConfig } from "../api/config/service.ts";
import type { ServiceConfig } from "../api/config/service.ts";
import type { Platform } from "../api/platform.ts";
import { Service as PlatformService } from "../api/service.ts";
import { systemScheduler } from "../runtime/scheduler.ts";
import { dialNode } from "./dial.ts";
import { nodeIdentity, nodeVerifier } from "./identity.ts";
import { serveNode } from "./serve.ts";
import { openNodeStore } from "./store.ts";

/** What Node.js brings: OpenSSL, HTTP/2, files. */
const nodePlatform: Platform = {
  crypto: opensslProvider,
  clock: systemClock,
  scheduler: systemScheduler,
  log: silentLog,
  dial: dialNode,
  serve: (config, nodeId) => serveNode(config, { crypto: opensslProvider, log: silentLog, nodeId }),
  openStore: openNodeStore,
  identityOf: nodeIdentity({ crypto: opensslProvider, clock: systemClock }),
  verifierOf: nodeVerifier({ crypto: opensslProvider, clock: systemClock }),
};

/** A service on Node.js. Anything of the platform may be replaced, for tests above all. */
export class Service extends PlatformService {
  constructor(
    name: string,
    platform: Partial<Platform> = {},
    config: ServiceConfig = newServiceConfig(),
  ) {
    super(name, { ...nodePlatform, ...platform }, config);
  }

  static newWithConfig(
    name: string,
    config: ServiceConfig,
    platform: Partial<Platform> = {},
  ): Service {
    return new Service(name, platform, config);
  }
}
