import type { Context } from "./context.ts";
import type { CommitLogs } from "./commit-log.ts";
import type { ConversationEngine } from "./conversation-engine.ts";
import { deleteMessage, readMessage } from "./db.ts";
import { DeliveryStatus, GroupMessageKind } from "./enums.ts";
import { decodeFacts } from "./engine/extensions.ts";
import { mlsOf } from "./engine/send.ts";
import { stepTo } from "./engine/step.ts";
import type { Cell, Groups } from "./groups.ts";
import { keys } from "./keys.ts";
import type { Recovery } from "./recovery.ts";
import type { Welcomes } from "./welcomes.ts";
import { WorkerKind, paceOf } from "./worker-config.ts";
import type { Pace, WorkerConfigOptions } from "./worker-config.ts";

export interface WorkerParts {
  readonly context: Context;
  readonly groups: Groups;
  readonly engine: ConversationEngine;
  readonly welcomes: Welcomes;
  readonly commitLogs: CommitLogs;
  readonly recovery: Recovery;
}

/**
 * Welcome pointers every five seconds; XLV-03: leavers every two; XDS-04: expired messages every second;
 * XIN-42: commit logs every five minutes.
 */
export function startWorkers(parts: WorkerParts, config: WorkerConfigOptions = {}): void {
  const { context } = parts;
  const start = (kind: WorkerKind, ms: number, name: string, work: () => Promise<void>): void => {
    const pace = paceOf(kind, ms, config, context.ports);
    if (pace) void every(context, pace, name, work);
  };
  const { CommitLog, DisappearingMessages, TaskRunner } = WorkerKind;
  start(TaskRunner, 5_000, "welcome-pointers", () => parts.welcomes.tick());
  start(TaskRunner, 2_000, "leavers", () => removeLeavers(parts));
  start(CommitLog, 300_000, "commit-logs", async () => {
    await parts.commitLogs.tick();
    await parts.recovery.request();
  });
  start(TaskRunner, 5_000, "recovery", () => parts.recovery.respond());
  start(DisappearingMessages, 1_000, "expiry", () => deleteExpired(parts));
}

/** XKP-09. Not for an installation that is yet to be registered: nothing is uploaded for it (XID-41). */
export function startKeyPackageWorker(context: Context, pace: Pace): void {
  void every(context, pace, "key-packages", () => context.keyPackages.tick());
}

async function every(
  context: Context,
  pace: Pace,
  name: string,
  work: () => Promise<void>,
): Promise<void> {
  const { timers, log } = context.ports;
  for (;;) {
    await timers.sleep(pace(), context.signal);
    if (context.signal.aborted) return;
    try {
      await work();
    } catch (error) {
      log.write("warn", "worker-failed", { worker: name, error: String(error) });
    }
  }
}

/** XLV-03: a super admin's client takes out those who asked to leave. */
async function removeLeavers({ context, groups, engine }: WorkerParts): Promise<void> {
  for (const cell of await groups.all()) {
    const { record } = cell;
    if (!record.active || record.pausedForVersion !== undefined) continue;
    if (record.pendingLeaves.length === 0) continue;
    if (!record.metadata.superAdmins.includes(context.inboxId)) continue;
    if (record.pendingLeaves.includes(context.inboxId)) continue;
    const members = await dropStaleLeaves(groups, cell);
    // XPM-07: a super admin's wish waits until somebody demotes them.
    const remove = members.filter((id) => !record.metadata.superAdmins.includes(id));
    if (remove.length === 0) continue;
    try {
      await engine.carryOut(cell, { kind: "membership", add: [], remove });
    } catch (error) {
      // One group that cannot be changed now keeps nobody in the others.
      context.ports.log.write("warn", "leave-failed", { groupId: cell.id, error: String(error) });
    }
  }
}

/** Forgets wishes of those who are gone already; answers with the others. */
function dropStaleLeaves(groups: Groups, cell: Cell): Promise<readonly string[]> {
  return groups.exclusive(cell, async (loaded) => {
    const { state } = loaded;
    const { members } = decodeFacts(mlsOf(state).context.extensions).membership;
    const pendingLeaves = state.record.pendingLeaves.filter((id) => members.has(id));
    if (pendingLeaves.length < state.record.pendingLeaves.length) {
      await loaded.apply(stepTo({ ...state, record: { ...state.record, pendingLeaves } }));
    }
    return pendingLeaves;
  });
}

/** XDS-04. */
async function deleteExpired({ context }: WorkerParts): Promise<void> {
  const { store, clock } = context.ports;
  const { from } = keys.expiries();
  const due = await store.list({ from, to: keys.expiry(clock.nowNs() + 1n, ""), limit: 100 });
  for (const { key } of due) {
    const row = await readMessage(store, keys.expiryId(key));
    const expired =
      row?.kind === GroupMessageKind.Application && row.deliveryStatus === DeliveryStatus.Published;
    await store.write([{ kind: "delete", key }, ...(expired ? deleteMessage(row) : [])]);
    if (!row || !expired) continue;
    context.bus.emit([{ kind: "deleted", groupId: row.groupId, messageId: row.id, message: row }]);
  }
}
