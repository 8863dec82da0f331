import { silentLog } from "@coterie/base";
import type { Log } from "@coterie/base";
import type { Route, Routes } from "@coterie/transport";
import type { Codec } from "@coterie/wire";
import { formatSlimName, formatSlimService } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import {
  AddParticipantRequest,
  CommandResponse,
  CreateChannelRequest,
  DeleteChannelRequest,
  DeleteParticipantRequest,
  ListChannelsRequest,
  ListChannelsResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
  channelManagerPaths as paths,
} from "@coterie/wire/slim/channel-manager";
import { ChannelManagerError } from "./errors.ts";
import type { HostedChannels } from "./hosted-channels.ts";
import { parseChannelName, parseParticipantName } from "./names.ts";

export interface ChannelManagerParts {
  readonly channels: HostedChannels;
  /** Channels come from the file alone (SCM-06). */
  readonly configMode?: boolean | undefined;
  /** Channels of the same process that others moderate; they are listed too (SCM-08). */
  readonly others?: (() => readonly string[]) | undefined;
  readonly log?: Log | undefined;
}

const configModeWords =
  "channel manager is running in config mode; modify the config file and restart to change channels or participants";

/** ChannelManagerService of SLIM 2.x. SCM-01: what an operator got wrong is an answer, never a status. */
export function channelManagerRoutes(parts: ChannelManagerParts): Routes {
  const { channels, configMode = false, others = () => [], log = silentLog } = parts;

  /** What the work throws with words becomes the answer. */
  const command = async (work: () => Promise<void>): Promise<CommandResponse> => {
    // SCM-06
    if (configMode) return { success: false, errorMsg: configModeWords };
    try {
      await work();
      return { success: true, errorMsg: undefined };
    } catch (error) {
      return { success: false, errorMsg: said(error) };
    }
  };
  const said = (error: unknown): string => {
    if (error instanceof Refusal) return error.message;
    log.write("error", "channel-manager.failed", { error });
    return "internal error";
  };

  return new Map<string, Route>([
    answer(paths.createChannel, CreateChannelRequest, CommandResponse, (request) =>
      command(async () => {
        const { channelName, mlsEnabled } = request;
        const channel = known(channelName, parseChannelName, "invalid channel name: ");
        await channels.create(channel, { mls: mlsEnabled }).catch((error: unknown) => {
          throw inWords(error, { channel: channelName });
        });
        log.write("info", "channel-manager.created", { channel: channelName, mls: mlsEnabled });
      }),
    ),
    answer(paths.deleteChannel, DeleteChannelRequest, CommandResponse, ({ channelName }) =>
      command(async () => {
        await channels.delete(existing(channels, channelName));
        log.write("info", "channel-manager.deleted", { channel: channelName });
      }),
    ),
    answer(paths.addParticipant, AddParticipantRequest, CommandResponse, (request) =>
      command(async () => {
        const { channelName, participantName } = request;
        const channel = existing(channels, channelName);
        const name = known(participantName, parseParticipantName, "invalid participant name: ");
        await channels.add(channel, name).catch((error: unknown) => {
          throw inWords(error, { channel: channelName, participant: participantName });
        });
      }),
    ),
    answer(paths.deleteParticipant, DeleteParticipantRequest, CommandResponse, (request) =>
      command(async () => {
        const { channelName, participantName } = request;
        const channel = existing(channels, channelName);
        const name = known(participantName, parseParticipantName, "invalid participant name: ");
        await channels.remove(channel, name).catch((error: unknown) => {
          throw inWords(error, { channel: channelName, participant: participantName });
        });
      }),
    ),
    answer(paths.listChannels, ListChannelsRequest, ListChannelsResponse, () => ({
      success: true,
      errorMsg: undefined,
      channelName: [...channels.list().map(formatSlimService), ...others()],
    })),
    answer(
      paths.listParticipants,
      ListParticipantsRequest,
      ListParticipantsResponse,
      async (request) => {
        try {
          // SCM-05: with their ids, the manager too.
          const members = await channels.members(existing(channels, request.channelName));
          const participantName = members.map(({ name }) => formatSlimName(name));
          return { success: true, errorMsg: undefined, participantName };
        } catch (error) {
          return { success: false, errorMsg: said(error), participantName: [] };
        }
      },
    ),
  ]);
}

/** What is told to the operator as it stands. */
class Refusal extends Error {}

function existing(channels: HostedChannels, text: string): SlimName {
  try {
    const channel = parseChannelName(text);
    if (channels.has(channel)) return channel;
  } catch {
    // A name that cannot be is the name of no channel.
  }
  throw new Refusal(`channel ${text} not found`);
}

function known(text: string, parse: (text: string) => SlimName, before: string): SlimName {
  try {
    return parse(text);
  } catch (error) {
    throw new Refusal(`${before}${wordsOf(error)}`);
  }
}

/** SCM-02..04: the words of the native channel manager. */
function inWords(
  error: unknown,
  { channel, participant }: { readonly channel: string; readonly participant?: string },
): unknown {
  if (!(error instanceof ChannelManagerError)) return error;
  switch (error.code) {
    case "channel-manager/channel-exists":
      return new Refusal(`channel ${channel} already exists`);
    case "channel-manager/create-failed":
      return new Refusal(`failed to create channel ${channel}`);
    case "channel-manager/no-channel":
      return new Refusal(`channel ${channel} not found`);
    case "channel-manager/no-route":
      return new Refusal(
        `failed to set route for participant ${participant}: ${wordsOf(error.cause)}`,
      );
    case "channel-manager/participant-exists":
      return new Refusal(
        `failed to invite participant ${participant} to channel ${channel}: participant already in group: ${participant}`,
      );
    case "channel-manager/invite-failed":
      return new Refusal(
        `failed to invite participant ${participant} to channel ${channel}: ${wordsOf(error.cause)}`,
      );
    case "channel-manager/no-participant":
      return new Refusal(
        `failed to remove participant ${participant} from channel ${channel}: participant not found in group: ${participant}`,
      );
    case "channel-manager/remove-failed":
      return new Refusal(
        `failed to remove participant ${participant} from channel ${channel}: ${wordsOf(error.cause)}`,
      );
    case "channel-manager/closed":
      return new Refusal("the channel manager is stopping");
    case "channel-manager/bad-setup":
      return error;
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function answer<Q, A>(
  path: string,
  asked: Codec<Q>,
  told: Codec<A>,
  handle: (request: Q) => Promise<A> | A,
): [string, Route] {
  return [
    path,
    { kind: "unary", handle: async (bytes) => told.encode(await handle(asked.decode(bytes))) },
  ];
}
