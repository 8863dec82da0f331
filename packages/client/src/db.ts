import { concat, toHex } from "@coterie/base";
import type { MessageId } from "@coterie/base";
import { decodeKey } from "@coterie/storage";
import type { Change, Store } from "@coterie/storage";
import { EncodedContent, GroupUpdated } from "@coterie/wire";
import { DeliveryStatus, GroupMessageKind } from "./enums.ts";
import type { MessageChange } from "./engine/step.ts";
import type {
  CommitLogRow,
  GroupRecord,
  GroupState,
  Intent,
  MessageRow,
  Progress,
} from "./engine/state.ts";
import { keys } from "./keys.ts";
import { indexMessage, moveLastReads, placeOf, unindexMessage } from "./message-index.ts";
import type { MessageAt } from "./message-index.ts";
import { decodeRow, encodeRow } from "./rows.ts";

function messageKey({ groupId, sentAtNs, sequenceId }: MessageAt, id: string): Uint8Array {
  return keys.message(groupId, sentAtNs, sequenceId, id);
}

function putMessage(row: MessageRow): Change[] {
  return [
    { kind: "put", key: messageKey(placeOf(row), row.id), value: encodeRow(row) },
    ...indexMessage(row),
  ];
}

export function deleteMessage(row: MessageRow): Change[] {
  return [{ kind: "delete", key: messageKey(placeOf(row), row.id) }, ...unindexMessage(row)];
}

/** The row of a message, wherever it lies. */
export async function readMessage(store: Store, id: string): Promise<MessageRow | undefined> {
  const pointer = await store.get(keys.messageAt(id));
  if (!pointer) return undefined;
  const value = await store.get(messageKey(decodeRow<MessageAt>(pointer), id));
  return value && decodeRow<MessageRow>(value);
}

/** All message rows by ascending id, a page of them in memory at a time. */
export async function* readMessageIndex(
  store: Store,
  pageSize: number,
): AsyncGenerator<MessageRow> {
  const { to } = keys.messagesById();
  let { from } = keys.messagesById();
  for (;;) {
    const page = await store.list({ from, to, limit: pageSize });
    const places = page.map(({ key, value }) => ({ id: decodeKey(key)[1] as string, value }));
    yield* await readMessagesAt(store, places);
    const last = page.at(-1);
    if (!last || page.length < pageSize) return;
    from = concat(last.key, Uint8Array.of(0));
  }
}

/** The rows of these messages that are stored here, by id. */
export async function readMessages(
  store: Store,
  ids: readonly string[],
): Promise<ReadonlyMap<string, MessageRow>> {
  const places = await store.getMany(ids.map(keys.messageAt));
  const known = ids.flatMap((id, i) => {
    const value = places[i];
    return value ? [{ id, value }] : [];
  });
  const rows = await readMessagesAt(store, known);
  return new Map(rows.map((row) => [row.id, row]));
}

/** The rows that lie at these places, in their order; those that are gone are left out. */
export async function readMessagesAt(
  store: Store,
  places: readonly { readonly id: string; readonly value: Uint8Array }[],
): Promise<MessageRow[]> {
  const found = await store.getMany(
    places.map(({ id, value }) => messageKey(decodeRow<MessageAt>(value), id)),
  );
  return found.flatMap((value) => (value ? [decodeRow<MessageRow>(value)] : []));
}

function idOf(change: MessageChange): MessageId {
  return change.kind === "insert" ? change.row.id : change.id;
}

export interface WrittenMessages {
  readonly changes: Change[];
  /** Rows that became visible to streams by this batch: inserted from outside, or published (XST-05). */
  readonly emitted: MessageRow[];
  /** A message as it is once the changes are written. */
  find(id: string): Promise<MessageRow | undefined>;
}

/** Turns message changes into store changes. Inserting an id that is there changes nothing. */
export async function writeMessages(
  store: Store,
  messages: readonly MessageChange[],
): Promise<WrittenMessages> {
  const changes: Change[] = [];
  const emitted: MessageRow[] = [];
  const written = new Map<MessageId, MessageRow>();
  const ids = [...new Set(messages.map(idOf))];
  const places = await store.getMany(ids.map(keys.messageAt));
  const stored = new Set(ids.filter((_, i) => places[i] !== undefined));
  for (const change of messages) {
    const id = idOf(change);
    const old = written.get(id) ?? (stored.has(id) ? await readMessage(store, id) : undefined);
    let next: MessageRow | undefined;
    if (change.kind === "insert") {
      if (old || (change.unlessSaid === true && (await isSaid(store, written, change.row))))
        continue;
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
  changes.push(...(await moveLastReads(store, written.values())));
  return {
    changes,
    emitted,
    find: async (id) => written.get(id as MessageId) ?? (await readMessage(store, id)),
  };
}

/** XCV-23: whether a transcript of the group says the same, whoever did it and when. */
async function isSaid(
  store: Store,
  written: ReadonlyMap<MessageId, MessageRow>,
  row: MessageRow,
): Promise<boolean> {
  const said = (bytes: Uint8Array): string =>
    toHex(
      GroupUpdated.encode({
        ...GroupUpdated.decode(EncodedContent.decode(bytes).content),
        initiatedByInboxId: "",
      }),
    );
  const wanted = said(row.content);
  const rows = [...(await readTranscripts(store, row.groupId)), ...written.values()];
  return rows.some(
    ({ kind, content }) => kind === GroupMessageKind.MembershipChange && said(content) === wanted,
  );
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

/** XIN-41: what became of each commit here, oldest first. */
export async function readCommitLog(store: Store, groupId: string): Promise<CommitLogRow[]> {
  const rows = await store.list(keys.commitLogOf(groupId));
  return rows.map(({ value }) => decodeRow<CommitLogRow>(value));
}

/** All group records, small ones, without MLS state. */
export async function readRecords(store: Store): Promise<GroupRecord[]> {
  const rows = await store.list(keys.groups());
  return rows.map(({ value }) => decodeRow<GroupRecord>(value));
}

/** How far a conversation was read, and whether something of it is yet to be sent. */
export interface Standing {
  readonly progress: Progress;
  readonly hasIntents: boolean;
}

/** Where all conversations stand, by group id. */
export async function readStandings(store: Store): Promise<Map<string, Standing>> {
  const [rows, intents] = await Promise.all([
    store.list(keys.allProgress()),
    store.list(keys.intents()),
  ]);
  const groupOf = (key: Uint8Array): string => decodeKey(key)[1] as string;
  const busy = new Set(intents.map(({ key }) => groupOf(key)));
  return new Map(
    rows.map(({ key, value }) => {
      const id = groupOf(key);
      return [id, { progress: decodeRow<Progress>(value), hasIntents: busy.has(id) }];
    }),
  );
}

/** All transcripts of one group. */
async function readTranscripts(store: Store, groupId: string): Promise<MessageRow[]> {
  const rows = await store.list(keys.messagesOf(groupId));
  return rows
    .map(({ value }) => decodeRow<MessageRow>(value))
    .filter(({ kind }) => kind === GroupMessageKind.MembershipChange);
}
