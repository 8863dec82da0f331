import type { Context } from "./context.ts";
import { decodeFacts } from "./engine/extensions.ts";
import { assertAllowed, decideWish, queueWish } from "./engine/intents.ts";
import { mlsOf } from "./engine/send.ts";
import { stepTo } from "./engine/step.ts";
import type { EngineEvent, GroupState, Intent, MessageRow, Wish } from "./engine/state.ts";
import { ClientError } from "./errors.ts";
import type { Cell, Groups, LoadedCell } from "./groups.ts";
import { checkCursor } from "./read-again.ts";
import { backoffMs, defaultRetry, drawFraction } from "./run.ts";
import { round, stillPaused } from "./sync.ts";

/** XIN-15. */
const maxRounds = 3;
const longestWaitNs = 10n * 1_000_000_000n;
/** XIN-17: ages of the last look for installations that should be members. */
const checkBeforeSendNs = 5n * 1_000_000_000n;
const checkAfterSyncNs = 30n * 60n * 1_000_000_000n;

/** What conversations do with the engine: queue wishes, run rounds, wait for outcomes. */
export interface ConversationEngine {
  /** One round; throws the first error after all steps ran (XIN-02). */
  sync(cell: Cell): Promise<void>;
  /** Queues a wish and runs rounds until it is carried out. Throws what stood against it. */
  carryOut(cell: Cell, wish: Wish): Promise<void>;
  /** Stores a message and, unless `optimistic`, publishes it (XIN-18, XIN-19). */
  send(
    cell: Cell,
    message: { readonly wish: Wish; readonly row: MessageRow; readonly optimistic: boolean },
  ): Promise<void>;
  /** Stores a message without a wish to send it (XIN-19). */
  store(cell: Cell, row: MessageRow): Promise<void>;
  /** Publishes what is queued and waits for it. */
  publishPending(cell: Cell): Promise<void>;
  /** XIN-17: adds and removes installations as the identity logs say now. */
  updateInstallations(cell: Cell): Promise<void>;
}

type Outcome = Extract<EngineEvent, { kind: "intent" }>;

function assertWritable(state: GroupState): void {
  const { record } = state;
  if (!record.active || !state.mls) {
    throw new ClientError("client/group-inactive", { rule: "XCV-25", groupId: record.id });
  }
}

function waitsToPublish({ record, intents }: GroupState): boolean {
  if (!record.active || record.pausedForVersion !== undefined) return false;
  return intents.some(({ state }) => state.kind === "to-publish");
}

/** Whether this very message waits already; bytes of a failed one do not count. */
function isQueued({ intents }: GroupState, { id }: MessageRow): boolean {
  return intents.some(
    ({ wish, state }) =>
      wish.kind === "send-message" && wish.messageId === id && state.kind !== "error",
  );
}

