import { decodeKey } from "@coterie/storage";
import type { ContentCodec } from "./content/codec.ts";
import type { Reaction } from "./content/reaction.ts";
import { readMessage, readMessagesAt } from "./db.ts";
import { decodeMessage } from "./decoded-message.ts";
import type { DecodedMessage, DeletedMessage, EnrichedReply } from "./decoded-message.ts";
import { readDeletion } from "./deletions.ts";
import { contentTypes, isContentType } from "./engine/content.ts";
import type { MessageRow } from "./engine/state.ts";
import type { Groups } from "./groups.ts";
import { keys } from "./keys.ts";
import { isExpired } from "./list-messages.ts";
import type { MessageAt } from "./message-index.ts";
import { decodeRow } from "./rows.ts";
import type { Ports } from "./run.ts";

/** What messages are shown with. */
export interface Viewer {
  readonly ports: Ports;
  readonly groups: Groups;
  readonly codecs: readonly ContentCodec[];
}

/** Reactions shown on one message at most; a thousand more are noise. */
const maxReactions = 1_000;

/** The conversations whose messages are one list: duplicates of a DM, or the one itself (XDM-05). */
export async function siblingIds(groups: Groups, groupId: string): Promise<readonly string[]> {
  const dmId = (await groups.find(groupId))?.record.dmId;
  if (dmId === undefined) return [groupId];
  const all = await groups.all();
  return all.filter(({ record }) => record.dmId === dmId).map(({ id }) => id);
}

/** A message as lists show it: with its reactions, its replies counted, what it answers, or a placeholder where it was deleted. */
export async function viewMessage(viewer: Viewer, row: MessageRow): Promise<DecodedMessage> {
  const message = await viewAlone(viewer, row);
  if (isContentType(message.contentType, contentTypes.deletedMessage)) return message;
  const family = new Set(await siblingIds(viewer.groups, row.groupId));
  const [reactions, numReplies, content] = await Promise.all([
    reactionsOf(viewer, row, family),
    countReplies(viewer, row, family),
    withTarget(viewer, message, family),
  ]);
  return { ...message, reactions, numReplies, content };
}

export function viewMessages(
  viewer: Viewer,
  rows: readonly MessageRow[],
): Promise<DecodedMessage[]> {
  return Promise.all(rows.map((row) => viewMessage(viewer, row)));
}

async function viewAlone(viewer: Viewer, row: MessageRow): Promise<DecodedMessage> {
  const message = await decodeMessage(row, viewer.codecs);
  const deletion = await readDeletion(viewer.ports.store, row);
  if (!deletion) return message;
  const bySender = deletion.by === row.senderInboxId;
  return {
    ...message,
    contentType: contentTypes.deletedMessage,
    content: (bySender
      ? { deletedBy: "Sender" }
      : { deletedBy: "Admin", adminInboxId: deletion.by }) satisfies DeletedMessage,
    // They may quote what was deleted.
    fallback: undefined,
    encodedContent: undefined,
  };
}

async function reactionsOf(
  viewer: Viewer,
  row: MessageRow,
  family: ReadonlySet<string>,
): Promise<DecodedMessage<Reaction>[]> {
  const { store } = viewer.ports;
  const range = keys.relationsOf(row.id, "reaction");
  const newest = await store.list({ ...range, reverse: true, limit: maxReactions });
  if (newest.length === 0) return [];
  const places = newest
    .toReversed()
    .map(({ key, value }) => ({ id: decodeKey(key).at(-1) as string, value }));
  const rows = await readMessagesAt(store, places);
  const own = rows.filter(({ groupId }) => family.has(groupId));
  const reactions = await Promise.all(own.map((one) => decodeMessage(one, viewer.codecs)));
  return reactions as DecodedMessage<Reaction>[];
}

async function countReplies(
  { ports }: Viewer,
  row: MessageRow,
  family: ReadonlySet<string>,
): Promise<number> {
  const found = await ports.store.list(keys.relationsOf(row.id, "reply"));
  return found.filter(({ value }) => family.has(decodeRow<MessageAt>(value).groupId)).length;
}

/** The content of a reply with the message that it answers; all other content as it is. */
async function withTarget(
  viewer: Viewer,
  { contentType, content }: DecodedMessage,
  family: ReadonlySet<string>,
): Promise<unknown> {
  if (content === undefined || !isContentType(contentType, contentTypes.reply)) return content;
  const reply = content as EnrichedReply;
  const target = await readMessage(viewer.ports.store, reply.referenceId);
  const gone = !target || isExpired(target, viewer.ports.clock.nowNs());
  if (gone || !family.has(target.groupId)) return reply;
  return { ...reply, inReplyTo: await viewAlone(viewer, target) };
}
