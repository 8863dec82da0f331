import { decodeKey } from "@coterie/storage";
import type { ContentCodec } from "./content/codec.ts";
import type { Reaction } from "./content/reaction.ts";
import { isMessageId } from "./content/read.ts";
import { readMessages, readMessagesAt } from "./db.ts";
import { decodeMessage } from "./decoded-message.ts";
import type { DecodedMessage, DeletedMessage, EnrichedReply } from "./decoded-message.ts";
import { readDeletion } from "./deletions.ts";
import { contentTypes, isContentType } from "./engine/content.ts";
import type { MessageRow } from "./engine/state.ts";
import type { Groups } from "./groups.ts";
import { keys } from "./keys.ts";
import { isExpired } from "./list-messages.ts";
import { readHanging } from "./message-index.ts";
import type { MessageAt } from "./message-index.ts";
import { decodeRow } from "./rows.ts";
import type { Ports } from "./run.ts";

/** What messages are shown with. */
export interface Viewer {
  readonly ports: Ports;
  readonly groups: Groups;
  readonly codecs: readonly ContentCodec[];
}

/** The conversations whose messages belong together with those of one. */
type Family = ReadonlySet<string>;

/** Reactions shown on one message at most; a thousand more are noise. */
const maxReactions = 1_000;

/** The conversations whose messages are one list: duplicates of a DM, or the one itself (XDM-05). */
export async function siblingIds(groups: Groups, groupId: string): Promise<readonly string[]> {
  const dmId = (await groups.find(groupId))?.record.dmId;
  if (dmId === undefined) return [groupId];
  const all = await groups.all();
  return all.filter(({ record }) => record.dmId === dmId).map(({ id }) => id);
}

/** A message as lists show it. */
export async function viewMessage(viewer: Viewer, row: MessageRow): Promise<DecodedMessage> {
  const [message] = await viewMessages(viewer, [row]);
  return message as DecodedMessage;
}

/**
 * Messages as lists show them: with their reactions, their replies counted, what they answer, or placeholders where they were
 * deleted. One look tells on which anything hangs; the others cost no more than that.
 */
export async function viewMessages(
  viewer: Viewer,
  rows: readonly MessageRow[],
): Promise<DecodedMessage[]> {
  const { ports, groups } = viewer;
  const families = new Map<string, Family>();
  for (const { groupId } of rows) {
    if (families.has(groupId)) continue;
    families.set(groupId, new Set(await siblingIds(groups, groupId)));
  }
  const hanging = await readHanging(
    ports.store,
    rows.map(({ id }) => id),
  );
  const alone = await Promise.all(rows.map((row) => viewAlone(viewer, row, hanging)));
  const targets = await viewTargets(viewer, alone);
  return Promise.all(
    alone.map((message, i) => {
      const row = rows[i] as MessageRow;
      const family = families.get(row.groupId) as Family;
      return withRelations(viewer, row, withTarget(message, targets, family), family, hanging);
    }),
  );
}

async function withRelations(
  viewer: Viewer,
  row: MessageRow,
  message: DecodedMessage,
  family: Family,
  hanging: ReadonlySet<string>,
): Promise<DecodedMessage> {
  const deleted = isContentType(message.contentType, contentTypes.deletedMessage);
  if (deleted || !hanging.has(row.id)) return message;
  const [reactions, numReplies] = await Promise.all([
    reactionsOf(viewer, row, family),
    countReplies(viewer, row, family),
  ]);
  return { ...message, reactions, numReplies };
}

async function viewAlone(
  viewer: Viewer,
  row: MessageRow,
  hanging: ReadonlySet<string>,
): Promise<DecodedMessage> {
  const message = await decodeMessage(row, viewer.codecs);
  const deletion = hanging.has(row.id) && (await readDeletion(viewer.ports.store, row));
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
  family: Family,
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

async function countReplies({ ports }: Viewer, row: MessageRow, family: Family): Promise<number> {
  const found = await ports.store.list(keys.relationsOf(row.id, "reply"));
  return found.filter(({ value }) => family.has(decodeRow<MessageAt>(value).groupId)).length;
}

/** Undefined also for what a codec of the app's own made of a reply. */
function replyOf({ contentType, content }: DecodedMessage): EnrichedReply | undefined {
  if (!isContentType(contentType, contentTypes.reply)) return undefined;
  const reply = content as Partial<EnrichedReply> | null | undefined;
  return typeof reply?.referenceId === "string" && isMessageId(reply.referenceId)
    ? (reply as EnrichedReply)
    : undefined;
}

/** What replies answer, as far as it is stored here, each by itself. */
async function viewTargets(
  viewer: Viewer,
  messages: readonly DecodedMessage[],
): Promise<ReadonlyMap<string, DecodedMessage>> {
  const { store, clock } = viewer.ports;
  const ids = [...new Set(messages.flatMap((message) => replyOf(message)?.referenceId ?? []))];
  if (ids.length === 0) return new Map();
  const nowNs = clock.nowNs();
  const rows = [...(await readMessages(store, ids)).values()].filter(
    (row) => !isExpired(row, nowNs),
  );
  const hanging = await readHanging(
    store,
    rows.map(({ id }) => id),
  );
  const views = await Promise.all(rows.map((row) => viewAlone(viewer, row, hanging)));
  return new Map(views.map((view) => [view.id, view]));
}

/** A reply with the message that it answers; all others as they are. */
function withTarget(
  message: DecodedMessage,
  targets: ReadonlyMap<string, DecodedMessage>,
  family: Family,
): DecodedMessage {
  const reply = replyOf(message);
  const target = reply && targets.get(reply.referenceId);
  if (!target || !family.has(target.conversationId)) return message;
  return { ...message, content: { ...reply, inReplyTo: target } };
}
