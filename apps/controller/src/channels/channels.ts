import type { HostedChannels } from "@coterie/channel-manager";
import { silentLog } from "@coterie/base";
import type { Log as Logger, Random } from "@coterie/base";
import { formatSlimName, formatSlimService, parseSlimName } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import type { ChannelRecord } from "../model.ts";
import type { Records } from "../records.ts";
import { randomChannelId } from "./channel-name.ts";
import { findInstance, fits, parseGivenName, sameGiven, shownNames } from "./given-name.ts";
import type { GivenName } from "./given-name.ts";
import { createControlSessions } from "./granted.ts";
import type { ControllerIdentity } from "./granted.ts";
import { createModeration } from "./moderation.ts";
import { watchModerators } from "./presence.ts";
import type { KnownNames } from "./presence.ts";
import { relearn } from "./relearn.ts";
import { doing, failure, inWords, within } from "./words.ts";

export interface ChannelParts {
  readonly records: Records;
  readonly known: KnownNames;
  /** Channels that the controller moderates itself (SCT-28); absent: none. */
  readonly hosted?: HostedChannels | undefined;
  /** For channels that apps moderate on the controller's word; absent: none. */
  readonly granted?: ControllerIdentity | undefined;
  readonly random: Random;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** How long whoever asks waits (SCT-30). */
  readonly answerMs: number;
  /** After which a moderator without a route counts as offline (SCT-32). */
  readonly offlineMs: number;
  readonly logger?: Logger | undefined;
}

/** The channels of the 1.4 calls. All failures are `ControllerError`s whose message is for the operator (10.1 of the specification). */
export interface Channels {
  /** Answers the channel's name. */
  create(moderators: readonly string[]): Promise<string>;
  delete(channel: string): Promise<void>;
  add(channel: string, participant: string): Promise<void>;
  remove(channel: string, participant: string): Promise<void>;
  list(): readonly string[];
  /** As they were added; `all`: moderators and the controller itself, too. */
  participants(channel: string, all?: boolean): Promise<readonly string[]>;
  /** Names of granted channels, for whoever lists the hosted ones. */
  granted(): readonly string[];
  close(): Promise<void>;
}

