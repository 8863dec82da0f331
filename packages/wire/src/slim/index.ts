// The SLIM wire: messages of the data plane, names, and what a node reads without decoding.
export {
  ApplicationPayload,
  CommandPayload,
  Content,
  DiscoveryReplyPayload,
  DiscoveryRequestPayload,
  EncodedName,
  GroupAckPayload,
  GroupClosePayload,
  GroupNackPayload,
  GroupProposalPayload,
  GroupUpdateOp,
  GroupUpdatePayload,
  GroupWelcomePayload,
  HeaderIntegrityAad,
  HeartbeatPayload,
  JoinReplyPayload,
  JoinRequestPayload,
  LeaveReplyPayload,
  LeaveRequestPayload,
  Link,
  LinkConnectionType,
  LinkNegotiationPayload,
  Message,
  MlsPayload,
  MlsSettings,
  Name,
  NameId,
  Participant,
  ParticipantSettings,
  ParticipantState,
  Publish,
  RejoinReplyPayload,
  RejoinRequestPayload,
  SLIMHeader,
  SessionHeader,
  SessionMessageType,
  SessionType,
  StringName,
  Subscribe,
  SubscriptionAck,
  TimerSettings,
  Unsubscribe,
  UpdateParticipantStatePayload,
} from "../gen/slim/dataplane.ts";
export {
  decodeSlimName,
  encodeSlimName,
  formatSlimName,
  formatSlimService,
  parseSlimName,
  sameSlimName,
  slimAppId,
  slimChannelIds,
  slimName,
} from "./name.ts";
export type { SlimName } from "./name.ts";
export { headerMacPreimage } from "./header-mac.ts";
export type { MacFields } from "./header-mac.ts";
export { headerIntegrityAad } from "./integrity.ts";
export { peekSlimHeader, peekSlimMessage } from "./peek.ts";
export type { Peeked, PeekedHeader, PeekedMessage, PeekedName, Range } from "./peek.ts";
export { moveSlimHeader, replaceSlimHeader, restampSlimHeader } from "./restamp.ts";
export { headerMacKey, SlimHeaderScan } from "./scan.ts";
export type { HeaderMacKey } from "./scan.ts";
export { keepEncoding } from "../writer.ts";
export { slimPaths } from "./paths.ts";
