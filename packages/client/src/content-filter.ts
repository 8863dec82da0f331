import { contentTypes, isContentType } from "./engine/content.ts";
import type { ContentTypeId } from "./engine/state.ts";

/** Content types as the API numbers them. `Custom` is every type that has no number of its own. */
export const ContentType = {
  Actions: 0,
  Attachment: 1,
  Custom: 2,
  GroupMembershipChange: 3,
  GroupUpdated: 4,
  Intent: 5,
  LeaveRequest: 6,
  Markdown: 7,
  MultiRemoteAttachment: 8,
  Reaction: 9,
  ReadReceipt: 10,
  RemoteAttachment: 11,
  Reply: 12,
  Text: 13,
  TransactionReference: 14,
  WalletSendCalls: 15,
} as const;
export type ContentType = (typeof ContentType)[keyof typeof ContentType];

const groupMembershipChange: ContentTypeId = {
  ...contentTypes.groupUpdated,
  typeId: "group_membership_change",
};

/** Types by their number; undefined at `Custom`. */
const numbered: readonly (ContentTypeId | undefined)[] = [
  contentTypes.actions,
  contentTypes.attachment,
  undefined,
  groupMembershipChange,
  contentTypes.groupUpdated,
  contentTypes.intent,
  contentTypes.leaveRequest,
  contentTypes.markdown,
  contentTypes.multiRemoteAttachment,
  contentTypes.reaction,
  contentTypes.readReceipt,
  contentTypes.remoteAttachment,
  contentTypes.reply,
  contentTypes.text,
  contentTypes.transactionReference,
  contentTypes.walletSendCalls,
];

function numberOf(type: ContentTypeId | undefined): ContentType {
  const found = numbered.findIndex((one) => one !== undefined && isContentType(type, one));
  return found < 0 ? ContentType.Custom : (found as ContentType);
}

/** Whether a type is among those named, by number or by type id; content that cannot be read has the type id `unknown` (XMS-04). */
export function matchesContentTypes(
  type: ContentTypeId | undefined,
  wanted: readonly (ContentType | string)[],
): boolean {
  return wanted.includes(numberOf(type)) || wanted.includes(type?.typeId ?? "unknown");
}
