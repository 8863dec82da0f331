import { fromHex } from "@coterie/base";
import { members as leavesOf } from "@coterie/mls";
import { EncodedContent, GroupMessage, groupTopic } from "@coterie/wire";
import type { AsyncStreamProxy, StreamOptions } from "./async-stream.ts";
import type { CommitLogs } from "./commit-log.ts";
import type { ContentCodec } from "./content/codec.ts";
import { toWireContent } from "./content/encoded-content.ts";
import type { AnyEncodedContent } from "./content/encoded-content.ts";
import { deleteMessageCodec } from "./content/group-messages.ts";
import { ContentSender } from "./content-sender.ts";
import type { SendOptions } from "./content-sender.ts";
import { readMessage } from "./db.ts";
import { describeConversation } from "./debug-info.ts";
import type { ConversationDebugInfo } from "./debug-info.ts";
import type { DecodedMessage } from "./decoded-message.ts";
import { isDeletable } from "./deletions.ts";
import { encodeEnvelope, pushesByDefault } from "./engine/content.ts";
import { disappearFromKey, disappearInKey, disappearingSettings } from "./engine/expiry.ts";
import type { DisappearingSettings } from "./engine/expiry.ts";
import { decodeFacts } from "./engine/extensions.ts";
import { limits } from "./engine/limits.ts";
import { messageId } from "./engine/message-id.ts";
import { mlsOf } from "./engine/send.ts";
import type { MembershipState, MessageRow, Wish } from "./engine/state.ts";
import {
  ConsentEntityType,
  ConsentState,
  DeliveryStatus,
  GroupMembershipState,
  GroupMessageKind,
  SortDirection,
} from "./enums.ts";
import type { ConversationType } from "./enums.ts";
import { ClientError } from "./errors.ts";
import type { Cell } from "./groups.ts";
import { hmacKeysOf } from "./push/hmac-keys.ts";
import type { HmacKey } from "./push/hmac-keys.ts";
import { typeOf } from "./list-conversations.ts";
import { listMembers } from "./list-members.ts";
import type { GroupMember } from "./list-members.ts";
import { countMessages, listMessages, messagesSentAt } from "./list-messages.ts";
import type { ListMessagesOptions } from "./list-messages.ts";
import { readLastReads } from "./message-index.ts";
import { streamMessages } from "./streams.ts";
import type { StreamParts } from "./streams.ts";
import { takeEnvelope } from "./take-envelope.ts";
import { siblingIds, viewMessage, viewMessages } from "./view-messages.ts";
import type { Viewer } from "./view-messages.ts";

/** By their numbers in the API. */
const membershipStates: Readonly<Record<MembershipState, GroupMembershipState>> = {
  allowed: GroupMembershipState.Allowed,
  rejected: GroupMembershipState.Rejected,
  pending: GroupMembershipState.Pending,
  restored: GroupMembershipState.Restored,
  "pending-remove": GroupMembershipState.PendingRemove,
};

/** What conversations are made of. */
export interface ConversationParts extends StreamParts {
  readonly codecs: readonly ContentCodec[];
  readonly commitLogs: CommitLogs;
  /** Whether messages wait for a sync (XMS-06). */
  readonly manualPublish: boolean;
}

/** A group or a DM. Its getters read what this client knows now; `sync` brings what the node has. */
export class Conversation extends ContentSender {
  protected readonly parts: ConversationParts;
  protected readonly cell: Cell;

  constructor(parts: ConversationParts, cell: Cell) {
    super();
    this.parts = parts;
    this.cell = cell;
  }

  get id(): string {
    return this.cell.id;
  }
  get isActive(): boolean {
    return this.cell.record.active;
  }
  get addedByInboxId(): string {
    return this.cell.record.addedByInboxId;
  }
  get createdAtNs(): bigint {
    return this.cell.record.createdAtNs;
  }
  get createdAt(): Date {
    return new Date(Number(this.createdAtNs / 1_000_000n));
  }
  get topic(): string {
    return groupTopic(this.cell.id);
  }
  /** The version that is asked for, while the group waits for it (XIN-31). */
  pausedForVersion(): string | undefined {
    return this.cell.record.pausedForVersion;
  }

  /** How far we are a member: allowed, pending consent, restored from an archive, about to leave. */
  membershipState(): GroupMembershipState {
    return membershipStates[this.cell.record.membershipState];
  }

  /** Publishes what is queued and reads what is new (XIN-02). */
  sync(): Promise<void> {
    return this.parts.engine.sync(this.cell);
  }

  /**
   * Stores a message and publishes it; answers with its id once the node has it (XIN-18). Where the client publishes by hand, and
   * for `optimistic` sends, the message stays Unpublished until a sync (XMS-06).
   */
  override async send(content: AnyEncodedContent, options: SendOptions = {}): Promise<string> {
    const message = this.compose(content, options);
    // The same key is the same message (XMS-03): one that went out before is not sent again.
    if (options.idempotencyKey !== undefined && (await this.isPublished(message.row.id))) {
      return message.row.id;
    }
    const optimistic = options.optimistic ?? this.parts.manualPublish;
    await this.parts.engine.send(this.cell, { ...message, optimistic });
    await this.allow();
    return message.row.id;
  }

