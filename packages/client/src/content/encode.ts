import { actionsCodec } from "./actions.ts";
import type { Actions } from "./actions.ts";
import { attachmentCodec } from "./attachment.ts";
import type { Attachment } from "./attachment.ts";
import type { EncodedContent } from "./encoded-content.ts";
import { intentCodec } from "./intent.ts";
import type { Intent } from "./intent.ts";
import { multiRemoteAttachmentCodec } from "./multi-remote-attachment.ts";
import type { MultiRemoteAttachment } from "./multi-remote-attachment.ts";
import { reactionCodec } from "./reaction.ts";
import type { Reaction } from "./reaction.ts";
import { readReceiptCodec } from "./read-receipt.ts";
import type { ReadReceipt } from "./read-receipt.ts";
import { remoteAttachmentCodec } from "./remote-attachment.ts";
import type { RemoteAttachment } from "./remote-attachment.ts";
import { replyCodec } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { markdownCodec, textCodec } from "./text.ts";
import { transactionReferenceCodec } from "./transaction-reference.ts";
import type { TransactionReference } from "./transaction-reference.ts";
import { walletSendCallsCodec } from "./wallet-send-calls.ts";
import type { WalletSendCalls } from "./wallet-send-calls.ts";

// The codecs as functions, by the names that the released SDK gives them: what a reply takes as its content.

export const encodeText = (text: string): EncodedContent => textCodec.encode(text);
export const encodeMarkdown = (text: string): EncodedContent => markdownCodec.encode(text);
export const encodeReaction = (value: Reaction): EncodedContent => reactionCodec.encode(value);
export const encodeReply = (value: Reply): EncodedContent => replyCodec.encode(value);
export const encodeReadReceipt = (value: ReadReceipt = {}): EncodedContent =>
  readReceiptCodec.encode(value);
export const encodeAttachment = (value: Attachment): EncodedContent =>
  attachmentCodec.encode(value);
export const encodeRemoteAttachment = (value: RemoteAttachment): EncodedContent =>
  remoteAttachmentCodec.encode(value);
export const encodeMultiRemoteAttachment = (value: MultiRemoteAttachment): EncodedContent =>
  multiRemoteAttachmentCodec.encode(value);
export const encodeTransactionReference = (value: TransactionReference): EncodedContent =>
  transactionReferenceCodec.encode(value);
export const encodeWalletSendCalls = (value: WalletSendCalls): EncodedContent =>
  walletSendCallsCodec.encode(value);
export const encodeActions = (value: Actions): EncodedContent => actionsCodec.encode(value);
export const encodeIntent = (value: Intent): EncodedContent => intentCodec.encode(value);
