import type { Doubt, GroupState, Progress } from "./state.ts";

/** Waits before each look; after the last one a doubt is given up. What was missing stays reported. */
const waitsNs: readonly bigint[] = [0n, 10n, 60n, 600n, 3_600n, 21_600n].map(
  (seconds) => seconds * 1_000_000_000n,
);

/** Where the last epochs begin in the log: ids of the commits that began them, oldest first. */
const keptEpochs = 4;

/** The ids after one more commit. */
export function withEpochStart(progress: Progress, sequenceId: bigint): readonly bigint[] {
  return [...(progress.epochStarts ?? []), sequenceId].slice(-keptEpochs);
}

/** The commit that began an epoch this many before the current one, or the oldest known; 0 where there is none. */
function epochStart(progress: Progress, back: number): bigint {
  const starts = progress.epochStarts ?? [];
  return starts[Math.max(0, starts.length - 1 - back)] ?? 0n;
}

/** Adds a reason to doubt, unless one of the same kind or a wider one stands already. */
export function raiseDoubt(
  state: GroupState,
  kind: Doubt["kind"],
  nowNs: bigint,
  reach: { readonly epochsBack?: number; readonly newest?: bigint } = {},
): GroupState {
  const { progress } = state;
  if (progress.doubt && (progress.doubt.kind !== "gap" || kind === "gap")) return state;
  // Numbers that the node does not know (any more) say nothing about where to start.
  const known = (progress.epochStarts ?? []).filter((id) => id <= (reach.newest ?? id));
  const from =
    kind === "cursor" ? (known.at(-1) ?? 0n) : epochStart(progress, reach.epochsBack ?? 0);
  const doubt: Doubt = { kind, from, at: from, attempts: 0, nextNs: nowNs };
  return { ...state, progress: { ...progress, doubt } };
}

/** After one look through the log: rest and try again, or give up. */
export function rested(doubt: Doubt, nowNs: bigint): Doubt | undefined {
  const attempts = doubt.attempts + 1;
  const wait = waitsNs[attempts];
  if (wait === undefined) return undefined;
  // Where even the beginning was numbered wrongly, only the whole log will do.
  const from = attempts >= 2 ? 0n : doubt.from;
  return { ...doubt, from, at: from, attempts, nextNs: nowNs + wait };
}

/** Whether what was missing is there: the epoch that was heard of has come. */
export function isSettled(state: GroupState): boolean {
  const { doubt } = state.progress;
  const { forkEpoch } = state.record;
  return doubt?.kind === "epoch" && (forkEpoch === undefined || reached(state, forkEpoch));
}

function reached({ mls }: GroupState, epoch: bigint): boolean {
  return mls !== undefined && mls.context.epoch >= epoch;
}

/** XIN-40: a suspicion ends when the epoch that raised it has come. */
export function withoutOldSuspicion(state: GroupState): GroupState {
  const { forkEpoch, forkDetails } = state.record;
  if (forkDetails === undefined || forkEpoch === undefined || !reached(state, forkEpoch))
    return state;
  return { ...state, record: { ...state.record, forkDetails: undefined, forkEpoch: undefined } };
}
