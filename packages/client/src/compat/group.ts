import type { AnyEncodedContent } from "../content/encoded-content.ts";
import type { DecodedMessage } from "../decoded-message.ts";
import type { DeliveryStatus, MetadataField } from "../enums.ts";
import type { Group } from "../group.ts";
import type { GroupMember } from "../list-members.ts";
import { peopleOf } from "./people.ts";
import { updatePermissionByName } from "./permissions.ts";
import type { PermissionName, PermissionOptionName } from "./permissions.ts";

export interface FindMessagesOptions {
  readonly sent_before_ns?: bigint | undefined;
  readonly sent_after_ns?: bigint | undefined;
  readonly limit?: number | undefined;
  readonly delivery_status?: DeliveryStatus | undefined;
}

export interface GroupMetadata {
  readonly group_name: string;
  readonly description: string;
  readonly group_image_url_square: string;
  readonly app_data: string;
  readonly creator_inbox_id: string;
  readonly admins: readonly string[];
  readonly super_admins: readonly string[];
}

/** Ends a stream. */
export type EndStream = () => Promise<void>;

/** A group by its older names. Everything is the {@link Group}'s own; `group` is that. */
export interface CompatGroup {
  readonly group: Group;
  readonly group_id: string;
  readonly created_at_ns: bigint;
  readonly is_active: boolean;
  readonly added_by_inbox_id: string;
  readonly group_metadata: GroupMetadata;
  /** Stores a message as Unpublished: only `sync` makes it Published (XMS-06). Answers with its id. */
  send(message: string | AnyEncodedContent): Promise<string>;
  /** Publishes what is unsent and reads what is new. */
  sync(): Promise<void>;
  /** All delivery statuses unless one is asked for. */
  find_messages(options?: FindMessagesOptions): Promise<DecodedMessage[]>;
  list_members(): Promise<GroupMember[]>;
  /** By account address; also by inbox id. */
  add_members(account_addresses: readonly string[]): Promise<void>;
  add_members_by_inbox_id(inbox_ids: readonly string[]): Promise<void>;
  remove_members(account_addresses: readonly string[]): Promise<void>;
  remove_members_by_inbox_id(inbox_ids: readonly string[]): Promise<void>;
  stream(callback: (message: DecodedMessage) => void): Promise<EndStream>;
  update_group_name(name: string): Promise<void>;
  promote_to_admin(inbox_id: string): Promise<void>;
  promote_to_super_admin(inbox_id: string): Promise<void>;
  /** Takes every role away that they have. */
  demote(inbox_id: string): Promise<void>;
  update_permission(
    permission: PermissionName,
    option: PermissionOptionName,
    field?: MetadataField,
  ): Promise<void>;
  pin_message(message_id: string): Promise<void>;
  unpin_message(message_id: string): Promise<void>;
  pinned_messages(): Promise<DecodedMessage[]>;
}

export function compatGroup(group: Group): CompatGroup {
  return {
    group,
    get group_id() {
      return group.id;
    },
    get created_at_ns() {
      return group.createdAtNs;
    },
    get is_active() {
      return group.isActive;
    },
    get added_by_inbox_id() {
      return group.addedByInboxId;
    },
    get group_metadata() {
      return {
        group_name: group.name,
        description: group.description,
        group_image_url_square: group.imageUrl,
        app_data: group.appData,
        creator_inbox_id: group.creatorInboxId,
        admins: group.listAdmins(),
        super_admins: group.listSuperAdmins(),
      };
    },
    send: (message) =>
      typeof message === "string"
        ? group.sendText(message, { optimistic: true })
        : group.send(message, { optimistic: true }),
    sync: () => group.sync(),
    find_messages: (options = {}) =>
      group.messages({
        sentBeforeNs: options.sent_before_ns,
        sentAfterNs: options.sent_after_ns,
        limit: options.limit,
        deliveryStatus: options.delivery_status,
      }),
    list_members: () => group.members(),
    async add_members(names) {
      const { identifiers, inboxIds } = peopleOf(names);
      if (identifiers.length > 0) await group.addMembersByIdentifiers(identifiers);
      if (inboxIds.length > 0) await group.addMembers(inboxIds);
    },
    add_members_by_inbox_id: (inboxIds) => group.addMembers(inboxIds),
    async remove_members(names) {
      const { identifiers, inboxIds } = peopleOf(names);
      if (identifiers.length > 0) await group.removeMembersByIdentifiers(identifiers);
      if (inboxIds.length > 0) await group.removeMembers(inboxIds);
    },
    remove_members_by_inbox_id: (inboxIds) => group.removeMembers(inboxIds),
    async stream(callback) {
      const stream = await group.stream({ onValue: callback });
      return async () => void (await stream.end());
    },
    update_group_name: (name) => group.updateName(name),
    promote_to_admin: (inboxId) => group.addAdmin(inboxId),
    promote_to_super_admin: (inboxId) => group.addSuperAdmin(inboxId),
    async demote(inboxId) {
      if (group.isSuperAdmin(inboxId)) await group.removeSuperAdmin(inboxId);
      if (group.isAdmin(inboxId)) await group.removeAdmin(inboxId);
    },
    update_permission: (permission, option, field) =>
      updatePermissionByName(group, permission, option, field),
    pin_message: (id) => group.pinMessage(id),
    unpin_message: (id) => group.unpinMessage(id),
    pinned_messages: () => group.pinnedMessages(),
  };
}
