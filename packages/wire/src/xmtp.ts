// The messages of the XMTP wire under the names that callers use. Each name is a type and its codec (or the numbers of an enum).

// Identity updates and the inbox log (specification 2.1)
export {
  AddAssociation,
  AssociationState,
  ChangeRecoveryAddress,
  CreateInbox,
  IdentifierKind,
  IdentityAction,
  IdentityUpdate,
  LegacyDelegatedSignature,
  Member,
  MemberIdentifier,
  MemberMap,
  Passkey,
  RecoverableEcdsaSignature,
  RecoverableEd25519Signature,
  RecoverablePasskeySignature,
  RevokeAssociation,
  Signature,
  SmartContractWalletSignature,
} from "./gen/xmtp/identity/associations.ts";
export { MlsCredential } from "./gen/xmtp/identity/credential.ts";

// IdentityApi (2.2)
export {
  GetIdentityUpdatesRequest,
  GetIdentityUpdatesRequestRequest,
  GetIdentityUpdatesResponse,
  GetIdentityUpdatesResponseIdentityUpdateLog,
  GetIdentityUpdatesResponseResponse,
  GetInboxIdsRequest,
  GetInboxIdsRequestRequest,
  GetInboxIdsResponse,
  GetInboxIdsResponseResponse,
  PublishIdentityUpdateRequest,
  PublishIdentityUpdateResponse,
  VerifySmartContractWalletSignatureRequestSignature,
  VerifySmartContractWalletSignaturesRequest,
  VerifySmartContractWalletSignaturesResponse,
  VerifySmartContractWalletSignaturesResponseValidationResponse,
} from "./gen/xmtp/identity/api.ts";

// MlsApi (2.3)
export {
  BatchPublishCommitLogRequest,
  BatchQueryCommitLogRequest,
  BatchQueryCommitLogResponse,
  Empty,
  FetchKeyPackagesRequest,
  FetchKeyPackagesResponse,
  FetchKeyPackagesResponseKeyPackage,
  GetNewestGroupMessageRequest,
  GetNewestGroupMessageResponse,
  GetNewestGroupMessageResponseResponse,
  GroupMessage,
  GroupMessageInput,
  GroupMessageInputV1,
  GroupMessageV1,
  KeyPackageUpload,
  PagingInfo,
  PublishCommitLogRequest,
  QueryCommitLogRequest,
  QueryCommitLogResponse,
  QueryGroupMessagesRequest,
  QueryGroupMessagesResponse,
  QueryWelcomeMessagesRequest,
  QueryWelcomeMessagesResponse,
  SendGroupMessagesRequest,
  SendWelcomeMessagesRequest,
  SortDirection,
  SubscribeGroupMessagesRequest,
  SubscribeGroupMessagesRequestFilter,
  SubscribeWelcomeMessagesRequest,
  SubscribeWelcomeMessagesRequestFilter,
  UploadKeyPackageRequest,
  WelcomeMessage,
  WelcomeMessageInput,
  WelcomeMessageInputV1,
  WelcomeMessageInputWelcomePointer,
  WelcomeMessageV1,
  WelcomeMessageWelcomePointer,
  WelcomeMetadata,
} from "./gen/xmtp/mls/api.ts";

// Welcomes and key package extensions (2.4)
export {
  WelcomePointeeEncryptionAeadType,
  WelcomePointeeEncryptionAeadTypesExtension,
  WelcomePointer,
  WelcomePointerWelcomeV1Pointer,
  WelcomePointerWrapperAlgorithm,
  WelcomeWrapperAlgorithm,
  WelcomeWrapperEncryption,
} from "./gen/xmtp/mls/welcome.ts";

// Group context extensions (2.4)
export {
  ConversationType,
  DmMembers,
  GroupMembership,
  GroupMetadataV1,
  GroupMutableMetadataV1,
  Inbox,
  Inboxes,
  OneshotMessage,
  ProposalSupport,
  ReaddRequest,
} from "./gen/xmtp/mls/group.ts";
export {
  GroupMutablePermissionsV1,
  MembershipPolicy,
  MembershipPolicyAndCondition,
  MembershipPolicyAnyCondition,
  MembershipPolicyBasePolicy,
  MetadataPolicy,
  MetadataPolicyAndCondition,
  MetadataPolicyAnyCondition,
  MetadataPolicyMetadataBasePolicy,
  PermissionsUpdatePolicy,
  PermissionsUpdatePolicyAndCondition,
  PermissionsUpdatePolicyAnyCondition,
  PermissionsUpdatePolicyPermissionsBasePolicy,
  PolicySet,
} from "./gen/xmtp/mls/permissions.ts";

// Messages inside the encryption (2.4)
export {
  Compression,
  ContentTypeId,
  EncodedContent,
  GroupMembershipChanges,
  GroupUpdated,
  GroupUpdatedInbox,
  GroupUpdatedMetadataFieldChange,
  MembershipChange,
  PlaintextEnvelope,
  PlaintextEnvelopeV1,
  PlaintextEnvelopeV2,
  V1UserPreferenceUpdate,
} from "./gen/xmtp/mls/content.ts";
export {
  DeleteMessage,
  LeaveRequest,
  MultiRemoteAttachment,
  ReactionAction,
  ReactionSchema,
  ReactionV2,
  RemoteAttachmentInfo,
} from "./gen/xmtp/mls/content_types.ts";

// Commit log (2.4)
export {
  CommitLogEntry,
  CommitResult,
  PlaintextCommitLogEntry,
} from "./gen/xmtp/mls/commit_log.ts";

// Device sync and archives (2.5)
export {
  DeviceSyncAcknowledge,
  DeviceSyncContent,
  DeviceSyncKeyType,
  DeviceSyncReply,
  DeviceSyncRequest,
  HmacKeyUpdate,
  PreferenceUpdate,
  PreferenceUpdates,
} from "./gen/xmtp/device_sync/content.ts";
export {
  ArchiveOptions,
  BackupElement,
  BackupElementSelection,
  BackupMetadataSave,
} from "./gen/xmtp/device_sync/backup.ts";
export {
  ConsentEntityType,
  ConsentSave,
  ConsentState,
} from "./gen/xmtp/device_sync/consent_backup.ts";
export {
  ConversationTypeSave,
  GroupMembershipStateSave,
  GroupSave,
  ImmutableMetadataSave,
  MutableMetadataSave,
} from "./gen/xmtp/device_sync/group_backup.ts";
export {
  DeliveryStatusSave,
  GroupMessageKindSave,
  GroupMessageSave,
} from "./gen/xmtp/device_sync/message_backup.ts";

// Keys of the previous protocol (2.6); renamed where a newer message owns the name
export {
  Signature as LegacySignature,
  SignatureECDSACompact as LegacySignatureECDSACompact,
  SignatureWalletECDSACompact as LegacySignatureWalletECDSACompact,
  SignedPublicKey,
  UnsignedPublicKey,
  UnsignedPublicKeySecp256k1Uncompressed,
} from "./gen/xmtp/message_contents/legacy.ts";