  private async isPublished(id: string): Promise<boolean> {
    const row = await readMessage(this.parts.context.ports.store, id);
    return row?.deliveryStatus === DeliveryStatus.Published;
  }

  /** Stores a message without queueing it (XIN-19): {@link publishStoredMessage} does. */
  async prepareMessage(content: AnyEncodedContent, options: SendOptions = {}): Promise<string> {
    const { row } = this.compose(content, options);
    await this.parts.engine.store(this.cell, row);
    return row.id;
  }

  /**
   * Publishes a message that was prepared, or that has failed (XIN-19). Nothing happens to one that is published. Throws
   * `client/not-found` for an id that is no message of ours here.
   */
  async publishStoredMessage(id: string): Promise<void> {
    const row = await readMessage(this.parts.context.ports.store, id);
    const { groupId, senderInboxId, deliveryStatus, idempotencyKey, contentType } = row ?? {};
    const own = groupId === this.id && senderInboxId === this.parts.context.inboxId;
    if (!row || !own) throw new ClientError("client/not-found", { messageId: id });
    if (deliveryStatus === DeliveryStatus.Published || idempotencyKey === undefined) return;
    const wish: Wish = {
      kind: "send-message",
      messageId: row.id,
      envelope: encodeEnvelope(row.content, idempotencyKey),
      shouldPush: row.shouldPush ?? pushesByDefault(contentType),
    };
    await this.parts.engine.send(this.cell, { wish, row, optimistic: this.parts.manualPublish });
    await this.allow();
  }

  /** XCO-02 */
  private async allow(): Promise<void> {
    if (this.consentState() === ConsentState.Allowed) return;
    await this.updateConsentState(ConsentState.Allowed);
  }

  private compose(
    content: AnyEncodedContent,
    options: SendOptions,
  ): { readonly wish: Wish; readonly row: MessageRow } {
    const { context } = this.parts;
    if (!content.type) throw new ClientError("client/missing-content-type");
    const { crypto, clock } = context.ports;
    const nowNs = clock.nowNs();
    const bytes = EncodedContent.encode(toWireContent(content));
    const size = bytes.length;
    if (size > limits.contentBytes) {
      const { contentBytes: limit } = limits;
      throw new ClientError("client/content-too-large", { rule: "XND-03", limit, size });
    }
    // XMS-02
    const idempotencyKey = options.idempotencyKey ?? nextKey(nowNs);
    const id = messageId(crypto, fromHex(this.id), idempotencyKey, bytes);
    const row: MessageRow = {
      id,
      groupId: this.cell.id,
      senderInboxId: context.inboxId,
      senderInstallationId: context.installationId,
      kind: GroupMessageKind.Application,
      content: bytes,
      contentType: content.type,
      sentAtNs: nowNs,
      insertedAtNs: nowNs,
      deliveryStatus: DeliveryStatus.Unpublished,
      idempotencyKey,
      shouldPush: options.shouldPush,
    };
    const shouldPush = options.shouldPush ?? pushesByDefault(content.type);
    const envelope = encodeEnvelope(bytes, idempotencyKey);
    return { row, wish: { kind: "send-message", messageId: id, envelope, shouldPush } };
  }

  /** Deletes a message for everybody (XMS-09): one's own, or anybody's as a super admin. Throws where others would not follow. */
  async deleteMessage(id: string): Promise<string> {
    const { context, groups } = this.parts;
    const row = await readMessage(context.ports.store, id);
    const family = await siblingIds(groups, this.id);
    if (!row || !family.includes(row.groupId)) {
      throw new ClientError("client/not-found", { messageId: id });
    }
    const details = { rule: "XMS-09", messageId: id };
    if (!isDeletable(row)) throw new ClientError("client/unsupported", details);
    // Of several DMs with one person, the one that holds it: it counts in no other.
    const cell = await groups.get(row.groupId);
    const mine = row.senderInboxId === context.inboxId;
    if (!mine && !cell.record.metadata.superAdmins.includes(context.inboxId)) {
      throw new ClientError("client/insufficient-permissions", {
        ...details,
        reason: "Only its sender and super admins delete a message for all.",
      });
    }
    const holder = cell === this.cell ? this : new Conversation(this.parts, cell);
    return holder.sendContent(deleteMessageCodec, { messageId: id });
  }

  /** Publishes messages that were sent optimistically. */
  publishMessages(): Promise<void> {
    return this.parts.engine.publishPending(this.cell);
  }

  /** Adds and removes installations as their owners' logs say now (XIN-17). */
  updateInstallations(): Promise<void> {
    return this.parts.engine.updateInstallations(this.cell);
  }

  /** What is stored here, with reactions, replies and deletions worked in (XMS-09, XMS-10). */
  async messages(options: ListMessagesOptions = {}): Promise<DecodedMessage[]> {
    const { ports } = this.parts.context;
    const rows = await listMessages(ports, await this.messageSources(), options);
    return viewMessages(this.viewer, rows);
  }

