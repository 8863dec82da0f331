import { newServiceConfig } from "../api/config/service.ts";
import type { ServiceConfig } from "../api/config/service.ts";
import type { Platform } from "../api/platform.ts";
import { Service as PlatformService } from "../api/service.ts";
import { webPlatform } from "./platform.ts";

/** A service on any platform. `dial` says how to reach a node; the rest has defaults that work everywhere. */
export class Service extends PlatformService {
  constructor(
    name: string,
    platform: Partial<Platform> = {},
    config: ServiceConfig = newServiceConfig(),
  ) {
    super(name, { ...webPlatform, ...platform }, config);
  }

  static newWithConfig(
    name: string,
    config: ServiceConfig,
    platform: Partial<Platform> = {},
  ): Service {
    return new Service(name, platform, config);
  }
}
