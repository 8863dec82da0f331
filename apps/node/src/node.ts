import { silentLog, systemClock } from "@coterie/base";
import type { Clock, Log as Logger } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import { opensslProvider } from "@coterie/crypto/openssl";
import { rememberVerdicts } from "@coterie/identity";
import type { SmartContractVerifier } from "@coterie/identity";
import type { Routes } from "@coterie/transport";
import { defaultLimits } from "./limits.ts";
import type { NodeLimits } from "./limits.ts";
import type { NodeLog } from "./log/log.ts";
import { createMetrics } from "./metrics.ts";
import type { Metrics } from "./metrics.ts";
import { createRateLimiter } from "./rate-limits.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { NodeEnv } from "./xmtp/env.ts";
import { healthRoutes } from "./xmtp/health.ts";
import { createIdentityApi } from "./xmtp/identity-api.ts";
import { instrument } from "./xmtp/instrument.ts";
import { createMlsApi } from "./xmtp/mls-api.ts";

export interface NodeParts {
  readonly log: NodeLog;
  readonly clock?: Clock | undefined;
  readonly crypto?: CryptoProvider | undefined;
  /** Asks chains about contract wallets; without it none of them is valid (XND-25). */
  readonly contracts?: SmartContractVerifier | undefined;
  readonly limits?: Partial<NodeLimits> | undefined;
  /** What one address may call (XND-42); absent: as much as it likes. */
  readonly rateLimits?: RateLimits | undefined;
  /** Where the node writes about itself. */
  readonly logger?: Logger | undefined;
}

export interface CoterieNode {
  /** For an h2 server or the in-memory transport. */
  readonly routes: Routes;
  readonly metrics: Metrics;
  readonly limits: NodeLimits;
  /** Ends all subscriptions; health answers NOT_SERVING from then on. The log stays open: it is the caller's. */
  close(): void;
}

/** The XMTP node over a log, without sockets. */
export function createNode(parts: NodeParts): CoterieNode {
  const metrics = createMetrics();
  const crypto = parts.crypto ?? opensslProvider;
  const env: NodeEnv = {
    log: parts.log,
    clock: parts.clock ?? systemClock,
    crypto,
    contracts: parts.contracts && rememberVerdicts(crypto, parts.contracts),
    limits: { ...defaultLimits, ...parts.limits },
    metrics,
  };
  let serving = true;
  const mls = createMlsApi(env);
  const routes: Routes = new Map([
    ...mls.routes,
    ...createIdentityApi(env),
    ...healthRoutes(() => serving),
  ]);
  const limiter = parts.rateLimits && createRateLimiter(parts.rateLimits, env.clock);
  metrics.gauge("coterie_subscriptions", () => mls.subscribers());
  return {
    routes: instrument(routes, metrics, parts.logger ?? silentLog, limiter),
    metrics,
    limits: env.limits,
    close() {
      serving = false;
      mls.close();
    },
  };
}
