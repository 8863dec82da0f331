import type { Change, Store } from "@coterie/storage";
import type { Deletion } from "./engine/step.ts";
import type { EngineEvent, MessageRow } from "./engine/state.ts";
import { GroupMessageKind } from "./enums.ts";
import { keys } from "./keys.ts";
import { markHanging } from "./message-index.ts";
import { decodeRow, encodeRow } from "./rows.ts";

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

export function isDeletable({ kind, contentType }: MessageRow): boolean {
  return (
    kind === GroupMessageKind.Application &&
    contentType?.authorityId === "xmtp.org" &&
    deletable.has(contentType.typeId)
  );
}

/** Whether a deletion counts for this message: it may come before it, so this is asked whenever the message is read (XMS-09). */
function counts(row: MessageRow, deletion: Deletion): boolean {
  return (
    deletion.groupId === row.groupId &&
    isDeletable(row) &&
    (deletion.bySuperAdmin || deletion.by === row.senderInboxId)
  );
}

/** Who deleted a message for all, if anybody validly did. */
export async function readDeletion(store: Store, row: MessageRow): Promise<Deletion | undefined> {
  if (!isDeletable(row)) return undefined;
  const found = await store.list(keys.deletionsOf(row.id, row.groupId));
  return found
    .map(({ value }) => decodeRow<Deletion>(value))
    .find((deletion) => counts(row, deletion));
}

/** Store changes of new deletions, and events for the messages that are gone by them. */
export async function writeDeletions(
  store: Store,
  deletions: readonly Deletion[],
  find: (id: string) => Promise<MessageRow | undefined>,
): Promise<{ readonly changes: Change[]; readonly events: EngineEvent[] }> {
  const changes: Change[] = [];
  const events: EngineEvent[] = [];
  // One batch may hold several of one message.
  const written = new Map<string, Deletion>();
  const gone = new Set<string>();
  for (const deletion of deletions) {
    const { target, groupId, by } = deletion;
    const key = keys.deletion(target, groupId, by);
    const name = `${target} ${groupId} ${by}`;
    const old = written.has(name) ? undefined : await store.get(key);
    const before = written.get(name) ?? (old && decodeRow<Deletion>(old));
    // Who was a super admin when it was said once does not take it back by saying it again.
    const next = { ...deletion, bySuperAdmin: deletion.bySuperAdmin || !!before?.bySuperAdmin };
    written.set(name, next);
    changes.push({ kind: "put", key, value: encodeRow(next) }, markHanging(target));
    const row = await find(target);
    if (!row || gone.has(target) || !counts(row, next)) continue;
    gone.add(target);
    if (await readDeletion(store, row)) continue;
    events.push({ kind: "deleted", groupId: row.groupId, messageId: row.id, message: row });
  }
  return { changes, events };
}
