import { parseIdentifier } from "@coterie/identity";
import type { PublicIdentifier } from "@coterie/identity";
import { METADATA_FIELDS, dmPolicy } from "@coterie/policy";
import type { PolicySet } from "@coterie/policy";
import { WelcomeMessage, welcomeTopic } from "@coterie/wire";
import type { Conversation } from "./conversation.ts";
import { ConversationStreams } from "./conversation-streams.ts";
import { createConversation } from "./create-group.ts";
import type { DecodedMessage } from "./decoded-message.ts";
import { Dm } from "./dm.ts";
import { readMessage } from "./db.ts";
import { dmIdOf } from "./engine/dm-id.ts";
import { stepTo, withoutIntent } from "./engine/step.ts";
import { ConsentEntityType, ConsentState, ConversationType } from "./enums.ts";
import { ClientError } from "./errors.ts";
import type { Group } from "./group.ts";
import { attributesFor, policyFor } from "./group-options.ts";
import type { CreateGroupOptions } from "./group-options.ts";
import type { Cell } from "./groups.ts";
import { resolveInboxIds } from "./identifiers.ts";
import { isShown, listCells } from "./list-conversations.ts";
import type { ListConversationsOptions } from "./list-conversations.ts";
import { hmacKeysOf } from "./push/hmac-keys.ts";
import type { HmacKey } from "./push/hmac-keys.ts";
import { isExpired } from "./list-messages.ts";
import { syncAll } from "./sync-all.ts";
import type { SyncAllOutcome } from "./sync-all.ts";
import { viewMessage } from "./view-messages.ts";

/** All conversations of one client. */
export class Conversations extends ConversationStreams {
  /** The welcome topic of this installation, for push servers (XPU-06). */
  get topic(): string {
    return welcomeTopic(this.parts.context.installationId);
  }

