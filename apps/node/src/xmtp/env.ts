import type { Clock } from "@coterie/base";
import type { CryptoProvider } from "@coterie/crypto";
import type { SmartContractVerifier } from "@coterie/identity";
import type { NodeLimits } from "../limits.ts";
import type { NodeLog } from "../log/log.ts";
import type { Metrics } from "../metrics.ts";

/** What the handlers work with. */
export interface NodeEnv {
  readonly log: NodeLog;
  readonly clock: Clock;
  readonly crypto: CryptoProvider;
  /** Asks chains about contract wallets; without it none of them is valid (XND-25). */
  readonly contracts?: SmartContractVerifier | undefined;
  readonly limits: NodeLimits;
  readonly metrics: Metrics;
}
