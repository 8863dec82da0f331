export { Client } from "./client.ts";
export type { ClientOptions } from "./client.ts";
export type { KeyPackageStatus } from "./accounts.ts";
export { Preferences } from "./preferences-api.ts";
export type { InboxState, UserPreferenceUpdate } from "./preferences-api.ts";
export type { Consent } from "./preferences.ts";
export { Conversations } from "./conversations.ts";
export type { StreamAllOptions } from "./conversations.ts";
export type { ListConversationsOptions } from "./list-conversations.ts";
export type { CreateGroupOptions } from "./group-options.ts";
export { Conversation } from "./conversation.ts";
export type { SendOptions } from "./conversation.ts";
export type { HmacKey } from "./push/hmac-keys.ts";
export type { ConversationDebugInfo, OpenIntent, RefusedCommit } from "./debug-info.ts";
export type { GroupMember } from "./list-members.ts";
export { Group } from "./group.ts";
export type { GroupPermissions, PermissionPolicySet } from "./group.ts";
export { Dm } from "./dm.ts";
export type { ContentCodec, DecodedMessage } from "./decoded-message.ts";
export type { ListMessagesOptions } from "./list-messages.ts";
export type { AsyncStreamProxy, StreamOptions } from "./async-stream.ts";
export { ClientError } from "./errors.ts";
export type { ClientErrorCode } from "./errors.ts";
export {
  ConsentEntityType,
  ConsentState,
  ConversationType,
  DeliveryStatus,
  GroupMembershipState,
  GroupMessageKind,
  GroupPermissionsOptions,
  IdentifierKind,
  MetadataField,
  PermissionLevel,
  PermissionPolicy,
  PermissionUpdateType,
  SortDirection,
} from "./enums.ts";
export { contentTypes, encodeText } from "./engine/content.ts";
export type { EngineEvent } from "./engine/state.ts";
export { libxmtpVersion } from "./engine/version.ts";
export { systemTimers } from "./run.ts";
export type { Timers } from "./run.ts";

// What others give and take here.
export type { EoaSigner, PublicIdentifier, ScwSigner, Signer } from "@coterie/identity";
export type { EncodedContent, GroupUpdated } from "@coterie/wire";
