import type { Route, Routes } from "@coterie/transport";
import {
  Ack,
  AddParticipantRequest,
  DeleteChannelRequest,
  DeleteParticipantRequest,
  ListChannelsRequest,
  ListChannelsResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
} from "@coterie/wire/slim/controller";
import {
  CreateChannelRequest,
  CreateChannelResponse,
  northboundPaths,
} from "@coterie/wire/slim/controlplane";
import { ControllerError } from "../errors.ts";
import { unary } from "../northbound.ts";
import type { Channels } from "./channels.ts";

/** A caller that wants the moderators and the controller listed too sends this with `all`. */
const listKey = "x-coterie-list";

/** The six calls of 1.4 (SCT-20), which do not clash with those of 2.x. */
export function channelRoutes(current: () => Channels): Routes {
  return new Map<string, Route>([
    unary(
      northboundPaths.createChannel,
      CreateChannelRequest,
      CreateChannelResponse,
      async ({ moderators }) => ({ channelName: await current().create(moderators) }),
    ),
    unary(northboundPaths.deleteChannel, DeleteChannelRequest, Ack, ({ channelName }) =>
      acknowledged(() => current().delete(channelName)),
    ),
    unary(
      northboundPaths.addParticipant,
      AddParticipantRequest,
      Ack,
      ({ channelName, participantName }) =>
        acknowledged(() => current().add(channelName, participantName)),
    ),
    unary(
      northboundPaths.deleteParticipant,
      DeleteParticipantRequest,
      Ack,
      ({ channelName, participantName }) =>
        acknowledged(() => current().remove(channelName, participantName)),
    ),
    unary(northboundPaths.listChannels, ListChannelsRequest, ListChannelsResponse, () => ({
      originalMessageId: "",
      channelName: current().list(),
    })),
    unary(
      northboundPaths.listParticipants,
      ListParticipantsRequest,
      ListParticipantsResponse,
      async ({ channelName }, { metadata }) => {
        const all = metadata[listKey] === "all";
        const participantName = await current().participants(channelName, all);
        return { originalMessageId: "", participantName };
      },
    ),
  ]);
}

/** SCT-30: success is told when it is done; what failed on the way is an answer, what could not be asked a status. */
async function acknowledged(work: () => Promise<void>): Promise<Ack> {
  try {
    await work();
    return { originalMessageId: "", success: true, messages: [] };
  } catch (error) {
    if (!(error instanceof ControllerError) || !failedOnTheWay.has(error.code)) throw error;
    return { originalMessageId: "", success: false, messages: [error.message] };
  }
}

const failedOnTheWay: ReadonlySet<string> = new Set([
  "controller/channel-failed",
  "controller/no-answer",
]);
