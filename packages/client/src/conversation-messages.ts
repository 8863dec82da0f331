import { fromHex } from "@coterie/base";
import { EncodedContent, GroupMessage } from "@coterie/wire";
import type { AsyncStreamProxy, StreamOptions } from "./async-stream.ts";
import type { CommitLogs } from "./commit-log.ts";
import type { ContentCodec } from "./content/codec.ts";
import { toWireContent } from "./content/encoded-content.ts";
import type { AnyEncodedContent } from "./content/encoded-content.ts";
import { deleteMessageCodec } from "./content/group-messages.ts";
import { ContentSender } from "./content-sender.ts";
import type { SendOptions } from "./content-sender.ts";
import { readMessage } from "./db.ts";
import type { DecodedMessage } from "./decoded-message.ts";
import { isDeletable } from "./deletions.ts";
import { encodeEnvelope, pushesByDefault } from "./engine/content.ts";
import { limits } from "./engine/limits.ts";
import { messageId } from "./engine/message-id.ts";
import type { MessageRow, Wish } from "./engine/state.ts";
import {
  ConsentEntityType,
  ConsentState,
  DeliveryStatus,
  GroupMessageKind,
  SortDirection,
} from "./enums.ts";
import { ClientError } from "./errors.ts";
import type { Cell } from "./groups.ts";
import { countMessages, listMessages, messagesSentAt } from "./list-messages.ts";
import type { ListMessagesOptions } from "./list-messages.ts";
import { readLastReads } from "./message-index.ts";
import { streamMessages } from "./streams.ts";
import type { StreamParts } from "./streams.ts";
import { takeEnvelope } from "./take-envelope.ts";
import { siblingIds, viewMessage, viewMessages } from "./view-messages.ts";
import type { Viewer } from "./view-messages.ts";

/** What conversations are made of. */
export interface ConversationParts extends StreamParts {
  readonly codecs: readonly ContentCodec[];
  readonly commitLogs: CommitLogs;
  /** Whether messages wait for a sync (XMS-06). */
  readonly manualPublish: boolean;
}

/** What is said in a conversation: sending, reading, streams, deletions, and whether one wants to hear it. */
export abstract class ConversationMessages extends ContentSender {
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

  /**
   * Stores a message and publishes it; answers with its id once the node has it (XIN-18). Where the client publishes by hand, and
   * for `optimistic` sends, the message stays Unpublished until a sync (XMS-06).
   */
  override async send(content: AnyEncodedContent, options: SendOptions = {}): Promise<string> {
    return this.deliver(this.cell, content, options);
  }

  private async deliver(
    cell: Cell,
    content: AnyEncodedContent,
    options: SendOptions,
  ): Promise<string> {
    const message = this.compose(cell, content, options);
    // The same key is the same message (XMS-03): one that went out before is not sent again.
    if (options.idempotencyKey !== undefined && (await this.isPublished(message.row.id))) {
      return message.row.id;
    }
    const optimistic = options.optimistic ?? this.parts.manualPublish;
    await this.parts.engine.send(cell, { ...message, optimistic });
    await this.allow();
    return message.row.id;
  }

  private async isPublished(id: string): Promise<boolean> {
    const row = await readMessage(this.parts.context.ports.store, id);
    return row?.deliveryStatus === DeliveryStatus.Published;
  }

  /** Stores a message without queueing it (XIN-19): {@link publishStoredMessage} does. */
  async prepareMessage(content: AnyEncodedContent, options: SendOptions = {}): Promise<string> {
    const { row } = this.compose(this.cell, content, options);
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
    cell: Cell,
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
    const id = messageId(crypto, fromHex(cell.id), idempotencyKey, bytes);
    const row: MessageRow = {
      id,
      groupId: cell.id,
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
    return this.deliver(cell, deleteMessageCodec.encode({ messageId: id }), {});
  }

  /** Publishes messages that were sent optimistically. */
  publishMessages(): Promise<void> {
    return this.parts.engine.publishPending(this.cell);
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

  /** Messages as they come, in the node's order, each once (XST-02, XST-05); of a DM those of its duplicates too (XDM-05). */
  async stream(
    options: StreamOptions<DecodedMessage> = {},
  ): Promise<AsyncStreamProxy<DecodedMessage>> {
    const ids = (await this.messageSources()).filter((id) => id !== this.id);
    const others = await Promise.all(ids.map((id) => this.parts.groups.get(id)));
    const cells = [this.cell, ...others.filter(({ record }) => record.active)];
    return streamMessages(this.parts, cells, (row) => viewMessage(this.viewer, row), options);
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

  /** Conversations whose messages belong here; DMs have duplicates (XDM-05). */
  protected messageSources(): Promise<readonly string[]> {
    return Promise.resolve([this.id]);
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
