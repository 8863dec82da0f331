import { concat } from "@coterie/base";
import { decodeKey } from "@coterie/storage";
import type { Entry, Store } from "@coterie/storage";
import { matchesContentTypes } from "./content-filter.ts";
import type { ContentType } from "./content-filter.ts";
import { readMessagesAt } from "./db.ts";
import { contentTypes, isContentType } from "./engine/content.ts";
import type { MessageRow } from "./engine/state.ts";
import { DeliveryStatus, MessageSortBy, SortDirection } from "./enums.ts";
import type { GroupMessageKind } from "./enums.ts";
import { ClientError } from "./errors.ts";
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
  /** Default: all of them, Unpublished and Failed too (XMS-06). */
  readonly deliveryStatus?: DeliveryStatus | undefined;
  /** Default ascending: the oldest first, and with a `limit` the oldest only. */
  readonly direction?: SortDirection | undefined;
  /** Numbers of {@link ContentType}, or type ids such as `text`. */
  readonly contentTypes?: readonly (ContentType | string)[] | undefined;
  readonly excludeContentTypes?: readonly (ContentType | string)[] | undefined;
  readonly kind?: GroupMessageKind | undefined;
  readonly excludeSenderInboxIds?: readonly string[] | undefined;
  /** Default by time sent. */
  readonly sortBy?: MessageSortBy | undefined;
}

/** Types that lists leave out: they hang on other messages (XMS-10). */
const attached = [contentTypes.reaction, contentTypes.readReceipt, contentTypes.deleteMessage];

function isAttached(row: MessageRow): boolean {
  return attached.some((type) => isContentType(row.contentType, type));
}

/** The rows of some conversations that the options ask for, as one list in their order. */
export async function listMessages(
  ports: Ports,
  groupIds: readonly string[],
  options: ListMessagesOptions,
): Promise<MessageRow[]> {
  const { limit = Number.POSITIVE_INFINITY } = options;
  const rows: MessageRow[] = [];
  if (limit === 0) return rows;
  for await (const row of matching(ports, groupIds, options)) {
    if (isAttached(row)) continue;
    rows.push(row);
    if (rows.length === limit) break;
  }
  return rows;
}

/** The rows of one conversation that were sent at this very time, those included that lists leave out. */
export async function messagesSentAt(
  ports: Ports,
  groupId: string,
  sentAtNs: bigint,
): Promise<MessageRow[]> {
  const rows: MessageRow[] = [];
  const at = { sentAfterNs: sentAtNs - 1n, sentBeforeNs: sentAtNs + 1n, limit: 1 };
  for await (const row of matching(ports, [groupId], at)) rows.push(row);
  return rows;
}

/** How many there are, those included that lists leave out (XMS-10). Ignores `limit`. */
export async function countMessages(
  ports: Ports,
  groupIds: readonly string[],
  options: ListMessagesOptions,
): Promise<number> {
  let count = 0;
  for await (const _ of matching(ports, groupIds, { ...options, limit: undefined })) count += 1;
  return count;
}

async function* matching(
  ports: Ports,
  groupIds: readonly string[],
  options: ListMessagesOptions,
): AsyncGenerator<MessageRow> {
  const { limit } = options;
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw new ClientError("client/bad-argument", { argument: "limit" });
  }
  const nowNs = ports.clock.nowNs();
  for await (const row of merge(ports.store, groupIds, options)) {
    if (matches(row, options) && !isExpired(row, nowNs)) yield row;
  }
}

/** XDS-04: what is due is gone, whether or not the worker came by. */
export function isExpired({ expireAtNs, deliveryStatus }: MessageRow, nowNs: bigint): boolean {
  return (
    expireAtNs !== undefined && expireAtNs <= nowNs && deliveryStatus === DeliveryStatus.Published
  );
}

/** Several conversations as one, each read only as far as the reader goes. */
async function* merge(
  store: Store,
  groupIds: readonly string[],
  options: ListMessagesOptions,
): AsyncGenerator<MessageRow> {
  const sign = options.direction === SortDirection.Descending ? -1 : 1;
  const heads: { row: MessageRow; rest: AsyncGenerator<MessageRow> }[] = [];
  for (const groupId of groupIds) {
    const rest = pages(store, groupId, options);
    const first = await rest.next();
    if (!first.done) heads.push({ row: first.value, rest });
  }
  while (heads.length > 0) {
    let best = 0;
    for (let i = 1; i < heads.length; i++) {
      const [a, b] = [heads[i], heads[best]] as [(typeof heads)[0], (typeof heads)[0]];
      if (order(a.row, b.row, options) * sign < 0) best = i;
    }
    const head = heads[best] as (typeof heads)[0];
    yield head.row;
    const next = await head.rest.next();
    if (next.done) heads.splice(best, 1);
    else head.row = next.value;
  }
}

