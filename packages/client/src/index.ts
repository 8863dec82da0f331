export { Client } from "./client.ts";
export type { ClientOptions } from "./client-options.ts";
export { BackupElementSelectionOption } from "./archive/options.ts";
export type { ArchiveMetadata, ArchiveOptions } from "./archive/options.ts";
export type { ArchiveFiles, ArchiveInput } from "./archive/files.ts";
export type { ArchiveSource, ImportSummary } from "./archive/import.ts";
export type { Fetch, FetchResponse } from "./archive/transfer.ts";
export type { AvailableArchiveInfo } from "./device-sync/history.ts";
export { WorkerKind } from "./worker-config.ts";
export type { WorkerConfigOptions } from "./worker-config.ts";
export type { SyncSummary } from "./device-sync/device-sync.ts";
export type { KeyPackageStatus } from "./key-package-status.ts";
export {
  applySignatureRequest,
  canMessage,
  fetchInboxStates,
  fetchLatestInboxUpdatesCount,
  generateInboxId,
  getInboxIdForIdentifier,
  isAddressAuthorized,
  isInstallationAuthorized,
  revokeInstallations,
  revokeInstallationsSignatureRequest,
} from "./backend.ts";
export type { Backend } from "./backend.ts";
export { verifySignedWithPublicKey } from "@coterie/identity";
export { SignatureRequest } from "./signature-request.ts";
export type { PasskeySignature } from "./signature-request.ts";
export type { SlimIdentityOptions } from "./slim-identity.ts";
export { DebugInformation } from "./api-statistics.ts";
export type { ApiStats, IdentityStats } from "./api-statistics.ts";
export { databaseKeyText, deriveDatabaseKey } from "./database-key.ts";
export type { DatabaseKeyOptions } from "./database-key.ts";
export { Preferences } from "./preferences-api.ts";
export type { InboxState } from "./inbox-state.ts";
export type { UserPreferenceUpdate } from "./preferences-api.ts";
export type { Consent } from "./preferences.ts";
export { Conversations } from "./conversations.ts";
export type { StreamAllOptions } from "./conversation-streams.ts";
export type { ListConversationsOptions } from "./list-conversations.ts";
export type { CreateGroupOptions } from "./group-options.ts";
export type {
  PermissionChoice,
  PermissionChoices,
  PermissionPolicySet,
} from "./permission-options.ts";
export type { AskedAction } from "./asked-action.ts";
export { Conversation } from "./conversation.ts";
export type { SendOptions } from "./content-sender.ts";
export type { HmacKey } from "./push/hmac-keys.ts";
export { isOwnMessage } from "./push/own-message.ts";
export type { ConversationDebugInfo, OpenIntent, RefusedCommit } from "./debug-info.ts";
export type { GroupMember } from "./list-members.ts";
export { Group } from "./group.ts";
export type { GroupPermissions } from "./group.ts";
export { Dm } from "./dm.ts";
export type { DecodedMessage, DeletedMessage, EnrichedReply } from "./decoded-message.ts";
export type { ListMessagesOptions } from "./list-messages.ts";
export type { AsyncStreamProxy, StreamOptions } from "./async-stream.ts";
export { createStream } from "./stream-function.ts";
export type { StreamCallback, StreamCloser, StreamFunction } from "./stream-function.ts";
export type { LocalStreamOptions } from "./local-stream.ts";
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
  ListConversationsOrderBy,
  MessageSortBy,
  MetadataField,
  PermissionLevel,
  PermissionPolicy,
  PermissionUpdateType,
  SortDirection,
} from "./enums.ts";
// Content: its types, a codec for each, and what remote attachments need.
export { contentTypes } from "./engine/content.ts";
export { ContentType } from "./content-filter.ts";
export type { ContentCodec } from "./content/codec.ts";
export {
  contentTypeFromString,
  contentTypeToString,
  contentTypesAreEqual,
  decodeContent,
  encodeContent,
} from "./content/encoded-content.ts";
export type { AnyEncodedContent, EncodedContent } from "./content/encoded-content.ts";
export { actionsCodec, ActionStyle } from "./content/actions.ts";
export type { Action, Actions } from "./content/actions.ts";
export { attachmentCodec } from "./content/attachment.ts";
export type { Attachment } from "./content/attachment.ts";
export { decryptAttachment, encryptAttachment } from "./content/encrypt-attachment.ts";
export type { EncryptedAttachment } from "./content/encrypt-attachment.ts";
export {
  deleteMessageCodec,
  groupUpdatedCodec,
  leaveRequestCodec,
} from "./content/group-messages.ts";
export { intentCodec } from "./content/intent.ts";
export type { Intent } from "./content/intent.ts";
export { multiRemoteAttachmentCodec } from "./content/multi-remote-attachment.ts";
export type { MultiRemoteAttachment } from "./content/multi-remote-attachment.ts";
export {
  ReactionAction,
  ReactionSchema,
  reactionCodec,
  reactionV1Codec,
} from "./content/reaction.ts";
export type { Reaction } from "./content/reaction.ts";
export { readReceiptCodec } from "./content/read-receipt.ts";
export type { ReadReceipt } from "./content/read-receipt.ts";
export { remoteAttachmentCodec } from "./content/remote-attachment.ts";
export type { RemoteAttachment } from "./content/remote-attachment.ts";
export { replyCodec } from "./content/reply.ts";
export type { Reply } from "./content/reply.ts";
export { markdownCodec, textCodec } from "./content/text.ts";
export { transactionReferenceCodec } from "./content/transaction-reference.ts";
export type { TransactionMetadata, TransactionReference } from "./content/transaction-reference.ts";
export { walletSendCallsCodec } from "./content/wallet-send-calls.ts";
export type { WalletCall, WalletSendCalls } from "./content/wallet-send-calls.ts";
export {
  encodeActions,
  encodeAttachment,
  encodeIntent,
  encodeMarkdown,
  encodeMultiRemoteAttachment,
  encodeReaction,
  encodeReadReceipt,
  encodeRemoteAttachment,
  encodeReply,
  encodeText,
  encodeTransactionReference,
  encodeWalletSendCalls,
} from "./content/encode.ts";
export {
  contentTypeActions,
  contentTypeAttachment,
  contentTypeGroupUpdated,
  contentTypeIntent,
  contentTypeLeaveRequest,
  contentTypeMarkdown,
  contentTypeMultiRemoteAttachment,
  contentTypeReaction,
  contentTypeReadReceipt,
  contentTypeRemoteAttachment,
  contentTypeReply,
  contentTypeText,
  contentTypeTransactionReference,
  contentTypeWalletSendCalls,
} from "./content/type-ids.ts";
export {
  isActions,
  isAttachment,
  isDeletedMessage,
  isGroupUpdated,
  isIntent,
  isLeaveRequest,
  isMarkdown,
  isMultiRemoteAttachment,
  isReaction,
  isReadReceipt,
  isRemoteAttachment,
  isReply,
  isText,
  isTextReply,
  isTransactionReference,
  isWalletSendCalls,
} from "./message-guards.ts";
export type { EngineEvent } from "./engine/state.ts";
export { libxmtpVersion } from "./engine/version.ts";
export { systemTimers } from "./run.ts";
export type { Timers } from "./run.ts";

// What others give and take here.
export type { Decision, Explanation, Permissions, Reason } from "@coterie/policy";
export type {
  ContractCheck,
  ContractVerdict,
  EoaSigner,
  PasskeyAssertion,
  PasskeySigner,
  PublicIdentifier,
  ScwSigner,
  Signer,
  SmartContractVerifier,
} from "@coterie/identity";
export type { ContentTypeId, GroupUpdated, LeaveRequest } from "@coterie/wire";
