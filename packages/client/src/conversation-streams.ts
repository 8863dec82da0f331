import type { AsyncStreamProxy, StreamOptions } from "./async-stream.ts";
import type { ConversationParts } from "./conversation-messages.ts";
import { decodeMessage } from "./decoded-message.ts";
import type { DecodedMessage } from "./decoded-message.ts";
import { Dm } from "./dm.ts";
import { ConsentEntityType, ConversationType } from "./enums.ts";
import type { ConsentState } from "./enums.ts";
import { Group } from "./group.ts";
import type { Cell } from "./groups.ts";
import { isShown, typeOf, wantedConsents } from "./list-conversations.ts";
import { streamEvents } from "./local-stream.ts";
import type { LocalStreamOptions } from "./local-stream.ts";
import { streamAllMessages, streamConversations } from "./streams.ts";
import { siblingIds, viewMessage } from "./view-messages.ts";
import type { Viewer } from "./view-messages.ts";

export interface StreamAllOptions<T = DecodedMessage> extends StreamOptions<T> {
  readonly conversationType?: ConversationType | undefined;
  readonly consentStates?: readonly ConsentState[] | undefined;
}

/** What comes by in all conversations of one client. */
export class ConversationStreams {
  protected readonly parts: ConversationParts;

  constructor(parts: ConversationParts) {
    this.parts = parts;
  }

  /** Conversations as they come (XST-01). */
  stream(
    options: StreamOptions<Group | Dm> & { readonly conversationType?: ConversationType } = {},
  ): Promise<AsyncStreamProxy<Group | Dm>> {
    return streamConversations(
      this.parts,
      async (cell) => {
        const type = typeOf[cell.record.conversationType];
        if (!isShown(cell)) return undefined;
        if (options.conversationType !== undefined && options.conversationType !== type) {
          return undefined;
        }
        return (await this.isDuplicate(cell)) ? undefined : this.conversationOf(cell);
      },
      options,
    );
  }
  streamGroups(options: StreamOptions<Group | Dm> = {}): Promise<AsyncStreamProxy<Group | Dm>> {
    return this.stream({ ...options, conversationType: ConversationType.Group });
  }
  streamDms(options: StreamOptions<Group | Dm> = {}): Promise<AsyncStreamProxy<Group | Dm>> {
    return this.stream({ ...options, conversationType: ConversationType.Dm });
  }

  /** Messages of all conversations, those of the future included (XST-04). */
  streamAllMessages(options: StreamAllOptions = {}): Promise<AsyncStreamProxy<DecodedMessage>> {
    const wantedConsent = wantedConsents(options.consentStates);
    return streamAllMessages<DecodedMessage>(this.parts, {
      wanted: (cell) => {
        if (!isShown(cell)) return false;
        const type = typeOf[cell.record.conversationType];
        if (options.conversationType !== undefined && options.conversationType !== type) {
          return false;
        }
        return wantedConsent.includes(this.consentOf(cell));
      },
      toValue: (row) => viewMessage(this.viewer, row),
      options,
    });
  }
  streamAllGroupMessages(
    options: StreamAllOptions = {},
  ): Promise<AsyncStreamProxy<DecodedMessage>> {
    return this.streamAllMessages({ ...options, conversationType: ConversationType.Group });
  }
  streamAllDmMessages(options: StreamAllOptions = {}): Promise<AsyncStreamProxy<DecodedMessage>> {
    return this.streamAllMessages({ ...options, conversationType: ConversationType.Dm });
  }

  /** Ids of messages that are gone: expired, deleted for all, or deleted here (XST-07). */
  async streamMessageDeletions(
    options: LocalStreamOptions<string> = {},
  ): Promise<AsyncStreamProxy<string>> {
    return streamEvents(
      this.parts.context,
      (event) => (event.kind === "deleted" ? event.messageId : undefined),
      options,
    );
  }
  /** The messages that are gone, as they were. */
  async streamDeletedMessages(
    options: LocalStreamOptions<DecodedMessage> = {},
  ): Promise<AsyncStreamProxy<DecodedMessage>> {
    const { context, codecs } = this.parts;
    return streamEvents(
      context,
      (event) => (event.kind === "deleted" ? decodeMessage(event.message, codecs) : undefined),
      options,
    );
  }

  /** XST-01: of several DMs with one person the one that was here first is told of. */
  private async isDuplicate(cell: Cell): Promise<boolean> {
    const { groups } = this.parts;
    const family = await siblingIds(groups, cell.id);
    const others = await Promise.all(family.map((id) => groups.find(id)));
    const first = others
      .flatMap((other) => other ?? [])
      .toSorted((a, b) => {
        const [one, two] = [a.record.createdAtNs, b.record.createdAtNs];
        return one === two ? (a.id < b.id ? -1 : 1) : one < two ? -1 : 1;
      })[0];
    return first !== undefined && first.id !== cell.id;
  }

  protected consentOf(cell: Cell): ConsentState {
    return this.parts.context.preferences.getConsent(ConsentEntityType.GroupId, cell.id);
  }

  protected get viewer(): Viewer {
    const { context, groups, codecs } = this.parts;
    return { ports: context.ports, groups, codecs };
  }

  protected groupOf(cell: Cell): Group {
    return new Group(this.parts, cell);
  }
  protected conversationOf(cell: Cell): Group | Dm {
    return cell.record.conversationType === "dm" ? new Dm(this.parts, cell) : this.groupOf(cell);
  }
}