  /** Of everything that is stored here, reactions, read receipts and deletions included. */
  async countMessages(
    options: Omit<ListMessagesOptions, "limit" | "direction"> = {},
  ): Promise<number> {
    return countMessages(this.parts.context.ports, await this.messageSources(), options);
  }

  async lastMessage(): Promise<DecodedMessage | undefined> {
    return (await this.messages({ direction: SortDirection.Descending, limit: 1 }))[0];
  }

  /** By inbox: when its newest read receipt was sent, in nanoseconds. */
  async lastReadTimes(): Promise<Record<string, bigint>> {
    return readLastReads(this.parts.context.ports.store, await this.messageSources());
  }

  async members(): Promise<GroupMember[]> {
    const { facts, leaves } = await this.read((state) => {
      const group = mlsOf(state);
      return { facts: decodeFacts(group.context.extensions), leaves: leavesOf(group) };
    });
    return listMembers(this.parts.context, facts, leaves);
  }

  get creatorInboxId(): string {
    return this.cell.record.creatorInboxId;
  }
  async metadata(): Promise<{ creatorInboxId: string; conversationType: ConversationType }> {
    const { record } = this.cell;
    return {
      creatorInboxId: record.creatorInboxId,
      conversationType: typeOf[record.conversationType],
    };
  }

  /** XCO-01 */
  consentState(): ConsentState {
    return this.parts.context.preferences.getConsent(ConsentEntityType.GroupId, this.id);
  }
  /** XCO-03. For a DM with all its duplicates, so that lists do not depend on which of them is shown. */
  async updateConsentState(state: ConsentState): Promise<void> {
    const ids = await this.messageSources();
    await this.parts.context.preferences.setConsents(
      ids.map((entity) => ({ entityType: ConsentEntityType.GroupId, entity, state })),
    );
  }

  /** Messages as they come, in the node's order, each once (XST-02, XST-05). */
  stream(options: StreamOptions<DecodedMessage> = {}): Promise<AsyncStreamProxy<DecodedMessage>> {
    return streamMessages(this.parts, [this.cell], (row) => viewMessage(this.viewer, row), options);
  }

  /** XPU-08: a pushed GroupMessage, processed without moving cursors. */
  async processStreamedMessage(bytes: Uint8Array): Promise<DecodedMessage[]> {
    const { context, groups, engine } = this.parts;
    const message = GroupMessage.decode(bytes);
    if (message.kind !== "v1") return [];
    const { id: sequenceId, createdNs, data } = message.value;
    const taken = await groups.exclusive(this.cell, (loaded) =>
      takeEnvelope(context, loaded, { sequenceId, createdNs, data }, "push"),
    );
    if (taken === "needs-sync") await engine.sync(this.cell);
    const rows = await messagesSentAt(context.ports, this.id, createdNs);
    return viewMessages(
      this.viewer,
      rows.filter((row) => row.sequenceId === sequenceId),
    );
  }

  messageDisappearingSettings(): DisappearingSettings | undefined {
    return disappearingSettings(this.cell.record.metadata);
  }
  isMessageDisappearingEnabled(): boolean {
    return this.messageDisappearingSettings() !== undefined;
  }
  /** XDS-01: two commits, from first. XDS-02: the policies of the two keys say who may. */
  async updateMessageDisappearingSettings(fromNs: bigint, inNs: bigint): Promise<void> {
    await this.setAttribute(disappearFromKey, fromNs.toString());
    await this.setAttribute(disappearInKey, inNs.toString());
  }
  removeMessageDisappearingSettings(): Promise<void> {
    return this.updateMessageDisappearingSettings(0n, 0n);
  }

  /** XPU-05: the keys of the last, this and the next period, by group id: a DM brings its duplicates. */
  async hmacKeys(): Promise<Record<string, HmacKey[]>> {
    return hmacKeysOf(this.parts.context, await this.messageSources());
  }

  async debugInfo(): Promise<ConversationDebugInfo> {
    return describeConversation(this.parts.commitLogs, await this.read((state) => state));
  }

  /** Conversations whose messages belong here; DMs have duplicates (XDM-05). */
  protected messageSources(): Promise<readonly string[]> {
    return Promise.resolve([this.id]);
  }

  protected async setAttribute(field: string, value: string): Promise<void> {
    await this.parts.engine.carryOut(this.cell, { kind: "metadata", field, value });
  }

  protected read<T>(work: (state: Parameters<typeof mlsOf>[0]) => T): Promise<T> {
    return this.parts.groups.exclusive(this.cell, async ({ state }) => work(state));
  }

  protected get viewer(): Viewer {
    const { context, groups, codecs } = this.parts;
    return { ports: context.ports, groups, codecs };
  }
}

let lastKey = 0n;
/** Two messages of one clock reading must not share an id. */
function nextKey(nowNs: bigint): string {
  lastKey = nowNs > lastKey ? nowNs : lastKey + 1n;
  return lastKey.toString();
}
