import type { ContentTypeId } from "@coterie/wire";
import { isContentType } from "../engine/content.ts";
import { actionsCodec } from "./actions.ts";
import { attachmentCodec } from "./attachment.ts";
import type { ContentCodec } from "./codec.ts";
import { deleteMessageCodec, groupUpdatedCodec, leaveRequestCodec } from "./group-messages.ts";
import { intentCodec } from "./intent.ts";
import { multiRemoteAttachmentCodec } from "./multi-remote-attachment.ts";
import { reactionCodec, reactionV1Codec } from "./reaction.ts";
import { readReceiptCodec } from "./read-receipt.ts";
import { remoteAttachmentCodec } from "./remote-attachment.ts";
import { replyCodec } from "./reply.ts";
import { markdownCodec, textCodec } from "./text.ts";
import { transactionReferenceCodec } from "./transaction-reference.ts";
import { walletSendCallsCodec } from "./wallet-send-calls.ts";

/** The codecs of §7.3. */
export const builtInCodecs: readonly ContentCodec[] = [
  textCodec,
  markdownCodec,
  reactionCodec,
  reactionV1Codec,
  replyCodec,
  readReceiptCodec,
  attachmentCodec,
  remoteAttachmentCodec,
  multiRemoteAttachmentCodec,
  transactionReferenceCodec,
  walletSendCallsCodec,
  actionsCodec,
  intentCodec,
  groupUpdatedCodec,
  leaveRequestCodec,
  deleteMessageCodec,
];

/**
 * The codec for a type: of the app's own first, then the built-in ones. Another major version is another type; of several minor ones the
 * exact one is taken if it is there. Undefined for a type that nobody knows.
 */
export function findCodec(
  custom: readonly ContentCodec[],
  type: ContentTypeId | undefined,
): ContentCodec | undefined {
  if (type === undefined) return undefined;
  const fitting = [...custom, ...builtInCodecs].filter(
    ({ contentType }) =>
      isContentType(type, contentType) && contentType.versionMajor === type.versionMajor,
  );
  return (
    fitting.find(({ contentType }) => contentType.versionMinor === type.versionMinor) ?? fitting[0]
  );
}
