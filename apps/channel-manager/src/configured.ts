import { silentLog } from "@coterie/base";
import type { Log } from "@coterie/base";
import { formatSlimName, formatSlimService } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { ConfiguredChannel } from "./config.ts";
import { ChannelManagerError } from "./errors.ts";
import type { HostedChannels } from "./hosted-channels.ts";

export interface ConfiguredChannelsOptions {
  /** Between attempts to reach who did not answer. Default 10 seconds. */
  readonly retryMs?: number | undefined;
  readonly log?: Log | undefined;
}

/** The channels of a configuration file being brought about. */
export interface ConfiguredChannels {
  /** Resolves when everybody was invited once, whether they answered or not. */
  readonly invitedOnce: Promise<void>;
  /** No more invitations. */
  stop(): void;
}

/**
 * SCM-06: makes the channels that are missing and invites who is missing from them. Whoever does not answer is asked again until they are in: an
 * app may start after its manager. Whoever leaves later has left.
 */
export async function startConfiguredChannels(
  channels: HostedChannels,
  wanted: readonly ConfiguredChannel[],
  { retryMs = 10_000, log = silentLog }: ConfiguredChannelsOptions = {},
): Promise<ConfiguredChannels> {
  let stopped = false;
  const timers = new Set<NodeJS.Timeout>();

  for (const { name, mls } of wanted) {
    if (!channels.has(name)) await channels.create(name, { mls });
  }

  const invite = async (channel: SlimName, participant: SlimName): Promise<void> => {
    if (stopped) return;
    try {
      await channels.add(channel, participant);
    } catch (error) {
      if (stopped || isThere(error)) return;
      log.write("warn", "channel-manager.not-joined", {
        channel: formatSlimService(channel),
        participant: formatSlimName(participant),
        error,
      });
      const timer = setTimeout(() => {
        timers.delete(timer);
        void invite(channel, participant);
      }, retryMs);
      timers.add(timer);
    }
  };

  const invitedOnce = Promise.all(
    wanted.map(async ({ name, participants }) => {
      // A session takes one at a time anyway; the order is that of the file.
      for (const participant of participants) await invite(name, participant);
    }),
  ).then(() => {});
  return {
    invitedOnce,
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function isThere(error: unknown): boolean {
  return (
    error instanceof ChannelManagerError && error.code === "channel-manager/participant-exists"
  );
}
