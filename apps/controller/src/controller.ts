import { silentLog } from "@coterie/base";
import type { Log as Logger } from "@coterie/base";
import type { Store } from "@coterie/storage";
import type { Routes } from "@coterie/transport";
import { createNetwork } from "./network.ts";
import type { NetworkTimes } from "./network.ts";
import { northboundRoutes } from "./northbound.ts";
import { openRecords } from "./records.ts";
import { createSegments } from "./segments.ts";
import { southboundRoutes } from "./southbound.ts";
import type { Admission } from "./southbound.ts";

export interface ControllerTimes extends NetworkTimes {
  /** How long a node may take to register. */
  readonly registerMs: number;
  /** How long a node may take to answer. */
  readonly answerMs: number;
}

export const defaultTimes: ControllerTimes = {
  graceMs: 60_000,
  confirmMs: 5_000,
  resyncMs: 15_000,
  backoff: [1_000, 60_000],
  registerMs: 15_000,
  answerMs: 20_000,
};

export interface ControllerParts {
  /** Where everything is kept; the caller closes it. */
  readonly store: Store;
  readonly admission?: Admission | undefined;
  readonly times?: Partial<ControllerTimes> | undefined;
  /** Unix milliseconds. */
  readonly now?: (() => number) | undefined;
  /** Draws from [0, 1). */
  readonly random?: (() => number) | undefined;
  readonly logger?: Logger | undefined;
}

export interface Controller {
  /** What nodes dial (SCT-01). */
  readonly southbound: Routes;
  /** What operators ask (SCT-08). */
  readonly northbound: Routes;
  /** Ends all control channels. What nodes were told stands. */
  close(): Promise<void>;
}

/** A controller over a store, without sockets. */
export async function createController(parts: ControllerParts): Promise<Controller> {
  const logger = parts.logger ?? silentLog;
  const now = parts.now ?? Date.now;
  const times = { ...defaultTimes, ...parts.times };
  const records = await openRecords(parts.store);
  const network = createNetwork({
    records,
    times,
    nowSeconds: () => Math.floor(now() / 1000),
    random: parts.random ?? Math.random,
    logger,
  });
  const segments = createSegments(records, network);
  const { registerMs, answerMs } = times;
  const admission = parts.admission ?? {};
  return {
    southbound: southboundRoutes({ network, records, admission, registerMs, answerMs, logger }),
    northbound: northboundRoutes({ network, records, segments }),
    async close() {
      network.close();
      await records.saved();
    },
  };
}
