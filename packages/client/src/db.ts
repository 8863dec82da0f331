import { toHex } from "@coterie/base";
import type { GroupId, MessageId } from "@coterie/base";
import { decodeKey } from "@coterie/storage";
import type { Change, Store } from "@coterie/storage";
import { EncodedContent, GroupUpdated } from "@coterie/wire";
import { DeliveryStatus, GroupMessageKind } from "./enums.ts";
import type { Deletion, MessageChange } from "./engine/step.ts";
import type { GroupRecord, GroupState, Intent, MessageRow, Progress } from "./engine/state.ts";
import { keys } from "./keys.ts";
import { decodeRow, encodeRow } from "./rows.ts";

/** Where a message row lies in its table. */
interface MessageAt {
  readonly groupId: GroupId;
  readonly sentAtNs: bigint;
  readonly sequenceId: bigint;
}

/** Unpublished rows sort after what the node has already ordered at the same time. */
const unordered = 0xffff_ffff_ffff_ffffn;

function messageKey(row: MessageRow): Uint8Array {
  return keys.message(row.groupId, row.sentAtNs, row.sequenceId ?? unordered, row.id);
}

function putMessage(row: MessageRow): Change[] {
  const at: MessageAt = {
    groupId: row.groupId,
    sentAtNs: row.sentAtNs,
    sequenceId: row.sequenceId ?? unordered,
  };
  const changes: Change[] = [
    { kind: "put", key: messageKey(row), value: encodeRow(row) },
    { kind: "put", key: keys.messageAt(row.id), value: encodeRow(at) },
  ];
  if (row.expireAtNs !== undefined) {
    changes.push({ kind: "put", key: keys.expiry(row.expireAtNs, row.id), value: encodeRow(at) });
  }
  return changes;
}

export function deleteMessage(row: MessageRow): Change[] {
  const changes: Change[] = [
    { kind: "delete", key: messageKey(row) },
    { kind: "delete", key: keys.messageAt(row.id) },
  ];
  if (row.expireAtNs !== undefined) {
    changes.push({ kind: "delete", key: keys.expiry(row.expireAtNs, row.id) });
  }
  return changes;
}

/** The row of a message, wherever it lies. */
export async function readMessage(store: Store, id: string): Promise<MessageRow | undefined> {
  const pointer = await store.get(keys.messageAt(id));
  if (!pointer) return undefined;
  const { groupId, sentAtNs, sequenceId } = decodeRow<MessageAt>(pointer);
  const value = await store.get(keys.message(groupId, sentAtNs, sequenceId, id));
  return value && decodeRow<MessageRow>(value);
}

export interface WrittenMessages {
  readonly changes: Change[];
  /** Rows that became visible to streams by this batch: inserted from outside, or published (XST-05). */
  readonly emitted: MessageRow[];
}

/** Turns message changes into store changes. Inserting an id that is there changes nothing. */
export async function writeMessages(
  store: Store,
  messages: readonly MessageChange[],
): Promise<WrittenMessages> {
  const changes: Change[] = [];
  const emitted: MessageRow[] = [];
  const written = new Map<MessageId, MessageRow>();
  for (const change of messages) {
    const id = change.kind === "insert" ? change.row.id : change.id;
    const old = written.get(id) ?? (await readMessage(store, id));
    let next: MessageRow | undefined;
    if (change.kind === "insert") {
      if (old || (change.unlessSaid === true && (await isSaid(store, change.row)))) continue;
      next = change.row;
    } else if (!old) {
      continue;
    } else if (change.kind === "publish") {
      if (old.deliveryStatus === DeliveryStatus.Published) continue;
      const { sentAtNs, sequenceId, expireAtNs } = change;
      next = {
        ...old,
        deliveryStatus: DeliveryStatus.Published,
        sentAtNs,
        sequenceId,
        expireAtNs,
      };
    } else if (change.kind === "fail") {
      if (old.deliveryStatus !== DeliveryStatus.Unpublished) continue;
      next = { ...old, deliveryStatus: DeliveryStatus.Failed };
    } else if (change.kind === "retry") {
      if (old.deliveryStatus !== DeliveryStatus.Failed) continue;
      next = { ...old, deliveryStatus: DeliveryStatus.Unpublished };
    }
    if (old) changes.push(...deleteMessage(old));
    if (!next) continue;
    changes.push(...putMessage(next));
    written.set(id, next);
    if (next.deliveryStatus === DeliveryStatus.Published) emitted.push(next);
  }
  return { changes, emitted };
}

