import { readRowsOf } from "./db.ts";
import { decodeMessage } from "./decoded-message.ts";
import type { ContentCodec, DecodedMessage } from "./decoded-message.ts";
import { contentTypes, isContentType } from "./engine/content.ts";
import type { Deletion } from "./engine/step.ts";
import type { MessageRow } from "./engine/state.ts";
import { GroupMessageKind } from "./enums.ts";
import type { DeliveryStatus } from "./enums.ts";
import { keys } from "./keys.ts";
import { decodeRow } from "./rows.ts";
import type { Ports } from "./run.ts";

/** What to list (XMS-10). Times are exclusive bounds in nanoseconds. */
export interface ListMessagesOptions {
  readonly sentBeforeNs?: bigint | undefined;
  readonly sentAfterNs?: bigint | undefined;
  readonly insertedBeforeNs?: bigint | undefined;
  readonly insertedAfterNs?: bigint | undefined;
  readonly limit?: number | undefined;
  readonly deliveryStatus?: DeliveryStatus | undefined;
  /** 0 ascending (default), 1 descending. */
  readonly direction?: 0 | 1 | undefined;
  /** Type ids such as `text`. */
  readonly contentTypes?: readonly string[] | undefined;
  readonly excludeContentTypes?: readonly string[] | undefined;
  readonly kind?: GroupMessageKind | undefined;
  readonly excludeSenderInboxIds?: readonly string[] | undefined;
  /** 0 by time sent (default), 1 by time inserted. */
  readonly sortBy?: 0 | 1 | undefined;
}

/** Types that lists leave out: they hang on other messages (XMS-10). */
const attached = [contentTypes.reaction, contentTypes.readReceipt, contentTypes.deleteMessage];

function isAttached(row: MessageRow): boolean {
  return attached.some((type) => isContentType(row.contentType, type));
}

/** The rows of some conversations that the options ask for, in their order. */
export async function listMessages(
  ports: Ports,
  groupIds: readonly string[],
  options: ListMessagesOptions,
  more: { readonly withAttached: boolean },
): Promise<MessageRow[]> {
  const rows: MessageRow[] = [];
  const wanted = (row: MessageRow): boolean =>
    matches(row, options) && (more.withAttached || !isAttached(row));
  for (const groupId of groupIds) {
    let found = 0;
    for await (const row of readInPages(ports, groupId, options)) {
      if (!wanted(row)) continue;
      rows.push(row);
      found += 1;
      // The table is in the order of sending: of each conversation the first ones are enough.
      if (options.limit !== undefined && options.sortBy !== 1 && found >= options.limit) break;
    }
  }
  const byInsertion = options.sortBy === 1;
  rows.sort((a, b) => {
    const first = byInsertion ? a.insertedAtNs : a.sentAtNs;
    const second = byInsertion ? b.insertedAtNs : b.sentAtNs;
    if (first !== second) return first < second ? -1 : 1;
    return Number((a.sequenceId ?? 0n) - (b.sequenceId ?? 0n));
  });
  if (options.direction === 1) rows.reverse();
  return options.limit === undefined ? rows : rows.slice(0, options.limit);
}

const pageSize = 256;

/** Rows of one conversation in the direction asked for, a page at a time. */
async function* readInPages(
  ports: Ports,
  groupId: string,
  options: ListMessagesOptions,
): AsyncGenerator<MessageRow> {
  const reverse = options.direction === 1;
  let { sentAfterNs, sentBeforeNs } = options;
  const seen = new Set<string>();
  for (;;) {
    const page = await readRowsOf(
      ports.store,
      groupId,
      { sentAfterNs, sentBeforeNs },
      { reverse, limit: pageSize + seen.size },
    );
    const fresh = page.filter(({ id }) => !seen.has(id));
    yield* fresh;
    const last = page.at(-1);
    if (!last || fresh.length === 0 || page.length < pageSize) return;
    // Several rows may share a time: go on from that time, past those already read.
    if (reverse) sentBeforeNs = last.sentAtNs + 1n;
    else sentAfterNs = last.sentAtNs;
    seen.clear();
    for (const row of page) if (row.sentAtNs === last.sentAtNs) seen.add(row.id);
  }
}

function matches(row: MessageRow, options: ListMessagesOptions): boolean {
  const type = row.contentType?.typeId ?? "unknown";
  return (
    (options.sentBeforeNs === undefined || row.sentAtNs < options.sentBeforeNs) &&
    (options.sentAfterNs === undefined || row.sentAtNs > options.sentAfterNs) &&
    (options.insertedBeforeNs === undefined || row.insertedAtNs < options.insertedBeforeNs) &&
    (options.insertedAfterNs === undefined || row.insertedAtNs > options.insertedAfterNs) &&
    (options.deliveryStatus === undefined || row.deliveryStatus === options.deliveryStatus) &&
    (options.kind === undefined || row.kind === options.kind) &&
    (options.contentTypes === undefined || options.contentTypes.includes(type)) &&
    !options.excludeContentTypes?.includes(type) &&
    !options.excludeSenderInboxIds?.includes(row.senderInboxId)
  );
}

/** Types that can be deleted for all (XMS-09). */
const deletable: ReadonlySet<string> = new Set([
  "text",
  "markdown",
  "reply",
  "attachment",
  "remoteStaticAttachment",
  "multiRemoteStaticAttachment",
  "transactionReference",
  "walletSendCalls",
]);

/** Who deleted a message for all, if anybody validly did (XMS-09). */
async function deletionOf(ports: Ports, row: MessageRow): Promise<Deletion | undefined> {
  if (row.kind !== GroupMessageKind.Application) return undefined;
  if (!deletable.has(row.contentType?.typeId ?? "")) return undefined;
  const found = await ports.store.list(keys.deletionsOf(row.id));
  return found
    .map(({ value }) => decodeRow<Deletion>(value))
    .find(({ by, bySuperAdmin }) => bySuperAdmin || by === row.senderInboxId);
}

/** A message as lists show it: a placeholder where somebody validly deleted it (XMS-09). */
export async function viewMessage(
  ports: Ports,
  row: MessageRow,
  codecs: readonly ContentCodec[],
): Promise<DecodedMessage> {
  const message = decodeMessage(row, codecs);
  const deletion = await deletionOf(ports, row);
  if (!deletion) return message;
  const bySender = deletion.by === row.senderInboxId;
  return {
    ...message,
    contentType: { ...contentTypes.deleteMessage, typeId: "deletedMessage" },
    content: bySender ? { deletedBy: "Sender" } : { deletedBy: "Admin", adminInboxId: deletion.by },
    fallback: undefined,
    encodedContent: undefined,
  };
}
