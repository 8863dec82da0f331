import type { GroupUpdated, LeaveRequest } from "@coterie/wire";
import type { Actions } from "./content/actions.ts";
import type { Attachment } from "./content/attachment.ts";
import type { Intent } from "./content/intent.ts";
import type { MultiRemoteAttachment } from "./content/multi-remote-attachment.ts";
import type { Reaction } from "./content/reaction.ts";
import type { ReadReceipt } from "./content/read-receipt.ts";
import type { RemoteAttachment } from "./content/remote-attachment.ts";
import type { TransactionReference } from "./content/transaction-reference.ts";
import type { WalletSendCalls } from "./content/wallet-send-calls.ts";
import type { DecodedMessage, DeletedMessage, EnrichedReply } from "./decoded-message.ts";
import { contentTypes, isContentType } from "./engine/content.ts";
import { GroupMessageKind } from "./enums.ts";

type Guard<T> = (message: DecodedMessage) => message is DecodedMessage<T> & { readonly content: T };

/** True for readable content of this type. */
function guard<T>(name: keyof typeof contentTypes): Guard<T> {
  const type = contentTypes[name];
  return (message): message is DecodedMessage<T> & { readonly content: T } =>
    message.content !== undefined && isContentType(message.contentType, type);
}

export const isText: Guard<string> = guard("text");
export const isMarkdown: Guard<string> = guard("markdown");
export const isReaction: Guard<Reaction> = guard("reaction");
export const isReply: Guard<EnrichedReply> = guard("reply");
export const isReadReceipt: Guard<ReadReceipt> = guard("readReceipt");
export const isAttachment: Guard<Attachment> = guard("attachment");
export const isRemoteAttachment: Guard<RemoteAttachment> = guard("remoteAttachment");
export const isMultiRemoteAttachment: Guard<MultiRemoteAttachment> = guard("multiRemoteAttachment");
export const isTransactionReference: Guard<TransactionReference> = guard("transactionReference");
export const isWalletSendCalls: Guard<WalletSendCalls> = guard("walletSendCalls");
export const isActions: Guard<Actions> = guard("actions");
export const isIntent: Guard<Intent> = guard("intent");
export const isLeaveRequest: Guard<LeaveRequest> = guard("leaveRequest");
export const isDeletedMessage: Guard<DeletedMessage> = guard("deletedMessage");

export function isTextReply(
  message: DecodedMessage,
): message is DecodedMessage<EnrichedReply<string>> & { readonly content: EnrichedReply<string> } {
  return isReply(message) && isContentType(message.content.contentType, contentTypes.text);
}

/** A transcript of this client's own: what somebody else sent under the same type is not one. */
export function isGroupUpdated(
  message: DecodedMessage,
): message is DecodedMessage<GroupUpdated> & { readonly content: GroupUpdated } {
  return message.kind === GroupMessageKind.MembershipChange && isTranscript(message);
}
const isTranscript: Guard<GroupUpdated> = guard("groupUpdated");