/** XCV-23: whether a transcript of the group says the same, whoever did it and when. */
async function isSaid(store: Store, row: MessageRow): Promise<boolean> {
  const said = (bytes: Uint8Array): string =>
    toHex(
      GroupUpdated.encode({
        ...GroupUpdated.decode(EncodedContent.decode(bytes).content),
        initiatedByInboxId: "",
      }),
    );
  const wanted = said(row.content);
  const rows = await readRowsOf(store, row.groupId, {});
  return rows.some(
    ({ kind, content }) => kind === GroupMessageKind.MembershipChange && said(content) === wanted,
  );
}

/** XMS-09: kept under the target's id; the first valid one stands, which is decided when the target is read. */
export function writeDeletions(deletions: readonly Deletion[]): Change[] {
  return deletions.map((deletion) => ({
    kind: "put",
    key: keys.deletion(deletion.target, deletion.by),
    value: encodeRow(deletion),
  }));
}

/** Rows, cursors and intents that differ between two states of one group. MLS entries are added by the caller. */
export function diffState(before: GroupState | undefined, after: GroupState): Change[] {
  const { id } = after.record;
  const changes: Change[] = [];
  if (before?.record !== after.record) {
    changes.push({ kind: "put", key: keys.group(id), value: encodeRow(after.record) });
  }
  if (before?.progress !== after.progress) {
    changes.push({ kind: "put", key: keys.progress(id), value: encodeRow(after.progress) });
  }
  if (before?.intents !== after.intents) {
    const old = new Map(before?.intents.map((intent) => [intent.id, intent]));
    for (const intent of after.intents) {
      if (old.get(intent.id) !== intent) {
        changes.push({ kind: "put", key: keys.intent(id, intent.id), value: encodeRow(intent) });
      }
      old.delete(intent.id);
    }
    for (const gone of old.keys()) changes.push({ kind: "delete", key: keys.intent(id, gone) });
  }
  return changes;
}

export interface StoredGroup {
  readonly record: GroupRecord;
  readonly progress: Progress;
  readonly intents: readonly Intent[];
  readonly entries: ReadonlyMap<string, Uint8Array>;
}

/** Everything stored of one group. */
export async function readGroup(store: Store, groupId: string): Promise<StoredGroup | undefined> {
  const [record, progress] = await store.getMany([keys.group(groupId), keys.progress(groupId)]);
  if (!record || !progress) return undefined;
  const intents = await store.list(keys.intentsOf(groupId));
  const entries = await store.list(keys.mlsOf(groupId));
  return {
    record: decodeRow(record),
    progress: decodeRow(progress),
    intents: intents.map(({ value }) => decodeRow<Intent>(value)),
    entries: new Map(entries.map(({ key, value }) => [decodeKey(key)[2] as string, value])),
  };
}

/** All group records, small ones, without MLS state. */
export async function readRecords(store: Store): Promise<GroupRecord[]> {
  const rows = await store.list(keys.groups());
  return rows.map(({ value }) => decodeRow<GroupRecord>(value));
}

/** Message rows of one group by time sent, within the bounds. */
export async function readRowsOf(
  store: Store,
  groupId: string,
  bounds: {
    readonly sentAfterNs?: bigint | undefined;
    readonly sentBeforeNs?: bigint | undefined;
  },
  page: { readonly reverse?: boolean; readonly limit?: number } = {},
): Promise<MessageRow[]> {
  const range = keys.messagesOf(groupId);
  const from =
    bounds.sentAfterNs === undefined || bounds.sentAfterNs < 0n
      ? range.from
      : keys.messagesFrom(groupId, bounds.sentAfterNs);
  const to =
    bounds.sentBeforeNs === undefined || bounds.sentBeforeNs < 0n
      ? range.to
      : keys.messagesFrom(groupId, bounds.sentBeforeNs);
  const rows = await store.list({ from, to, ...page });
  return rows.map(({ value }) => decodeRow<MessageRow>(value));
}
