import { fromUtf8 } from "@coterie/base";
import { EncodedContent, GroupUpdated } from "@coterie/wire";
import type { ContentTypeId } from "@coterie/wire";
import { contentTypes, isContentType } from "./engine/content.ts";
import type { MessageRow } from "./engine/state.ts";
import type { DeliveryStatus, GroupMessageKind } from "./enums.ts";

/** Turns one content type into values and back, for apps with types of their own. */
export interface ContentCodec<T = unknown> {
  readonly contentType: ContentTypeId;
  encode(value: T): EncodedContent;
  decode(content: EncodedContent): T;
}

/** A message as apps read it. Times are nanoseconds since 1970; never trust them for security (XMS-05). */
export interface DecodedMessage<T = unknown> {
  readonly id: string;
  readonly conversationId: string;
  readonly senderInboxId: string;
  readonly senderInstallationId: string;
  readonly contentType: ContentTypeId | undefined;
  /** A text, a GroupUpdated, what a codec made of it, or the EncodedContent where no codec is known. Undefined if unreadable. */
  readonly content: T | undefined;
  /** Words of the sender for readers that do not know the type. */
  readonly fallback: string | undefined;
  readonly sentAt: Date;
  readonly sentAtNs: bigint;
  readonly insertedAtNs: bigint;
  readonly expiresAtNs: bigint | undefined;
  readonly kind: GroupMessageKind;
  readonly deliveryStatus: DeliveryStatus;
  /** Place in the node's order; undefined while unpublished. */
  readonly sequenceId: bigint | undefined;
  /** The bytes that were sent. */
  readonly encodedContent: EncodedContent | undefined;
}

function decodeContent(
  row: MessageRow,
  encoded: EncodedContent | undefined,
  codecs: readonly ContentCodec[],
): unknown {
  if (!encoded) return undefined;
  try {
    const codec = codecs.find(({ contentType }) => isContentType(encoded.type, contentType));
    if (codec) return codec.decode(encoded);
    const textual =
      isContentType(encoded.type, contentTypes.text) ||
      isContentType(encoded.type, contentTypes.markdown);
    if (textual && encoded.compression === undefined) return fromUtf8(encoded.content);
    if (isContentType(row.contentType, contentTypes.groupUpdated)) {
      return GroupUpdated.decode(encoded.content);
    }
  } catch {
    return undefined;
  }
  return encoded;
}

/** The app's view of a stored message. Content that cannot be read becomes undefined, never an error. */
export function decodeMessage(
  row: MessageRow,
  codecs: readonly ContentCodec[] = [],
): DecodedMessage {
  let encoded: EncodedContent | undefined;
  try {
    encoded = EncodedContent.decode(row.content);
  } catch {
    encoded = undefined;
  }
  return {
    id: row.id,
    conversationId: row.groupId,
    senderInboxId: row.senderInboxId,
    senderInstallationId: row.senderInstallationId,
    contentType: encoded?.type,
    content: decodeContent(row, encoded, codecs),
    fallback: encoded?.fallback,
    sentAt: new Date(Number(row.sentAtNs / 1_000_000n)),
    sentAtNs: row.sentAtNs,
    insertedAtNs: row.insertedAtNs,
    expiresAtNs: row.expireAtNs,
    kind: row.kind,
    deliveryStatus: row.deliveryStatus,
    sequenceId: row.sequenceId,
    encodedContent: encoded,
  };
}
