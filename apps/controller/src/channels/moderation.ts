import type { HostedChannels } from "@coterie/channel-manager";
import { channelOps } from "@coterie/session/control";
import type { Answered, Asking } from "@coterie/session/control";
import { formatSlimName, formatSlimService, parseSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { ChannelRecord } from "../model.ts";
import type { ControllerIdentity, ControlSessions } from "./granted.ts";
import type { ModeratorPresence } from "./presence.ts";
import { failure } from "./words.ts";

export interface ModerationParts {
  readonly hosted?: HostedChannels | undefined;
  readonly granted?: ControllerIdentity | undefined;
  readonly sessions?: ControlSessions | undefined;
  readonly presence: ModeratorPresence;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** What is done in a channel, by whoever moderates it (SCT-22). */
export interface Moderation {
  /** The first of the names moderates, or is the first participant. */
  create(channel: string, moderators: readonly SlimName[]): Promise<ChannelRecord>;
  delete(record: ChannelRecord): Promise<void>;
  add(record: ChannelRecord, participant: SlimName): Promise<void>;
  remove(record: ChannelRecord, participant: SlimName): Promise<void>;
  /** Who is in it now, with their ids; its moderators and the controller left out; undefined where nobody can say. */
  members(record: ChannelRecord): Promise<readonly SlimName[] | undefined>;
  /** The controller's own name in it, where it has one. */
  own(record: ChannelRecord): Promise<SlimName | undefined>;
  /** Whether all who may moderate it are away for long (SCT-32). */
  isOffline(record: ChannelRecord): boolean;
}

/** How every channel is made, in either mode (SCT-27, SCT-28). */
const settings = { mls: true, interval: 1000, maxRetries: 10 } as const;

export function createModeration(parts: ModerationParts): Moderation {
  const { hosted, granted, presence, now } = parts;

  const sessions = (): ControlSessions => parts.sessions ?? withoutApp();
  const host = (): HostedChannels => hosted ?? withoutApp();

  /** Asks the moderators that are here, in their order, until one of them has the channel (SCT-32). */
  const askModerator = async (record: ChannelRecord, asking: Asking): Promise<Answered> => {
    const [first] = record.moderators;
    let nobody: unknown = failure(
      "controller/not-found",
      `failed to find moderator node: no node found for moderator ${first}`,
    );
    for (const name of record.moderators) {
      const control = presence.control(parseSlimName(name));
      if (control === undefined) continue;
      try {
        return await sessions().ask(control, asking);
      } catch (error) {
        if (!hasNot(error, record)) throw error;
        nobody = error;
      }
    }
    throw nobody;
  };

  /** Every one of them says that it has no such channel, or is away for long: it is over. */
  const isGone = ({ moderators }: ChannelRecord): boolean =>
    moderators.every((text) => {
      const name = parseSlimName(text);
      return presence.control(name) !== undefined || presence.isOffline(name);
    });

  const createGranted = async (
    channel: string,
    moderators: readonly string[],
    control: SlimName,
    identity: ControllerIdentity,
  ): Promise<ChannelRecord> => {
    const created = now();
    const grant = identity.sign({
      channel,
      moderator: moderators[0] ?? "",
      moderators,
      controller: identity.baseId,
      issuedAt: Math.floor(created / 1000),
      ops: channelOps,
    });
    const asking = { op: "create-channel", channel, ...settings, metadata: {}, grant } as const;
    await sessions().ask(control, asking);
    return { channel, mode: "granted", moderators, participants: [], mls: true, created, grant };
  };

  const createHosted = async (
    channel: string,
    moderators: readonly string[],
    first: SlimName,
  ): Promise<ChannelRecord> => {
    const name = parseSlimName(channel);
    await host().create(name, { mls: settings.mls });
    try {
      await host().add(name, first);
    } catch (error) {
      await host().delete(name);
      throw error;
    }
    const created = now();
    return { channel, mode: "hosted", moderators, participants: [], mls: true, created };
  };

  const isOffline = ({ mode, moderators }: ChannelRecord): boolean =>
    mode === "granted" && moderators.every((name) => presence.isOffline(parseSlimName(name)));

  return {
    create(channel, moderators) {
      const first = moderators[0] as SlimName;
      const names = moderators.map(formatSlimName);
      // SCT-23: whoever answers to controllers moderates; for the others the controller does
      const control = presence.control(first);
      return control === undefined || granted === undefined
        ? createHosted(channel, names, first)
        : createGranted(channel, names, control, granted);
    },

    async delete(record) {
      const { channel } = record;
      if (record.mode === "hosted") await host().delete(parseSlimName(channel));
      // nobody is left to be told of one whose moderators are all gone
      else if (!isOffline(record)) {
        try {
          await askModerator(record, { op: "delete-channel", channel });
        } catch (error) {
          if (!hasNot(error, record) || !isGone(record)) throw error;
        }
      }
    },

    async add(record, name) {
      const { channel } = record;
      if (record.mode === "hosted") return host().add(parseSlimName(channel), name);
      const participant = formatName(name);
      await askModerator(record, { op: "add-participant", channel, participant });
    },

    async remove(record, name) {
      const { channel } = record;
      if (record.mode === "hosted") return host().remove(parseSlimName(channel), name);
      const participant = formatName(name);
      await askModerator(record, { op: "delete-participant", channel, participant });
    },

    async members(record) {
      const { channel } = record;
      const isOther = (name: SlimName): boolean =>
        !record.moderators.includes(formatSlimName(name));
      try {
        if (record.mode === "hosted") {
          const members = await host().members(parseSlimName(channel));
          return members.flatMap(({ name, isHost }) => (!isHost && isOther(name) ? [name] : []));
        }
        const asking = { op: "list-participants", channel } as const;
        const { participants = [] } = await askModerator(record, asking);
        return participants.map(({ name }) => parseSlimName(name)).filter(isOther);
      } catch {
        return undefined;
      }
    },

    async own({ mode, channel }) {
      if (mode === "granted") return undefined;
      const members = await host().members(parseSlimName(channel));
      return members.find(({ isHost }) => isHost)?.name;
    },

    isOffline,
  };
}

/** The words of an app that moderates no such channel (any more). */
function hasNot(error: unknown, { channel }: ChannelRecord): boolean {
  return error instanceof Error && error.message === `channel ${channel} not found`;
}

function withoutApp(): never {
  throw failure("controller/channel-failed", "the controller has no app of its own");
}

const formatName = (name: SlimName): string =>
  name.id === undefined ? formatSlimService(name) : formatSlimName(name);
