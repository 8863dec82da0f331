import { actionsCodec } from "./content/actions.ts";
import type { Actions } from "./content/actions.ts";
import { attachmentCodec } from "./content/attachment.ts";
import type { Attachment } from "./content/attachment.ts";
import type { ContentCodec } from "./content/codec.ts";
import type { AnyEncodedContent } from "./content/encoded-content.ts";
import { intentCodec } from "./content/intent.ts";
import type { Intent } from "./content/intent.ts";
import { multiRemoteAttachmentCodec } from "./content/multi-remote-attachment.ts";
import type { MultiRemoteAttachment } from "./content/multi-remote-attachment.ts";
import { reactionCodec } from "./content/reaction.ts";
import type { Reaction } from "./content/reaction.ts";
import { readReceiptCodec } from "./content/read-receipt.ts";
import { remoteAttachmentCodec } from "./content/remote-attachment.ts";
import type { RemoteAttachment } from "./content/remote-attachment.ts";
import { replyCodec } from "./content/reply.ts";
import type { Reply } from "./content/reply.ts";
import { markdownCodec, textCodec } from "./content/text.ts";
import { transactionReferenceCodec } from "./content/transaction-reference.ts";
import type { TransactionReference } from "./content/transaction-reference.ts";
import { walletSendCallsCodec } from "./content/wallet-send-calls.ts";
import type { WalletSendCalls } from "./content/wallet-send-calls.ts";

export interface SendOptions {
  /** Default: by content type (§7.3). */
  readonly shouldPush?: boolean | undefined;
  /** Store now, publish with the next sync or publishMessages (XIN-19). */
  readonly optimistic?: boolean | undefined;
  /** Goes into the message's id (XMS-03). Default: the local time in nanoseconds. */
  readonly idempotencyKey?: string | undefined;
}

/** A send method for every content type (§11.3). Each answers with the message's id. */
export abstract class ContentSender {
  abstract send(content: AnyEncodedContent, options?: SendOptions): Promise<string>;

  /** A value by any codec, with the codec's fallback and wish to push where nothing else says so. */
  async sendContent<T>(
    codec: ContentCodec<T>,
    value: T,
    options: SendOptions = {},
  ): Promise<string> {
    const encoded = codec.encode(value);
    const content = {
      ...encoded,
      type: encoded.type ?? codec.contentType,
      fallback: encoded.fallback ?? codec.fallback?.(value),
    };
    return this.send(content, {
      ...options,
      shouldPush: options.shouldPush ?? codec.shouldPush?.(value),
    });
  }

  sendText(text: string, options?: SendOptions): Promise<string> {
    return this.sendContent(textCodec, text, options);
  }
  sendMarkdown(markdown: string, options?: SendOptions): Promise<string> {
    return this.sendContent(markdownCodec, markdown, options);
  }
  sendReaction(reaction: Reaction, options?: SendOptions): Promise<string> {
    return this.sendContent(reactionCodec, reaction, options);
  }
  sendReply(reply: Reply, options?: SendOptions): Promise<string> {
    return this.sendContent(replyCodec, reply, options);
  }
  sendReadReceipt(options?: SendOptions): Promise<string> {
    return this.sendContent(readReceiptCodec, {}, options);
  }
  sendAttachment(attachment: Attachment, options?: SendOptions): Promise<string> {
    return this.sendContent(attachmentCodec, attachment, options);
  }
  sendRemoteAttachment(attachment: RemoteAttachment, options?: SendOptions): Promise<string> {
    return this.sendContent(remoteAttachmentCodec, attachment, options);
  }
  sendMultiRemoteAttachment(
    attachments: MultiRemoteAttachment,
    options?: SendOptions,
  ): Promise<string> {
    return this.sendContent(multiRemoteAttachmentCodec, attachments, options);
  }
  sendTransactionReference(
    reference: TransactionReference,
    options?: SendOptions,
  ): Promise<string> {
    return this.sendContent(transactionReferenceCodec, reference, options);
  }
  sendWalletSendCalls(calls: WalletSendCalls, options?: SendOptions): Promise<string> {
    return this.sendContent(walletSendCallsCodec, calls, options);
  }
  sendActions(actions: Actions, options?: SendOptions): Promise<string> {
    return this.sendContent(actionsCodec, actions, options);
  }
  sendIntent(intent: Intent, options?: SendOptions): Promise<string> {
    return this.sendContent(intentCodec, intent, options);
  }
}