  /** Creates a group with these inboxes in it and publishes it (XGC-55). */
  async createGroup(inboxIds: readonly string[], options: CreateGroupOptions = {}): Promise<Group> {
    const { context, groups, engine } = this.parts;
    const others = [...new Set(inboxIds)].filter((id) => id !== context.inboxId);
    if (others.length + 1 > context.maxGroupSize) {
      throw new ClientError("client/user-limit-exceeded", {
        rule: "XGC-56",
        limit: context.maxGroupSize,
        size: others.length + 1,
      });
    }
    const cell = await this.#create("group", policyFor(options), attributesFor(options));
    try {
      await engine.carryOut(
        cell,
        // XGC-13
        others.length > 0
          ? { kind: "membership", add: others, remove: [] }
          : { kind: "key-update" },
      );
    } catch (error) {
      // Nobody has heard of it: nothing was published and nothing waits to be.
      await groups.dropUnborn(cell);
      throw error;
    }
    return this.groupOf(await this.#announce(cell));
  }

  async createGroupWithIdentifiers(
    identifiers: readonly PublicIdentifier[],
    options: CreateGroupOptions = {},
  ): Promise<Group> {
    const { api } = this.parts.context;
    return this.createGroup(await resolveInboxIds(api, identifiers.map(parseIdentifier)), options);
  }

  /** A group that stays local until something is published (XGC-13). */
  async createGroupOptimistic(options: CreateGroupOptions = {}): Promise<Group> {
    const cell = await this.#create("group", policyFor(options), attributesFor(options));
    return this.groupOf(await this.#announce(cell));
  }

  /** XDM-03: the DM with this person that is in use, or a new one. */
  async createDm(
    inboxId: string,
    options: Pick<CreateGroupOptions, "messageDisappearingSettings"> = {},
  ): Promise<Dm> {
    const { context, groups, engine } = this.parts;
    if (inboxId === context.inboxId) {
      throw new ClientError("client/bad-argument", { rule: "XDM-01", inboxId });
    }
    const existing = await this.getDmByInboxId(inboxId);
    if (existing?.isActive) return existing;
    const attributes = attributesFor(options);
    // XGC-32
    attributes.delete(METADATA_FIELDS.appData);
    const cell = await this.#create("dm", dmPolicy, attributes, inboxId);
    try {
      await engine.carryOut(cell, { kind: "membership", add: [inboxId], remove: [] });
    } catch (error) {
      await groups.dropUnborn(cell);
      throw error;
    }
    return new Dm(this.parts, await this.#announce(cell));
  }

  async createDmWithIdentifier(
    identifier: PublicIdentifier,
    options: Pick<CreateGroupOptions, "messageDisappearingSettings"> = {},
  ): Promise<Dm> {
    const { api } = this.parts.context;
    const [inboxId] = await resolveInboxIds(api, [parseIdentifier(identifier)]);
    return this.createDm(inboxId as string, options);
  }

  /** What is stored here and not denied, the liveliest first. Sync groups are never shown; of duplicate DMs the one in use is (XDM-05). */
  async list(options: ListConversationsOptions = {}): Promise<(Group | Dm)[]> {
    const cells = await this.#cells(options);
    return cells.map((cell) => this.conversationOf(cell));
  }
  async listGroups(options: ListConversationsOptions = {}): Promise<Group[]> {
    const cells = await this.#cells({ ...options, conversationType: ConversationType.Group });
    return cells.map((cell) => this.groupOf(cell));
  }
  async listDms(options: ListConversationsOptions = {}): Promise<Dm[]> {
    const cells = await this.#cells({ ...options, conversationType: ConversationType.Dm });
    return cells.map((cell) => new Dm(this.parts, cell));
  }

  /** Reads welcomes: conversations that others have put us into. */
  async sync(): Promise<void> {
    await this.parts.welcomes.sync();
  }

  /** XIN-20: welcomes, then every conversation that has news. */
  syncAll(consentStates?: readonly ConsentState[]): Promise<SyncAllOutcome> {
    return syncAll(this.parts, (cell) => this.consentOf(cell), consentStates);
  }

  async getConversationById(id: string): Promise<Group | Dm | undefined> {
    const cell = await this.parts.groups.find(id);
    return cell && isShown(cell) ? this.conversationOf(cell) : undefined;
  }

  async getDmByInboxId(inboxId: string): Promise<Dm | undefined> {
    const dmId = dmIdOf(this.parts.context.inboxId, inboxId);
    const cells = await this.#cells({
      conversationType: ConversationType.Dm,
      consentStates: Object.values(ConsentState),
    });
    const cell = cells.find(({ record }) => record.dmId === dmId);
    return cell && new Dm(this.parts, cell);
  }

  async fetchDmByIdentifier(identifier: PublicIdentifier): Promise<Dm | undefined> {
    const { api } = this.parts.context;
    const [inboxId] = await resolveInboxIds(api, [parseIdentifier(identifier)]);
    return this.getDmByInboxId(inboxId as string);
  }

  async getMessageById(id: string): Promise<DecodedMessage | undefined> {
    const { store, clock } = this.parts.context.ports;
    const row = await readMessage(store, id);
    return row && !isExpired(row, clock.nowNs()) ? viewMessage(this.viewer, row) : undefined;
  }

  /** Deletes a message here and nowhere else; one that still waits is not sent any more. Answers with how many there were: 0 or 1. */
  async deleteMessageById(id: string): Promise<number> {
    const { context, groups } = this.parts;
    const row = await readMessage(context.ports.store, id);
    if (!row) return 0;
    const cell = await groups.get(row.groupId);
    await groups.exclusive(cell, async ({ state, apply }) => {
      const waiting = state.intents.find(
        (intent) =>
          intent.state.kind === "to-publish" &&
          intent.wish.kind === "send-message" &&
          intent.wish.messageId === row.id,
      );
      await apply(
        stepTo(waiting ? withoutIntent(state, waiting.id) : state, {
          messages: [{ kind: "delete", id: row.id }],
          events: [{ kind: "deleted", groupId: row.groupId, messageId: row.id, message: row }],
        }),
      );
    });
    return 1;
  }

  /** XPU-05, by group id. */
  async hmacKeys(): Promise<Record<string, HmacKey[]>> {
    const cells = (await this.parts.groups.all()).filter(isShown);
    return hmacKeysOf(
      this.parts.context,
      cells.map(({ id }) => id),
    );
  }

  /** XPU-08: a pushed WelcomeMessage. Answers with the conversations that came of it. */
  async processStreamedWelcomeMessage(bytes: Uint8Array): Promise<Conversation[]> {
    const cell = await this.parts.welcomes.takePushed(WelcomeMessage.decode(bytes));
    return cell && isShown(cell) ? [this.conversationOf(cell)] : [];
  }

  async #create(
    conversationType: "group" | "dm",
    policy: PolicySet,
    attributes: ReadonlyMap<string, string>,
    dmPeer?: string,
  ): Promise<Cell> {
    const { context, groups } = this.parts;
    return createConversation(context, groups, { conversationType, policy, attributes, dmPeer });
  }

  /** XCO-02; streams show it from now on. */
  async #announce(cell: Cell): Promise<Cell> {
    const { context } = this.parts;
    const { setConsent } = context.preferences;
    await setConsent(ConsentEntityType.GroupId, cell.id, ConsentState.Allowed);
    context.bus.emit([{ kind: "conversation", groupId: cell.id }]);
    return cell;
  }

  #cells(options: ListConversationsOptions): Promise<Cell[]> {
    return listCells(this.parts.groups, options, (cell) => this.consentOf(cell));
  }
}
