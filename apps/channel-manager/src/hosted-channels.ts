import { formatSlimService } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { ChannelManagerError } from "./errors.ts";
import type { ChannelManagerErrorCode } from "./errors.ts";
import type { ChannelHost, ChannelOptions, HostedMember, HostedSession } from "./host.ts";

/**
 * Channels that one process moderates for whoever asks: a channel manager's, and those of a controller whose moderators are native apps
 * (SCT-28). All failures are `ChannelManagerError`s; each API has words of its own for them.
 */
export interface HostedChannels {
  /** Throws `channel-exists` and `create-failed`. */
  create(channel: SlimName, options: ChannelOptions): Promise<void>;
  /** Closes it for all; waits at most five seconds for them to hear (SCM-03). Throws `no-channel`. */
  delete(channel: SlimName): Promise<void>;
  /** Resolves when the participant is in. Throws `no-channel`, `participant-exists`, `no-route` and `invite-failed`. */
  add(channel: SlimName, participant: SlimName): Promise<void>;
  /** Throws `no-channel`, `no-participant` and `remove-failed`. */
  remove(channel: SlimName, participant: SlimName): Promise<void>;
  /** In the order they were made. */
  list(): readonly SlimName[];
  has(channel: SlimName): boolean;
  /** Throws `no-channel`. */
  members(channel: SlimName): Promise<readonly HostedMember[]>;
  /** `delete` ends all channels for everybody, `keep` leaves them to a later run (SCM-07). */
  close(how: "delete" | "keep"): Promise<void>;
}

/** How long the end of a channel may take, in milliseconds (SCM-03). */
const closeWaitMs = 5_000;

/** Takes up what an earlier run left, too. */
export async function openHostedChannels(host: ChannelHost): Promise<HostedChannels> {
  const sessions = new Map<string, HostedSession>();
  /** Names whose session is being made. */
  const coming = new Set<string>();
  let closed = false;
  for (const session of await host.restore()) {
    sessions.set(formatSlimService(session.channel), session);
  }

  const find = (channel: SlimName): HostedSession => {
    const session = sessions.get(formatSlimService(channel));
    if (session === undefined) throw failure("channel-manager/no-channel", { channel });
    return session;
  };

  return {
    async create(channel, options) {
      const key = formatSlimService(channel);
      if (closed) throw failure("channel-manager/closed", { channel });
      if (sessions.has(key) || coming.has(key)) {
        throw failure("channel-manager/channel-exists", { channel });
      }
      coming.add(key);
      try {
        const session = await host.create(channel, options);
        if (closed) {
          void session.close().catch(() => {});
          throw failure("channel-manager/closed", { channel });
        }
        sessions.set(key, session);
      } catch (cause) {
        if (cause instanceof ChannelManagerError) throw cause;
        throw failure("channel-manager/create-failed", { channel, cause });
      } finally {
        coming.delete(key);
      }
    },
    async delete(channel) {
      const session = find(channel);
      // Gone for whoever asks next, however long the participants take.
      sessions.delete(formatSlimService(channel));
      await within(closeWaitMs, session.close());
    },
    async add(channel, participant) {
      const session = find(channel);
      if ((await session.members()).some(({ name }) => isMeant(name, participant))) {
        throw failure("channel-manager/participant-exists", { channel, participant });
      }
      try {
        await session.invite(participant);
      } catch (cause) {
        if (cause instanceof ChannelManagerError) throw cause;
        throw failure("channel-manager/invite-failed", { channel, participant, cause });
      }
    },
    async remove(channel, participant) {
      const session = find(channel);
      const members = await session.members();
      const meant = members.filter(({ name, isHost }) => !isHost && isMeant(name, participant));
      if (meant.length !== 1) {
        throw failure("channel-manager/no-participant", { channel, participant });
      }
      try {
        await session.remove((meant[0] as HostedMember).name);
      } catch (cause) {
        throw failure("channel-manager/remove-failed", { channel, participant, cause });
      }
    },
    list: () => [...sessions.values()].map(({ channel }) => channel),
    has: (channel) => sessions.has(formatSlimService(channel)),
    members: async (channel) => find(channel).members(),
    async close(how) {
      closed = true;
      const ending = [...sessions.values()].map((session) =>
        within(closeWaitMs, how === "delete" ? session.close() : session.rest()),
      );
      sessions.clear();
      await Promise.all(ending);
    },
  };
}

/** A name without an id means any instance of the service. */
function isMeant(member: SlimName, asked: SlimName): boolean {
  if (formatSlimService(member) !== formatSlimService(asked)) return false;
  return asked.id === undefined || asked.id === member.id;
}

/** Resolves when the work is done, has failed, or takes too long to wait for. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}

function failure(
  code: ChannelManagerErrorCode,
  about: { readonly channel: SlimName; readonly participant?: SlimName; readonly cause?: unknown },
): ChannelManagerError {
  const { channel, participant, cause } = about;
  return new ChannelManagerError(code, {
    details: {
      channel: formatSlimService(channel),
      participant: participant && formatSlimService(participant),
    },
    cause,
  });
}
