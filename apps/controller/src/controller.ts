import { silentLog, systemRandom } from "@coterie/base";
import type { Log as Logger, Random } from "@coterie/base";
import { channelManagerRoutes } from "@coterie/channel-manager";
import type { HostedChannels } from "@coterie/channel-manager";
import type { Store } from "@coterie/storage";
import type { Routes } from "@coterie/transport";
import { createChannels } from "./channels/channels.ts";
import type { Channels } from "./channels/channels.ts";
import type { ControllerIdentity } from "./channels/granted.ts";
import { channelRoutes } from "./channels/rpcs.ts";
import { ControllerError } from "./errors.ts";
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
  /** How long whoever asks about a channel waits (SCT-30). */
  readonly channelMs: number;
  /** After which a moderator without a route counts as offline (SCT-32). */
  readonly offlineMs: number;
}

export const defaultTimes: ControllerTimes = {
  graceMs: 60_000,
  confirmMs: 5_000,
  resyncMs: 15_000,
  backoff: [1_000, 60_000],
  registerMs: 15_000,
  answerMs: 20_000,
  channelMs: 15_000,
  offlineMs: 60_000,
};

export interface ControllerParts {
  /** Where everything is kept; the caller closes it. */
  readonly store: Store;
  readonly admission?: Admission | undefined;
  readonly times?: Partial<ControllerTimes> | undefined;
  /** Unix milliseconds. */
  readonly now?: (() => number) | undefined;
  /** Draws from [0, 1), for waits. */
  readonly random?: (() => number) | undefined;
  /** For the names of channels. */
  readonly unpredictable?: Random | undefined;
  readonly logger?: Logger | undefined;
}

/** What the controller's own app is good for (SCT-21). Either may be missing. */
export interface ControllerApp {
  /** Channels that it moderates itself (SCT-28). */
  readonly hosted?: HostedChannels | undefined;
  /** Sessions with the apps that moderate on its word (SCT-25). */
  readonly granted?: ControllerIdentity | undefined;
}

export interface Controller {
  /** What nodes dial (SCT-01). */
  readonly southbound: Routes;
  /** What operators ask (SCT-08). */
  readonly northbound: Routes;
  /** Gives the controller its app: from then on there are channels. Once; answers the channel manager of its hosted ones (SCM-08). */
  attach(app: ControllerApp): Routes;
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
  const { registerMs, answerMs, channelMs, offlineMs } = times;
  const admission = parts.admission ?? {};
  let attached: Channels | undefined;
  const channels = (): Channels => {
    if (attached !== undefined) return attached;
    const message = "the controller has no app of its own";
    throw new ControllerError("controller/channel-failed", { message });
  };
  return {
    southbound: southboundRoutes({ network, records, admission, registerMs, answerMs, logger }),
    northbound: new Map([
      ...northboundRoutes({ network, records, segments }),
      ...channelRoutes(channels),
    ]),
    attach({ hosted, granted }) {
      const made = createChannels({
        records,
        known: {
          instances: (service) => network.names.instances(service),
          controls: () => network.names.suffixed(),
          watch: (listener) => network.watchNames(listener),
        },
        hosted,
        granted,
        random: parts.unpredictable ?? systemRandom,
        now,
        answerMs: channelMs,
        offlineMs,
        logger,
      });
      attached = made;
      if (hosted === undefined) return new Map();
      return channelManagerRoutes({ channels: hosted, others: () => made.granted(), log: logger });
    },
    async close() {
      await attached?.close();
      network.close();
      await records.saved();
    },
  };
}
