import type { Client } from "../client.ts";
import type { DecodedMessage } from "../decoded-message.ts";
import { Group } from "../group.ts";
import type { CreateGroupOptions } from "../group-options.ts";
import { compatGroup } from "./group.ts";
import type { CompatGroup, EndStream } from "./group.ts";
import { inboxIdsOf } from "./people.ts";

export interface CompatListOptions {
  readonly created_after_ns?: bigint | undefined;
  readonly created_before_ns?: bigint | undefined;
  readonly limit?: number | undefined;
}

/** Conversations by their older names. */
export interface CompatConversations {
  /** A new group with these people, by account address or inbox id; published and synced. */
  create_group(
    account_addresses: readonly string[],
    options?: CreateGroupOptions,
  ): Promise<CompatGroup>;
  /** Reads welcomes: new groups are in the list after it. */
  sync(): Promise<void>;
  list(options?: CompatListOptions): Promise<CompatGroup[]>;
  /** New groups as they come. */
  stream(callback: (group: CompatGroup) => void): Promise<EndStream>;
  /** Messages of all groups, those of the future included. */
  stream_all_messages(callback: (message: DecodedMessage) => void): Promise<EndStream>;
}

/** A client by the names that older texts have for it: thin aliases, nothing behaves otherwise than stated at each. */
export interface Compat {
  readonly client: Client;
  readonly conversations: CompatConversations;
  /** Who is welcome: allow and block, by inbox id. */
  readonly contacts: {
    isInboxIdAllowed(inboxId: string): boolean;
    isInboxIdDenied(inboxId: string): boolean;
    allow(inboxIds: readonly string[]): Promise<void>;
    deny(inboxIds: readonly string[]): Promise<void>;
  };
  /** By account address as given: whether it belongs to an inbox. */
  canMessage(account_addresses: readonly string[]): Promise<Map<string, boolean>>;
  deleteLocalDatabase(): Promise<void>;
}

/** The older names of a client and of its groups. */
export function compat(client: Client): Compat {
  const { conversations, preferences } = client;
  return {
    client,
    conversations: {
      async create_group(names, options) {
        const inboxIds = await inboxIdsOf(client, names);
        return compatGroup(await conversations.createGroup(inboxIds, options));
      },
      sync: () => conversations.sync(),
      async list(options = {}) {
        const groups = await conversations.listGroups({
          createdAfterNs: options.created_after_ns,
          createdBeforeNs: options.created_before_ns,
          limit: options.limit,
        });
        return groups.map(compatGroup);
      },
      async stream(callback) {
        const stream = await conversations.streamGroups({
          onValue: (group) => {
            if (group instanceof Group) callback(compatGroup(group));
          },
        });
        return async () => void (await stream.end());
      },
      async stream_all_messages(callback) {
        const stream = await conversations.streamAllGroupMessages({ onValue: callback });
        return async () => void (await stream.end());
      },
    },
    contacts: {
      isInboxIdAllowed: (inboxId) => preferences.isInboxIdAllowed(inboxId),
      isInboxIdDenied: (inboxId) => preferences.isInboxIdDenied(inboxId),
      allow: (inboxIds) => preferences.allowInboxIds(inboxIds),
      deny: (inboxIds) => preferences.denyInboxIds(inboxIds),
    },
    canMessage: (addresses) =>
      client.canMessage(addresses.map((identifier) => ({ identifier, identifierKind: 0 }))),
    deleteLocalDatabase: () => client.deleteLocalDatabase(),
  };
}

export { compatGroup } from "./group.ts";
export type { CompatGroup, EndStream, FindMessagesOptions, GroupMetadata } from "./group.ts";
export type { PermissionName, PermissionOptionName } from "./permissions.ts";
export { errorName } from "./error-names.ts";
