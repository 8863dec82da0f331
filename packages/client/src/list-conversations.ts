import { ConsentState, ListConversationsOrderBy } from "./enums.ts";
import type { ConversationType } from "./enums.ts";
import type { Cell, Groups } from "./groups.ts";

export interface ListConversationsOptions {
  /** Default, also for an empty list: Allowed and Unknown. */
  readonly consentStates?: readonly ConsentState[] | undefined;
  readonly conversationType?: ConversationType | undefined;
  readonly createdAfterNs?: bigint | undefined;
  readonly createdBeforeNs?: bigint | undefined;
  readonly includeDuplicateDms?: boolean | undefined;
  readonly limit?: number | undefined;
  /** Default by last activity; newest first either way. */
  readonly orderBy?: ListConversationsOrderBy | undefined;
}

/** The consent states that a list, a sync or a stream is about: what was denied is shown to those who ask for it. */
export function wantedConsents(
  asked: readonly ConsentState[] | undefined,
): readonly ConsentState[] {
  return asked && asked.length > 0 ? asked : [ConsentState.Allowed, ConsentState.Unknown];
}

/** API numbers by stored kind (trap 23). */
export const typeOf = { dm: 0, group: 1, sync: 2, oneshot: 3 } as const;

/** The conversations that the options ask for, newest first. */
export async function listCells(
  groups: Groups,
  options: ListConversationsOptions,
  consentOf: (cell: Cell) => ConsentState,
): Promise<Cell[]> {
  const consents = wantedConsents(options.consentStates);
  const cells: { cell: Cell; activity: bigint }[] = [];
  for (const cell of await groups.all()) {
    const { record } = cell;
    const type = typeOf[record.conversationType];
    if (!isShown(cell)) continue;
    if (options.conversationType !== undefined && options.conversationType !== type) continue;
    if (options.createdAfterNs !== undefined && record.createdAtNs <= options.createdAfterNs) {
      continue;
    }
    if (options.createdBeforeNs !== undefined && record.createdAtNs >= options.createdBeforeNs) {
      continue;
    }
    if (!consents.includes(consentOf(cell))) continue;
    cells.push({ cell, activity: await groups.lastActivityNs(cell) });
  }
  const byActivity = (a: { activity: bigint }, b: { activity: bigint }): number =>
    a.activity === b.activity ? 0 : a.activity > b.activity ? -1 : 1;
  const shown =
    options.includeDuplicateDms === true ? cells : withoutDuplicates(cells.toSorted(byActivity));
  const key = (entry: { cell: Cell; activity: bigint }): bigint =>
    options.orderBy === ListConversationsOrderBy.CreatedAt
      ? entry.cell.record.createdAtNs
      : entry.activity;
  const ordered = shown.toSorted((a, b) => (key(a) === key(b) ? 0 : key(a) > key(b) ? -1 : 1));
  return ordered.slice(0, options.limit ?? ordered.length).map(({ cell }) => cell);
}

/** Sync groups and one-shots are never shown. */
export function isShown({ record }: Cell): boolean {
  return record.conversationType === "group" || record.conversationType === "dm";
}

/** XDM-05: of several DMs with one person the first given, active ones before all others. */
function withoutDuplicates<T extends { readonly cell: Cell }>(cells: readonly T[]): T[] {
  const best = new Map<string, T>();
  for (const entry of cells) {
    const { dmId, active, membershipState } = entry.cell.record;
    const id = dmId ?? entry.cell.id;
    const other = best.get(id);
    const usable = active && membershipState !== "restored";
    if (!other || (usable && !other.cell.record.active)) best.set(id, entry);
  }
  return [...best.values()];
}