function order(a: MessageRow, b: MessageRow, { sortBy }: ListMessagesOptions): number {
  const by = (one: bigint, other: bigint): number => (one === other ? 0 : one < other ? -1 : 1);
  if (sortBy === MessageSortBy.InsertedAt) {
    return by(a.insertedAtNs, b.insertedAtNs) || (a.id < b.id ? -1 : 1);
  }
  return by(a.sentAtNs, b.sentAtNs) || by(a.sequenceId ?? last, b.sequenceId ?? last);
}
const last = 0xffff_ffff_ffff_ffffn;

const smallestPage = 16;
const largestPage = 256;

/** Rows of one conversation in order, a page at a time: both tables are sorted, so a page holds what comes next and no more. */
async function* pages(
  store: Store,
  groupId: string,
  options: ListMessagesOptions,
): AsyncGenerator<MessageRow> {
  const reverse = options.direction === SortDirection.Descending;
  const byInsertion = options.sortBy === MessageSortBy.InsertedAt;
  let { from, to } = byInsertion ? insertedRange(groupId, options) : sentRange(groupId, options);
  let limit = Math.min(largestPage, Math.max(smallestPage, options.limit ?? largestPage));
  for (;;) {
    const entries = await store.list({ from, to, reverse, limit });
    const tail = entries.at(-1);
    if (!tail) return;
    yield* byInsertion ? await rowsAt(store, entries) : entries.map(({ value }) => rowOf(value));
    if (entries.length < limit) return;
    if (reverse) to = tail.key;
    else from = concat(tail.key, new Uint8Array(1));
    // Filters may pass over much: larger steps then.
    limit = Math.min(largestPage, limit * 2);
  }
}

function rowOf(value: Uint8Array): MessageRow {
  return decodeRow<MessageRow>(value);
}

function rowsAt(store: Store, entries: readonly Entry[]): Promise<MessageRow[]> {
  return readMessagesAt(
    store,
    entries.map(({ key, value }) => ({ id: decodeKey(key).at(-1) as string, value })),
  );
}

interface KeyRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** Bounds outside of what keys hold leave a range open. */
function bounded(
  range: KeyRange,
  at: (ns: bigint) => Uint8Array,
  after: bigint | undefined,
  before: bigint | undefined,
): KeyRange {
  const from =
    after === undefined || after < 0n ? range.from : at(after >= last ? last : after + 1n);
  const to = before === undefined || before > last ? range.to : at(before < 0n ? 0n : before);
  return { from, to };
}

function sentRange(groupId: string, options: ListMessagesOptions): KeyRange {
  const at = (ns: bigint): Uint8Array => keys.messagesFrom(groupId, ns);
  return bounded(keys.messagesOf(groupId), at, options.sentAfterNs, options.sentBeforeNs);
}

function insertedRange(groupId: string, options: ListMessagesOptions): KeyRange {
  const at = (ns: bigint): Uint8Array => keys.insertedFrom(groupId, ns);
  return bounded(keys.insertedOf(groupId), at, options.insertedAfterNs, options.insertedBeforeNs);
}

function matches(row: MessageRow, options: ListMessagesOptions): boolean {
  return (
    (options.sentBeforeNs === undefined || row.sentAtNs < options.sentBeforeNs) &&
    (options.sentAfterNs === undefined || row.sentAtNs > options.sentAfterNs) &&
    (options.insertedBeforeNs === undefined || row.insertedAtNs < options.insertedBeforeNs) &&
    (options.insertedAfterNs === undefined || row.insertedAtNs > options.insertedAfterNs) &&
    (options.deliveryStatus === undefined || row.deliveryStatus === options.deliveryStatus) &&
    (options.kind === undefined || row.kind === options.kind) &&
    (options.contentTypes === undefined ||
      matchesContentTypes(row.contentType, options.contentTypes)) &&
    (options.excludeContentTypes === undefined ||
      !matchesContentTypes(row.contentType, options.excludeContentTypes)) &&
    !options.excludeSenderInboxIds?.includes(row.senderInboxId)
  );
}
