import type { GroupId } from "@coterie/base";
import type { Change, Store } from "@coterie/storage";
import { referenceOf } from "./content/reference.ts";
import { contentTypes, isContentType } from "./engine/content.ts";
import type { MessageRow } from "./engine/state.ts";
import { DeliveryStatus } from "./enums.ts";
import { keys } from "./keys.ts";
import { decodeRow, encodeRow } from "./rows.ts";

/** Where a message row lies in its table. */
export interface MessageAt {
  readonly groupId: GroupId;
  readonly sentAtNs: bigint;
  readonly sequenceId: bigint;
}

/** Unpublished rows sort after what the node has already ordered at the same time. */
const unordered = 0xffff_ffff_ffff_ffffn;

export function placeOf(row: MessageRow): MessageAt {
  return {
    groupId: row.groupId,
    sentAtNs: row.sentAtNs,
    sequenceId: row.sequenceId ?? unordered,
  };
}

/** The entries by which a message is found otherwise than by its time: by id, by expiry, by time stored, by what it refers to. */
function indexKeys(row: MessageRow): Uint8Array[] {
  const found = [keys.messageAt(row.id), keys.inserted(row.groupId, row.insertedAtNs, row.id)];
  if (row.expireAtNs !== undefined) found.push(keys.expiry(row.expireAtNs, row.id));
  const reference = referenceOf(row.contentType, row.content);
  if (reference) {
    found.push(keys.relation(reference.target, reference.kind, row.sentAtNs, row.id));
  }
  return found;
}

export function indexMessage(row: MessageRow): Change[] {
  const value = encodeRow(placeOf(row));
  const changes = indexKeys(row).map((key): Change => ({ kind: "put", key, value }));
  const reference = referenceOf(row.contentType, row.content);
  return reference ? [...changes, markHanging(reference.target)] : changes;
}

/** It stays when what hung there is gone: others may hang there still. */
export function markHanging(target: string): Change {
  return { kind: "put", key: keys.hanging(target), value: Uint8Array.of(1) };
}

/** Which of these messages something hangs on, or may have. */
export async function readHanging(
  store: Store,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const marks = await store.getMany(ids.map(keys.hanging));
  return new Set(ids.filter((_, i) => marks[i] !== undefined));
}

export function unindexMessage(row: MessageRow): Change[] {
  return indexKeys(row).map((key) => ({ kind: "delete", key }));
}

/** The newest read receipt of each sender, as far as these rows move it. */
export async function moveLastReads(store: Store, rows: Iterable<MessageRow>): Promise<Change[]> {
  const changes: Change[] = [];
  const moved = new Map<string, bigint>();
  for (const row of rows) {
    if (!isContentType(row.contentType, contentTypes.readReceipt)) continue;
    if (row.deliveryStatus !== DeliveryStatus.Published) continue;
    const key = keys.lastRead(row.groupId, row.senderInboxId);
    const name = `${row.groupId} ${row.senderInboxId}`;
    const stored = moved.has(name) ? undefined : await store.get(key);
    const last = moved.get(name) ?? (stored ? decodeRow<{ atNs: bigint }>(stored).atNs : 0n);
    if (row.sentAtNs <= last) continue;
    moved.set(name, row.sentAtNs);
    changes.push({ kind: "put", key, value: encodeRow({ atNs: row.sentAtNs }) });
  }
  return changes;
}

/** By inbox: when their newest read receipt was sent, over all of these conversations. */
export async function readLastReads(
  store: Store,
  groupIds: readonly string[],
): Promise<Record<string, bigint>> {
  const found = new Map<string, bigint>();
  for (const groupId of groupIds) {
    for (const { key, value } of await store.list(keys.lastReadsOf(groupId))) {
      const inboxId = keys.lastReadInbox(key);
      const { atNs } = decodeRow<{ atNs: bigint }>(value);
      if (atNs > (found.get(inboxId) ?? 0n)) found.set(inboxId, atNs);
    }
  }
  return Object.fromEntries(found);
}
