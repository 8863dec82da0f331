import type { Clock } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import type { NodeLimits } from "../limits.ts";
import type { NodeLog } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";

/** What the handlers work with. */
export interface NodeEnv {
  readonly log: NodeLog;
  readonly clock: Clock;
  readonly crypto: CryptoProvider;
  readonly limits: NodeLimits;
  readonly metrics: Metrics;
}
