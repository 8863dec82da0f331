/** Conversation types as the API numbers them; wire and storage differ (trap 23). */
export const ConversationType = { Dm: 0, Group: 1, Sync: 2, Oneshot: 3 } as const;
export type ConversationType = (typeof ConversationType)[keyof typeof ConversationType];

export const PermissionUpdateType = {
  AddMember: 0,
  RemoveMember: 1,
  AddAdmin: 2,
  RemoveAdmin: 3,
  UpdateMetadata: 4,
} as const;
export type PermissionUpdateType = (typeof PermissionUpdateType)[keyof typeof PermissionUpdateType];

/** Policies as the API numbers them (XPM-13). `DoesNotExist` and `Other` are answers only. */
export const PermissionPolicy = {
  Allow: 0,
  Deny: 1,
  Admin: 2,
  SuperAdmin: 3,
  DoesNotExist: 4,
  Other: 5,
} as const;
export type PermissionPolicy = (typeof PermissionPolicy)[keyof typeof PermissionPolicy];

export const GroupPermissionsOptions = { Default: 0, AdminOnly: 1, CustomPolicy: 2 } as const;
export type GroupPermissionsOptions =
  (typeof GroupPermissionsOptions)[keyof typeof GroupPermissionsOptions];

export const MetadataField = {
  AppData: 0,
  Description: 1,
  GroupName: 2,
  GroupImageUrlSquare: 3,
  MessageExpirationFromNs: 4,
  MessageExpirationInNs: 5,
} as const;
export type MetadataField = (typeof MetadataField)[keyof typeof MetadataField];

/** Attribute keys of the mutable metadata, by field (XPM-10). */
export const metadataKeys: Readonly<Record<MetadataField, string>> = {
  [MetadataField.AppData]: "app_data",
  [MetadataField.Description]: "description",
  [MetadataField.GroupName]: "group_name",
  [MetadataField.GroupImageUrlSquare]: "group_image_url_square",
  [MetadataField.MessageExpirationFromNs]: "message_disappear_from_ns",
  [MetadataField.MessageExpirationInNs]: "message_disappear_in_ns",
};

export const PermissionLevel = { Member: 0, Admin: 1, SuperAdmin: 2 } as const;
export type PermissionLevel = (typeof PermissionLevel)[keyof typeof PermissionLevel];

export const GroupMembershipState = {
  Allowed: 0,
  Rejected: 1,
  Pending: 2,
  Restored: 3,
  PendingRemove: 4,
} as const;
export type GroupMembershipState = (typeof GroupMembershipState)[keyof typeof GroupMembershipState];

/** XMS-06. Only a sync makes a message Published. */
export const DeliveryStatus = { Unpublished: 0, Published: 1, Failed: 2 } as const;
export type DeliveryStatus = (typeof DeliveryStatus)[keyof typeof DeliveryStatus];

export const GroupMessageKind = { Application: 0, MembershipChange: 1 } as const;
export type GroupMessageKind = (typeof GroupMessageKind)[keyof typeof GroupMessageKind];

export const ConsentState = { Unknown: 0, Allowed: 1, Denied: 2 } as const;
export type ConsentState = (typeof ConsentState)[keyof typeof ConsentState];

export const ConsentEntityType = { GroupId: 0, InboxId: 1 } as const;
export type ConsentEntityType = (typeof ConsentEntityType)[keyof typeof ConsentEntityType];

export const SortDirection = { Ascending: 0, Descending: 1 } as const;
export type SortDirection = (typeof SortDirection)[keyof typeof SortDirection];

export const MessageSortBy = { SentAt: 0, InsertedAt: 1 } as const;
export type MessageSortBy = (typeof MessageSortBy)[keyof typeof MessageSortBy];

export const ListConversationsOrderBy = { CreatedAt: 0, LastActivity: 1 } as const;
export type ListConversationsOrderBy =
  (typeof ListConversationsOrderBy)[keyof typeof ListConversationsOrderBy];

export const IdentifierKind = { Ethereum: 0, Passkey: 1 } as const;
export type IdentifierKind = (typeof IdentifierKind)[keyof typeof IdentifierKind];
