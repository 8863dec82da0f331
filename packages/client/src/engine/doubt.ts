import type { Doubt, GroupState, Progress } from "./state.ts";

const seconds = (...list: readonly number[]): readonly bigint[] =>
  list.map((n) => BigInt(n) * 1_000_000_000n);

/** Waits before each look; after the last one a doubt is given up. What was missing stays reported. */
const waitsNs: Readonly<Record<Doubt["kind"], readonly bigint[]>> = {
  routine: seconds(0),
  gap: seconds(10, 600, 21_600),
  epoch: seconds(0, 10, 60, 600, 3_600, 21_600),
  cursor: seconds(0, 10, 60, 600, 3_600, 21_600),
};
const rank: readonly Doubt["kind"][] = ["routine", "gap", "epoch", "cursor"];

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

/** From where to read: after a sequence id, or from so many epochs back. */
export type Reach =
  | { readonly after: bigint }
  | { readonly epochsBack: number }
  /** Numbers above this one the node does not know (any more): they say nothing about where to start. */
  | { readonly newest: bigint };

function startOf(progress: Progress, reach: Reach): bigint {
  if ("after" in reach) return reach.after;
  if ("epochsBack" in reach) return epochStart(progress, reach.epochsBack);
  return (progress.epochStarts ?? []).findLast((id) => id <= reach.newest) ?? 0n;
}

/** Adds a reason to doubt. One at a time stands: the graver one, or the one that reaches further back. */
export function raiseDoubt(
  state: GroupState,
  kind: Doubt["kind"],
  nowNs: bigint,
  reach: Reach,
): GroupState {
  const { progress } = state;
  const old = progress.doubt;
  const from = startOf(progress, reach);
  const weight = (of: Doubt["kind"]): number => rank.indexOf(of);
  if (old && (weight(old.kind) > weight(kind) || (old.kind === kind && old.from <= from)))
    return state;
  const nextNs = nowNs + (waitsNs[kind][0] as bigint);
  return {
    ...state,
    progress: { ...progress, doubt: { kind, from, at: from, attempts: 0, nextNs } },
  };
}

/** After one look through the log: rest and try again, or give up. */
export function rested(doubt: Doubt, nowNs: bigint): Doubt | undefined {
  const attempts = doubt.attempts + 1;
  const wait = waitsNs[doubt.kind][attempts];
  if (wait === undefined) return undefined;
  // Where even the beginning was numbered wrongly, only the whole log will do.
  const wide = doubt.kind === "epoch" || doubt.kind === "cursor";
  const from = wide && attempts >= 2 ? 0n : doubt.from;
  return { ...doubt, from, at: from, attempts, nextNs: nowNs + wait };
}

/** How often a log is read a second time, a part at a time: a message may be kept back without a trace. */
const lookBackNs = 86_400n * 1_000_000_000n;

/** XIN-20: a conversation that nothing happens in is looked at as well. */
export function isLookBackDue({ lookedBack }: Progress, nowNs: bigint): boolean {
  return lookedBack !== undefined && nowNs - lookedBack.atNs > lookBackNs;
}

/** Once a day, what came since the last time is looked at again, as far back as messages can be opened. */
export function lookBack(state: GroupState, nowNs: bigint): GroupState {
  const { progress } = state;
  const { lookedBack } = progress;
  if (!lookedBack) {
    return { ...state, progress: { ...progress, lookedBack: { upTo: 0n, atNs: nowNs } } };
  }
  if (!isLookBackDue(progress, nowNs)) return state;
  const oldest = epochStart(progress, keptEpochs - 1);
  const after = lookedBack.upTo > oldest ? lookedBack.upTo : oldest;
  const next = { ...state, progress: { ...progress, lookedBack: { ...lookedBack, atNs: nowNs } } };
  return raiseDoubt(next, "routine", nowNs, { after });
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
