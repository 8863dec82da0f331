import type { BackupElement, BackupMetadataSave } from "@coterie/wire";
import { BackupElementSelection } from "@coterie/wire";
import type { Store } from "@coterie/storage";
import type { Context } from "../context.ts";
import { readMessageIndex, readRecords } from "../db.ts";
import type { Progress } from "../engine/state.ts";
import { keys } from "../keys.ts";
import { decodeRow } from "../rows.ts";
import { encodeConsent } from "./consent.ts";
import { encodeGroup, isExported } from "./groups.ts";
import { encodeMessage, isExportedMessage } from "./messages.ts";
import { encodeOptions } from "./options.ts";
import { readRowsBetween } from "./rows-of.ts";
import type { ArchiveOptions } from "./options.ts";

const pageSize = 256;

/** What the archive will say of itself (XHS-09). Throws `client/bad-argument`. */
export function archiveMetadataFor(context: Context, options: ArchiveOptions): BackupMetadataSave {
  const { elements, startNs, endNs } = encodeOptions(options);
  return { elements, exportedAtNs: context.ports.clock.nowNs(), startNs, endNs };
}

/** XHS-09: everything that the options ask for, metadata first, a page of the store at a time. */
export async function* exportElements(
  context: Context,
  metadata: BackupMetadataSave,
  options: ArchiveOptions,
): AsyncGenerator<BackupElement> {
  yield { kind: "metadata", value: metadata };
  for (const element of metadata.elements) {
    if (element === BackupElementSelection.consent) {
      for (const value of context.preferences.consents()) {
        yield { kind: "consent", value: encodeConsent(value) };
      }
    } else if (element === BackupElementSelection.messages) {
      yield* exportMessages(context.ports.store, options);
    }
  }
}

async function* exportMessages(
  store: Store,
  options: ArchiveOptions,
): AsyncGenerator<BackupElement> {
  const { startNs, endNs } = options;
  const groups = new Set<string>();
  const records = (await readRecords(store)).filter(isExported);
  for (const record of records.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    if (endNs !== undefined && record.createdAtNs >= endNs) continue;
    if (startNs !== undefined && record.createdAtNs < startNs) {
      // XHS-10: readers refuse a message whose group is unknown to them, so that an older group comes along with what was said in the range.
      const bounds = { fromNs: startNs, toNs: endNs, limit: 1 };
      if ((await readRowsBetween(store, record.id, bounds)).length === 0) continue;
    }
    const progress = await store.get(keys.progress(record.id));
    if (!progress) continue;
    groups.add(record.id);
    yield { kind: "group", value: encodeGroup(record, decodeRow<Progress>(progress)) };
  }
  const exclude = options.excludeDisappearingMessages === true;
  for await (const row of readMessageIndex(store, pageSize)) {
    if (!groups.has(row.groupId) || !isExportedMessage(row, options, exclude)) continue;
    yield { kind: "groupMessage", value: encodeMessage(row) };
  }
}
