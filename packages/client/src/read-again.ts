import type { NewestMessage } from "./api.ts";
import type { Context } from "./context.ts";
import { isLookBackDue, isSettled, lookBack, raiseDoubt, rested } from "./engine/doubt.ts";
import { queryCursor } from "./engine/receive.ts";
import type { Doubt, Progress } from "./engine/state.ts";
import { stepTo } from "./engine/step.ts";
import type { Cell, Groups, LoadedCell } from "./groups.ts";
import { withRetry } from "./run.ts";
import { takeEnvelope } from "./take-envelope.ts";

/** Pages of one look; a longer part of the log is read on by the next sync. */
const pagesPerLook = 10;

/**
 * XIN-20: what the node says is newest must be what we read last, or come after it. A newest message that is older, or another one of
 * the same number, means that numbers were wrong then or are now: the log is read again.
 */
function isDoubtful(progress: Progress, newest: NewestMessage | undefined): boolean {
  const cursor = queryCursor(progress);
  if (!newest || newest.sequenceId > cursor) return false;
  if (newest.sequenceId < cursor) return true;
  const { cursorCreatedNs } = progress;
  return cursorCreatedNs !== undefined && newest.createdNs !== cursorCreatedNs;
}

/** XIN-20: whether a conversation has something to read or to send. The node's `isCommit` only chooses the cursor to compare with. */
export async function isBehind(
  context: Context,
  groups: Groups,
  cell: Cell,
  newest: NewestMessage | undefined,
): Promise<boolean> {
  const now = context.ports.clock.nowNs();
  const { progress, hasIntents } = await groups.peek(cell);
  if (isDoubtful(progress, newest)) {
    await groups.exclusive(cell, (loaded) => doubtCursor(loaded, newest, now));
    return true;
  }
  const cursor = newest?.isCommit === true ? progress.commitCursor : progress.messageCursor;
  return (
    hasIntents ||
    (newest !== undefined && newest.sequenceId > cursor) ||
    (progress.doubt !== undefined && progress.doubt.nextNs <= now) ||
    isLookBackDue(progress, now)
  );
}

/** How often a sync compares its cursor with what the node says is newest. */
const checkEveryNs = 600n * 1_000_000_000n;

/** The same look for one conversation that is synced on its own. */
export async function checkCursor(context: Context, cell: LoadedCell): Promise<void> {
  const now = context.ports.clock.nowNs();
  const looked = lookBack(cell.state, now);
  if (looked !== cell.state) await cell.apply(stepTo(looked));
  if (now - (cell.state.progress.cursorCheckedAtNs ?? 0n) > checkEveryNs) {
    await keep(cell, { cursorCheckedAtNs: now });
    const [newest] = await context.api.newestMessages([cell.id]);
    if (isDoubtful(cell.state.progress, newest)) await doubtCursor(cell, newest, now);
  }
  await readAgain(context, cell);
}

async function doubtCursor(
  cell: LoadedCell,
  newest: NewestMessage | undefined,
  nowNs: bigint,
): Promise<void> {
  const reach = { newest: newest?.sequenceId ?? 0n };
  const doubted = raiseDoubt(cell.state, "cursor", nowNs, reach);
  if (doubted !== cell.state) await cell.apply(stepTo(doubted));
}

/** Reads the doubtful part of the log again, if it is time to. */
export async function readAgain(context: Context, cell: LoadedCell): Promise<void> {
  const { doubt } = cell.state.progress;
  if (!doubt || doubt.nextNs > context.ports.clock.nowNs()) return;
  let { at } = doubt;
  for (let n = 0; n < pagesPerLook; n++) {
    const before = at;
    const page = await withRetry(context.ports, () =>
      context.api.queryGroupMessages(cell.id, before),
    );
    for (const { id, createdNs, data } of page.messages) {
      const fresh = id > queryCursor(cell.state.progress);
      const envelope = { sequenceId: id, createdNs, data };
      const taken = await takeEnvelope(context, cell, envelope, fresh ? "sync" : "again");
      if (taken === "paused") return;
      if (id > at) at = id;
    }
    if (!page.full || at === before) {
      await conclude(context, cell, doubt, at);
      return;
    }
  }
  await keep(cell, { doubt: { ...doubt, at } });
}

async function conclude(
  context: Context,
  cell: LoadedCell,
  doubt: Doubt,
  last: bigint,
): Promise<void> {
  const { commitCursor, messageCursor, lookedBack } = cell.state.progress;
  if (doubt.kind === "routine" && lookedBack) {
    return keep(cell, { doubt: undefined, lookedBack: { ...lookedBack, upTo: last } });
  }
  const next = isSettled(cell.state) ? undefined : rested(doubt, context.ports.clock.nowNs());
  // The first look may have been lied to as well.
  const lower = doubt.kind === "cursor" && doubt.attempts > 0 && last > 0n;
  if (!lower || (commitCursor <= last && messageCursor <= last)) return keep(cell, { doubt: next });
  await keep(cell, {
    doubt: undefined,
    cursorCreatedNs: undefined,
    commitCursor: commitCursor < last ? commitCursor : last,
    messageCursor: messageCursor < last ? messageCursor : last,
  });
}

async function keep(cell: LoadedCell, progress: Partial<Progress>): Promise<void> {
  const { state } = cell;
  await cell.apply(stepTo({ ...state, progress: { ...state.progress, ...progress } }));
}
