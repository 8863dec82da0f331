import type { ContentTypeId } from "@coterie/wire";
import { contentTypes } from "../engine/content.ts";

// The ids of content types as functions, by the names that the released SDK gives them.

export const contentTypeText = (): ContentTypeId => contentTypes.text;
export const contentTypeMarkdown = (): ContentTypeId => contentTypes.markdown;
export const contentTypeReaction = (): ContentTypeId => contentTypes.reaction;
export const contentTypeReply = (): ContentTypeId => contentTypes.reply;
export const contentTypeReadReceipt = (): ContentTypeId => contentTypes.readReceipt;
export const contentTypeAttachment = (): ContentTypeId => contentTypes.attachment;
export const contentTypeRemoteAttachment = (): ContentTypeId => contentTypes.remoteAttachment;
export const contentTypeMultiRemoteAttachment = (): ContentTypeId =>
  contentTypes.multiRemoteAttachment;
export const contentTypeTransactionReference = (): ContentTypeId =>
  contentTypes.transactionReference;
export const contentTypeWalletSendCalls = (): ContentTypeId => contentTypes.walletSendCalls;
export const contentTypeActions = (): ContentTypeId => contentTypes.actions;
export const contentTypeIntent = (): ContentTypeId => contentTypes.intent;
export const contentTypeGroupUpdated = (): ContentTypeId => contentTypes.groupUpdated;
export const contentTypeLeaveRequest = (): ContentTypeId => contentTypes.leaveRequest;
