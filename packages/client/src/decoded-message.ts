import type { ContentTypeId } from "@coterie/wire";
import type { ContentCodec } from "./content/codec.ts";
import { decompress } from "./content/compression.ts";
import { decodeContent } from "./content/encoded-content.ts";
import type { EncodedContent } from "./content/encoded-content.ts";
import type { Reaction } from "./content/reaction.ts";
import { findCodec } from "./content/registry.ts";
import { replyCodec } from "./content/reply.ts";
import type { Reply } from "./content/reply.ts";
import { contentTypes, isContentType } from "./engine/content.ts";
import type { MessageRow } from "./engine/state.ts";
import { GroupMessageKind } from "./enums.ts";
import type { DeliveryStatus } from "./enums.ts";

/** A message as apps read it. Times are nanoseconds since 1970; never trust them for security (XMS-05). */
export interface DecodedMessage<T = unknown> {
  readonly id: string;
  readonly conversationId: string;
  readonly senderInboxId: string;
  readonly senderInstallationId: string;
  readonly contentType: ContentTypeId | undefined;
  /** What the codec of its type made of it. Undefined where there is no codec, or the content is not what its type says. */
  readonly content: T | undefined;
  /** Words of the sender for readers that do not know the type. */
  readonly fallback: string | undefined;
  /** Added and removed ones, in the order of sending. */
  readonly reactions: readonly DecodedMessage<Reaction>[];
  readonly numReplies: number;
  readonly sentAt: Date;
  readonly sentAtNs: bigint;
  readonly insertedAtNs: bigint;
  readonly expiresAt: Date | undefined;
  readonly expiresAtNs: bigint | undefined;
  readonly kind: GroupMessageKind;
  readonly deliveryStatus: DeliveryStatus;
  /** Place in the node's order; undefined while unpublished. */
  readonly sequenceId: bigint | undefined;
  /** What was sent. */
  readonly encodedContent: EncodedContent | undefined;
}

/** Content of a reply as lists show it. */
export interface EnrichedReply<T = unknown, U = unknown> {
  readonly referenceId: string;
  readonly content: T;
  readonly contentType: ContentTypeId | undefined;
  /** The message that is answered, without its own relations; null where it is not known here. */
  readonly inReplyTo: DecodedMessage<U> | null;
}

/** In the place of a message that was deleted for all (XMS-09). */
export interface DeletedMessage {
  readonly deletedBy: "Sender" | "Admin";
  readonly adminInboxId?: string;
}

function dateOf(ns: bigint): Date {
  return new Date(Number(ns / 1_000_000n));
}

/** The value of content, or undefined: content comes from others, and what it does to a codec is no reason to lose a list. */
async function valueOf(content: EncodedContent, codec: ContentCodec | undefined): Promise<unknown> {
  try {
    return codec?.decode(await decompress(content));
  } catch {
    return undefined;
  }
}

async function contentOf(
  row: MessageRow,
  encoded: EncodedContent,
  codecs: readonly ContentCodec[],
): Promise<unknown> {
  const transcript = isContentType(encoded.type, contentTypes.groupUpdated);
  // A transcript that somebody sent is no transcript (§7.3).
  if (transcript && row.kind !== GroupMessageKind.MembershipChange) return undefined;
  const codec = findCodec(codecs, encoded.type);
  const value = await valueOf(encoded, codec);
  if (value === undefined || codec !== replyCodec) return value;
  const reply = value as Reply;
  return {
    referenceId: reply.reference,
    content: await valueOf(reply.content, findCodec(codecs, reply.content.type)),
    contentType: reply.content.type,
    inReplyTo: null,
  } satisfies EnrichedReply;
}

/** A stored message by itself, without what hangs on it. Content that cannot be read becomes undefined, never an error. */
export async function decodeMessage(
  row: MessageRow,
  codecs: readonly ContentCodec[],
): Promise<DecodedMessage> {
  let encoded: EncodedContent | undefined;
  try {
    encoded = decodeContent(row.content);
  } catch {
    encoded = undefined;
  }
  return {
    id: row.id,
    conversationId: row.groupId,
    senderInboxId: row.senderInboxId,
    senderInstallationId: row.senderInstallationId,
    contentType: encoded?.type,
    content: encoded && (await contentOf(row, encoded, codecs)),
    fallback: encoded?.fallback,
    reactions: [],
    numReplies: 0,
    sentAt: dateOf(row.sentAtNs),
    sentAtNs: row.sentAtNs,
    insertedAtNs: row.insertedAtNs,
    expiresAt: row.expireAtNs === undefined ? undefined : dateOf(row.expireAtNs),
    expiresAtNs: row.expireAtNs,
    kind: row.kind,
    deliveryStatus: row.deliveryStatus,
    sequenceId: row.sequenceId,
    encodedContent: encoded,
  };
}
