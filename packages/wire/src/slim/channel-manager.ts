// What operators ask a channel manager (specification 2.4).
export {
  AddParticipantRequest,
  CommandResponse,
  CreateChannelRequest,
  DeleteChannelRequest,
  DeleteParticipantRequest,
  ListChannelsRequest,
  ListChannelsResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
} from "../gen/slim/channel_manager.ts";
export { channelManagerPaths } from "./paths.ts";
