// Channels that an app moderates on a controller's word: the app's side, and what a controller needs to ask for it.
export { acceptsController } from "./trust.ts";
export type { AcceptController } from "./trust.ts";
export { createControlServer } from "./serve.ts";
export type { ControlServer, ServeControlParts } from "./serve.ts";
export { openControlSession } from "./open.ts";
export { createControlRequester } from "./request.ts";
export type { Answered, Asking, ControlRequester } from "./request.ts";
export { grantKey, readGrant, signGrant, verifyGrant } from "./grant.ts";
export type { Grant } from "./grant.ts";
export { channelOps, controlKey, controlPayloadType, controlSuffix } from "./protocol.ts";
export type { ChannelOp, ControlAnswer, ControlRequest } from "./protocol.ts";
export type {
  ChannelSettings,
  ControlledApp,
  ControlledChannel,
  ControlledMember,
  ControlMessage,
  ControlSession,
} from "./port.ts";
