import { toHex } from "@coterie/base";
import type { BackupMetadataSave } from "@coterie/wire";
import type { Context } from "../context.ts";
import { writeMessages } from "../db.ts";
import { writeDeletions } from "../deletions.ts";
import { deletionOf } from "../engine/receive-message.ts";
import type { PreferenceChange } from "../engine/state.ts";
import type { Deletion, MessageChange, Step } from "../engine/step.ts";
import type { Groups } from "../groups.ts";
import type { Welcomes } from "../welcomes.ts";
import { decodeConsent } from "./consent.ts";
import { readArchive } from "./frames.ts";
import type { ArchiveElement } from "./frames.ts";
import { restoreGroup } from "./groups.ts";
import { restoreMessage } from "./messages.ts";
import { damaged } from "./zstd.ts";

export interface ImportParts {
  readonly context: Context;
  readonly groups: Groups;
  readonly welcomes: Welcomes;
}

/** What an import brought. Importing the same archive again brings nothing. */
export interface ImportSummary {
  readonly groups: number;
  readonly messages: number;
  readonly consents: number;
  /** Elements that could not be used: damaged, of a kind unknown here, or of a group that is not in the archive (XHS-10). */
  readonly skipped: number;
}

/** An archive that can be read from its beginning as often as needed. */
export interface ArchiveSource {
  open(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Elements of one write: bounds memory and the size of a batch. */
const batchElements = 200;
const batchBytes = 4 * 1024 * 1024;

export async function readArchiveMetadata(
  context: Context,
  source: ArchiveSource,
  key: Uint8Array,
): Promise<BackupMetadataSave> {
  for await (const read of readArchive(context.ports.crypto, key, source.open())) {
    if (read.kind === "element" && read.element.kind === "metadata") return read.element.value;
    break;
  }
  throw damaged("no metadata");
}

/**
 * XHS-10: reads an archive twice, first to see that it is whole: a damaged one (`client/bad-archive`) changes nothing. Then writes it in
 * batches; where that is interrupted, importing again completes it.
 */
export async function importArchive(
  parts: ImportParts,
  source: ArchiveSource,
  key: Uint8Array,
): Promise<ImportSummary> {
  const { crypto } = parts.context.ports;
  for await (const _ of readArchive(crypto, key, source.open())) {
    parts.context.signal.throwIfAborted();
  }
  const counts = { groups: 0, messages: 0, consents: 0, skipped: 0 };
  let batch: ArchiveElement[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const done = await writeBatch(parts, batch);
    counts.groups += done.groups;
    counts.messages += done.messages;
    counts.consents += done.consents;
    counts.skipped += done.skipped;
    batch = [];
    bytes = 0;
  };
  for await (const read of readArchive(crypto, key, source.open())) {
    parts.context.signal.throwIfAborted();
    if (read.kind === "bad") {
      counts.skipped += 1;
      continue;
    }
    const { element } = read;
    if (element.kind === "metadata") continue;
    batch.push(element);
    if (element.kind === "groupMessage") bytes += element.value.decryptedMessageBytes.length;
    if (batch.length >= batchElements || bytes >= batchBytes) await flush();
  }
  await flush();
  return counts;
}

/** Groups first, so that messages of this batch find them; each kind in one write. */
async function writeBatch(
  { context, groups, welcomes }: ImportParts,
  batch: readonly ArchiveElement[],
): Promise<ImportSummary> {
  const { store, clock } = context.ports;
  let skipped = 0;
  const restored: Step[] = [];
  const consents: PreferenceChange[] = [];
  for (const element of batch) {
    if (element.kind === "group") {
      const step = restoreGroup(element.value, context.inboxId);
      if (step) restored.push(step);
      else skipped += 1;
    } else if (element.kind === "consent") {
      const change = decodeConsent(element.value);
      if (change) consents.push(change);
      else skipped += 1;
    }
  }
  let added = 0;
  if (restored.length > 0) {
    // No welcome may bring a group between looking for it and putting a placeholder in its place.
    await welcomes.alone(async () => {
      for (const step of restored) {
        if (await groups.find(step.state.record.id)) continue;
        await groups.put(step);
        added += 1;
      }
    });
  }
  const inserts: MessageChange[] = [];
  const deletions: Deletion[] = [];
  for (const element of batch) {
    if (element.kind !== "groupMessage") continue;
    const cell = await groups.find(toHex(element.value.groupId));
    const row = cell && restoreMessage(element.value, cell.record, clock.nowNs());
    if (row) {
      inserts.push({ kind: "insert", row });
      deletions.push(...deletionOf(cell.record, row));
    } else {
      skipped += 1;
    }
  }
  // Not told to streams: this is the past.
  const written = await writeMessages(store, inserts);
  const deleted = await writeDeletions(store, deletions, written.find);
  await store.write([...written.changes, ...deleted.changes]);
  const heard = await context.preferences.accept(consents);
  return { groups: added, messages: written.emitted.length, consents: heard, skipped };
}
