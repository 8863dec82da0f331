import type { GroupMessageV1 } from "@coterie/wire";
import type { Context } from "./context.ts";
import { minimumVersionKey } from "./engine/changes.ts";
import { finishIntent } from "./engine/intents.ts";
import { limits } from "./engine/limits.ts";
import { queryCursor } from "./engine/receive.ts";
import { mergeSteps, stepTo } from "./engine/step.ts";
import type { Step } from "./engine/step.ts";
import { isNewer } from "./engine/version.ts";
import { welcomeChunkSize, wrapWelcomes } from "./engine/welcome-wrap.ts";
import { ClientError } from "./errors.ts";
import type { LoadedCell } from "./groups.ts";
import { doubtEchoes, hasUnconfirmed, publish } from "./publish.ts";
import { readAgain } from "./read-again.ts";
import { refetchable, withRetry } from "./run.ts";
import { settleEnvelope } from "./take-envelope.ts";

/**
 * Takes a page in and stores it in one batch: states, cursors and rows move together, and a page that is lost on the way is read
 * again. False where the group is paused.
 */
async function takePage(
  context: Context,
  cell: LoadedCell,
  messages: readonly GroupMessageV1[],
): Promise<boolean> {
  let all: Step | undefined;
  try {
    for (const { id: sequenceId, createdNs, data } of messages) {
      const envelope = { sequenceId, createdNs, data };
      const received = await settleEnvelope(context, all?.state ?? cell.state, envelope, "sync");
      if (received.kind === "needs-sync") continue;
      const { step } = received;
      all = all ? mergeSteps(all, step) : step;
      if (received.kind === "held") throw received.error;
      if (received.kind === "paused") return false;
    }
    return true;
  } finally {
    // What came before a failure counts.
    if (all) await cell.apply(all, refetchable);
  }
}

/** XIN-07: reads on from the cursor until the node has no more. The next page is on its way while one is taken in. */
async function receive(context: Context, cell: LoadedCell): Promise<void> {
  const query = (cursor: bigint): ReturnType<Context["api"]["queryGroupMessages"]> =>
    withRetry(context.ports, () => context.api.queryGroupMessages(cell.id, cursor));
  let page = await query(queryCursor(cell.state.progress));
  for (;;) {
    const last = page.messages.at(-1)?.id;
    const next = page.full && last !== undefined ? query(last) : undefined;
    // Nobody may be left to hear of its failure.
    next?.catch(() => undefined);
    const before = queryCursor(cell.state.progress);
    if (!(await takePage(context, cell, page.messages))) return;
    // A page that moves nothing would come again for ever.
    if (!next || queryCursor(cell.state.progress) === before) return;
    if (context.signal.aborted) throw new ClientError("client/closed");
    page = await next;
  }
}

/** XIN-13: welcomes of commits that are in force now. Repeated until all went out. */
async function postCommit(context: Context, cell: LoadedCell): Promise<void> {
  for (const intent of cell.state.intents) {
    if (intent.state.kind !== "committed") continue;
    const { sealed, sequenceId } = intent.state;
    if (sealed.welcome && sealed.recipients.length > 0) {
      const welcomes = wrapWelcomes(
        context.ports.crypto,
        sealed.recipients,
        sealed.welcome,
        sequenceId,
      );
      // XWL-10
      const size = welcomeChunkSize(welcomes[0], limits.welcomeBytes);
      for (let at = 0; at < welcomes.length; at += size) {
        const chunk = welcomes.slice(at, at + size);
        await withRetry(context.ports, () => context.api.sendWelcomes(chunk));
      }
    }
    await cell.apply(finishIntent(cell.state, intent), refetchable);
  }
}

/** XIN-31: whether the group is paused, after comparing anew with our own version. */
export async function stillPaused(cell: LoadedCell): Promise<boolean> {
  const { record } = cell.state;
  if (record.pausedForVersion === undefined) return false;
  const required = record.metadata.attributes.get(minimumVersionKey);
  if (isNewer(record.pausedForVersion) || isNewer(required)) return true;
  await cell.apply(stepTo({ ...cell.state, record: { ...record, pausedForVersion: undefined } }));
  return false;
}

/** What went wrong in the steps of one round; all steps ran (XIN-02). */
export interface RoundErrors {
  readonly errors: readonly unknown[];
}

/** XIN-02: publish, receive, post-commit. Bytes of unknown fate are looked for before they are sent again (XIN-24). */
export async function round(context: Context, cell: LoadedCell): Promise<RoundErrors> {
  if (!cell.state.record.active || !cell.state.mls) {
    throw new ClientError("client/group-inactive", { rule: "XCV-25", groupId: cell.id });
  }
  if (await stillPaused(cell)) return { errors: [] };
  const errors: unknown[] = [];
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      errors.push(error);
    }
  };
  let seen = true;
  if (hasUnconfirmed(cell.state, context.ports.clock.nowNs())) {
    seen = false;
    await attempt(async () => {
      await receive(context, cell);
      seen = true;
    });
  }
  // Without having looked, the same bytes could go out twice; harmless for others, but not for the count of attempts.
  if (seen && cell.state.record.active) await attempt(() => publish(context, cell));
  await attempt(() => receive(context, cell));
  await attempt(() => doubtEchoes(context, cell));
  await attempt(() => readAgain(context, cell));
  await attempt(() => postCommit(context, cell));
  return { errors };
}