export function createConversationEngine(context: Context, groups: Groups): ConversationEngine {
  const { ports, bus } = context;

  async function assertMayChange(cell: LoadedCell): Promise<void> {
    assertWritable(cell.state);
    if (await stillPaused(cell)) {
      const version = cell.state.record.pausedForVersion;
      throw new ClientError("client/group-paused", { rule: "XIN-31", groupId: cell.id, version });
    }
  }

  /** Runs rounds until it is told what became of the intent. */
  async function waitFor(cell: LoadedCell, intentId: number): Promise<void> {
    let outcome: Outcome | undefined;
    const stop = bus.listen((event) => {
      if (event.kind === "intent" && event.groupId === cell.id && event.intentId === intentId) {
        outcome = event;
      }
    });
    const settled = (): boolean => {
      if (outcome?.outcome === "failed") throw outcome.error;
      return outcome?.outcome === "done";
    };
    const queued = (): Intent | undefined => cell.state.intents.find(({ id }) => id === intentId);
    let errors: readonly unknown[] = [];
    const untilNs = ports.clock.nowNs() + longestWaitNs;
    try {
      for (let n = 1; n <= maxRounds; n++) {
        ({ errors } = await round(context, cell));
        if (settled()) return;
        if (!queued()) break;
        if (cell.state.record.pausedForVersion !== undefined) break;
        if (ports.clock.nowNs() > untilNs) break;
        if (n < maxRounds && errors.length > 0) {
          await ports.timers.sleep(
            backoffMs(defaultRetry, n, drawFraction(ports.random)),
            context.signal,
          );
        }
      }
    } finally {
      stop();
    }
    const intent = queued();
    // Gone without an outcome: it could not be stored, so that nothing of it will happen.
    if (!intent && errors.length > 0) throw errors[0];
    throw new ClientError(
      "client/sync-failed-to-wait",
      {
        rule: "XIN-15",
        groupId: cell.id,
        intentId,
        state: intent?.state.kind,
        attempts: intent?.attempts,
      },
      { cause: errors[0] },
    );
  }

  function queue(cell: LoadedCell, wish: Wish, row?: MessageRow): number {
    const { step, intentId } = queueWish(cell.state, wish, ports.clock.nowNs(), row);
    // What carries it out stores it with its bytes; else it is stored when the lock is given back.
    cell.hold(step);
    return intentId;
  }

  /** XIN-17. The time of the look counts also when there was nothing to do. */
  async function checkInstallations(cell: LoadedCell, olderThanNs: bigint): Promise<void> {
    const { record, progress } = cell.state;
    if (record.conversationType === "oneshot" || record.conversationType === "sync") return;
    const now = ports.clock.nowNs();
    if (now - progress.installationsCheckedAtNs <= olderThanNs) return;
    cell.hold(stepTo({ ...cell.state, progress: { ...progress, installationsCheckedAtNs: now } }));
    if (!(await somethingNew(cell))) return;
    await waitFor(cell, queue(cell, { kind: "membership", add: [], remove: [] }));
  }

  async function somethingNew(cell: LoadedCell): Promise<boolean> {
    const { members } = decodeFacts(mlsOf(cell.state).context.extensions).membership;
    const newest = await context.identity.refresh([...members.keys()]);
    return [...members].some(([inboxId, known]) => (newest.get(inboxId) ?? 0n) > known);
  }

  /** A failure to look for installations must not keep a message back. */
  async function tryCheckInstallations(cell: LoadedCell, olderThanNs: bigint): Promise<void> {
    try {
      await checkInstallations(cell, olderThanNs);
    } catch (error) {
      ports.log.write("warn", "installation-check-failed", {
        groupId: cell.id,
        error: String(error),
      });
    }
  }

  async function publishAll(cell: LoadedCell): Promise<void> {
    const last = cell.state.intents.findLast(({ state }) => state.kind !== "error");
    if (last) await waitFor(cell, last.id);
  }

  return {
    sync: (cell) =>
      groups.exclusive(cell, async (loaded) => {
        for (let n = 1; n <= maxRounds; n++) {
          const { errors } = await round(context, loaded);
          if (errors.length > 0) throw errors[0];
          // XIN-05 ends a round after a commit; what waits behind it goes out as well.
          if (!waitsToPublish(loaded.state)) break;
        }
        if (loaded.state.record.active && loaded.state.record.pausedForVersion === undefined) {
          await checkCursor(context, loaded);
          await tryCheckInstallations(loaded, checkAfterSyncNs);
        }
      }),
    carryOut: (cell, wish) =>
      groups.exclusive(cell, async (loaded) => {
        await assertMayChange(loaded);
        const facts = decodeFacts(mlsOf(loaded.state).context.extensions);
        const decision = decideWish(facts, wish, context.inboxId);
        if (decision.kind === "denied") {
          // What we know may be old news: look once before refusing.
          await round(context, loaded);
          await assertMayChange(loaded);
          const fresh = decodeFacts(mlsOf(loaded.state).context.extensions);
          assertAllowed(decideWish(fresh, wish, context.inboxId));
        }
        await waitFor(loaded, queue(loaded, wish));
      }),
    send: (cell, { wish, row, optimistic }) =>
      groups.exclusive(cell, async (loaded) => {
        await assertMayChange(loaded);
        if (!optimistic) await tryCheckInstallations(loaded, checkBeforeSendNs);
        if (!isQueued(loaded.state, row)) queue(loaded, wish, row);
        if (!optimistic) await publishAll(loaded);
      }),
    store: (cell, row) =>
      groups.exclusive(cell, async (loaded) => {
        await assertMayChange(loaded);
        await loaded.apply(stepTo(loaded.state, { messages: [{ kind: "insert", row }] }));
      }),
    publishPending: (cell) =>
      groups.exclusive(cell, async (loaded) => {
        await assertMayChange(loaded);
        await publishAll(loaded);
      }),
    updateInstallations: (cell) =>
      groups.exclusive(cell, async (loaded) => {
        await assertMayChange(loaded);
        await checkInstallations(loaded, -1n);
      }),
  };
}