export function createChannels(parts: ChannelParts): Channels {
  const { records, known, hosted, granted, answerMs } = parts;
  const logger = parts.logger ?? silentLog;
  const presence = watchModerators(known, parts.offlineMs, parts.now);
  const sessions = granted && createControlSessions(granted, answerMs);
  const moderation = createModeration({ hosted, granted, sessions, presence, now: parts.now });
  /** One step at a time for each channel. */
  const queues = new Map<string, Promise<unknown>>();

  const instancesOf = (name: SlimName): SlimName[] =>
    known.instances(formatSlimService(name)).map(parseSlimName);

  /** A hosted channel is there while its session is; one made through the channel manager has no record (SCM-08). */
  const isHosted = (channel: string): boolean => hosted?.has(parseSlimName(channel)) === true;
  const look = (channel: string): ChannelRecord | undefined => {
    const record = records.channels.get(channel);
    if (record?.isDeleted === true) return undefined;
    if (record?.mode === "granted") return record;
    if (isHosted(channel)) {
      const nobody = { moderators: [], participants: [] } as const;
      return record ?? { channel, mode: "hosted", ...nobody, mls: true, created: 0 };
    }
    if (record !== undefined) records.channels.delete(channel);
    return undefined;
  };
  const find = (channel: string): ChannelRecord => {
    const found = look(channel);
    if (found !== undefined) return found;
    const words = `failed to get channel from DB: channel ${channel} not found`;
    throw failure("controller/not-found", words);
  };

  /** SND-09: what was typed for a moderator, to one instance that is here. */
  const moderatorOf = (text: string): SlimName => {
    const given = inWords("invalid moderator name: ", () => parseGivenName(text, [3, 4]));
    const instances = instancesOf(given.name);
    const found = inWords("invalid moderator name: ", () => findInstance(given, instances));
    if (found !== undefined) return found;
    if (given.name.id === undefined && given.decimal === undefined && instances.length === 0) {
      const words = "invalid moderator name: no instance of it is known";
      throw failure("controller/ambiguous-name", words);
    }
    const words = `failed to find moderator node: no node found for moderator ${text}`;
    throw failure("controller/not-found", words);
  };

  /** A participant may be where no node of ours is; only a number has to be looked up. */
  const participantOf = (given: GivenName, among: readonly SlimName[]): SlimName => {
    if (given.decimal === undefined) return given.name;
    const found = inWords("invalid participant name: ", () => findInstance(given, among));
    if (found !== undefined) return found;
    const words = `invalid participant name: no instance known for ${given.text}`;
    throw failure("controller/ambiguous-name", words);
  };

  /** Whether it still is, where that can be told: some leave by themselves. */
  const isIn = async (record: ChannelRecord, given: GivenName): Promise<boolean> => {
    const members = await moderation.members(record);
    return members?.some((name) => fits(given, formatSlimName(name))) ?? true;
  };

  const save = async (record: ChannelRecord): Promise<void> => {
    records.channels.put(record.channel, record);
    await records.saved();
  };

  /** In turn, and for no longer than whoever asks waits; what takes longer goes on, and its end is kept. */
  const inTurn = <T>(channel: string, work: () => Promise<T>): Promise<T> => {
    const mine = (queues.get(channel) ?? Promise.resolve()).then(work, work);
    queues.set(channel, mine);
    const leave = (): void => {
      if (queues.get(channel) === mine) queues.delete(channel);
    };
    mine.then(leave, leave);
    return within(mine, answerMs);
  };

  const newName = ({ organization, namespace }: SlimName): string => {
    for (;;) {
      const channel = `${organization}/${namespace}/${randomChannelId(parts.random)}`;
      if (
        records.channels.get(channel) === undefined &&
        instancesOf(parseSlimName(channel)).length === 0
      ) {
        return channel;
      }
    }
  };

  const stopRelearning = relearn({ records, presence, known, granted, sessions, logger });

  return {
    async create(texts) {
      if (texts.length === 0) {
        const words = "at least one moderator is required to create a channel";
        throw failure("controller/invalid-argument", words);
      }
      const found = texts.map(moderatorOf);
      const channel = newName(found[0] as SlimName);
      return inTurn(channel, async () => {
        const record = await doing("failed to create channel: ", () =>
          moderation.create(channel, found),
        );
        await save(record);
        logger.write("info", "controller.channel-created", { channel, mode: record.mode });
        return channel;
      });
    },

    async delete(channel) {
      inWords("invalid channel name: ", () => parseGivenName(channel, [3]));
      find(channel);
      await inTurn(channel, async () => {
        const record = find(channel);
        await doing("failed to delete channel: ", () => moderation.delete(record));
        if (moderation.isOffline(record))
          records.channels.put(channel, { ...record, isDeleted: true });
        else records.channels.delete(channel);
        await records.saved();
      });
    },

    async add(channel, participant) {
      inWords("invalid channel name: ", () => parseGivenName(channel, [3]));
      const given = inWords("invalid participant name: ", () =>
        parseGivenName(participant, [3, 4]),
      );
      find(channel);
      const name = participantOf(given, instancesOf(given.name));
      await inTurn(channel, async () => {
        const record = find(channel);
        // SCT-30: before anybody is invited
        const listed = record.participants.filter((text) => sameGiven(text, given));
        const first =
          record.mode === "hosted" && record.moderators.some((text) => fits(given, text));
        if (first || (listed.length > 0 && (await isIn(record, given)))) {
          const words = `participant ${participant} already exists in channel ${channel}`;
          throw failure("controller/exists", words);
        }
        await doing("failed to add participant: ", () => moderation.add(record, name));
        // who had left by itself stands there once
        const others = record.participants.filter((text) => !listed.includes(text));
        await save({ ...record, participants: [...others, participant] });
      });
    },

    async remove(channel, participant) {
      if (channel === "")
        throw failure("controller/invalid-argument", "channel ID cannot be empty");
      if (participant === "") {
        throw failure("controller/invalid-argument", "participant ID cannot be empty");
      }
      find(channel);
      await inTurn(channel, async () => {
        const record = find(channel);
        const given = inWords("invalid participant name: ", () =>
          parseGivenName(participant, [3, 4]),
        );
        const listed = record.participants.find((text) => sameGiven(text, given));
        const members = await moderation.members(record);
        // whoever came by the moderator's own invitation may be meant too
        const meant = members?.filter((name) => fits(given, formatSlimName(name))) ?? [];
        const participants = record.participants.filter((text) => text !== listed);
        if (meant.length !== 1 && (listed === undefined || members !== undefined)) {
          if (meant.length === 0 && listed !== undefined) await save({ ...record, participants });
          const words = `participant ${participant} not found in channel ${channel}`;
          throw failure("controller/not-found", words);
        }
        const name = meant[0] ?? participantOf(given, instancesOf(given.name));
        await doing("failed to remove participant: ", () => moderation.remove(record, name));
        await save({ ...record, participants });
      });
    },

    list() {
      const made = [...records.channels.values()].toSorted((a, b) => a.created - b.created);
      const all = new Set(made.map(({ channel }) => channel));
      for (const name of hosted?.list() ?? []) all.add(formatSlimService(name));
      return [...all].flatMap((channel) => {
        const record = look(channel);
        if (record === undefined) return [];
        return moderation.isOffline(record) ? `${channel} (moderator offline)` : channel;
      });
    },

    async participants(channel, all = false) {
      inWords("invalid channel name: ", () => parseGivenName(channel, [3]));
      const record = find(channel);
      const members = await within(moderation.members(record), answerMs).catch(() => undefined);
      const shown = shownNames(record.participants, members);
      if (!all) return shown;
      const own = await moderation.own(record);
      return [
        ...(own === undefined ? [] : [`${formatSlimName(own)} (controller)`]),
        ...record.moderators,
        ...shown,
      ];
    },

    granted: () =>
      [...records.channels.values()]
        .filter(({ mode, isDeleted }) => mode === "granted" && isDeleted !== true)
        .map(({ channel }) => channel),

    async close() {
      stopRelearning();
      presence.close();
      await sessions?.close();
    },
  };
}
