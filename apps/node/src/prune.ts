import type { Clock, Log as Logger } from "@coterie/base";
import type { NodeLog } from "./log/log.ts";

/** How long what may be pruned is kept, in days (XND-43). What is absent is kept for ever. */
export interface Retention {
  /** Application messages. Commits are never pruned: whoever lags needs every epoch. */
  readonly messageDays?: number | undefined;
  /** Welcomes, and key packages that nobody renewed. */
  readonly welcomeDays?: number | undefined;
}

const dayNs = 86_400_000_000_000n;
/** Rows of one transaction: calls wait for it. */
const chunk = 1_000;

/** Deletes what is older than its time, a chunk a transaction; returns how many entries went. */
export async function prune(log: NodeLog, retention: Retention, clock: Clock): Promise<number> {
  const before = (days: number | undefined): bigint | undefined =>
    days === undefined ? undefined : clock.nowNs() - BigInt(days) * dayNs;
  const limits = {
    messagesBeforeNs: before(retention.messageDays),
    welcomesBeforeNs: before(retention.welcomeDays),
    most: chunk,
  };
  let pruned = 0;
  for (;;) {
    const { entries, done } = await log.prune(limits);
    pruned += entries;
    if (done) return pruned;
  }
}

/** Prunes now and every hour; returns the way to stop. A failure is written down and tried again with the next hour. */
export function startPruning(
  log: NodeLog,
  retention: Retention,
  clock: Clock,
  logger: Logger,
): () => void {
  if (retention.messageDays === undefined && retention.welcomeDays === undefined) return () => {};
  const round = (): void => {
    prune(log, retention, clock).then(
      (pruned) => pruned > 0 && logger.write("info", "node.pruned", { pruned }),
      (error: unknown) => logger.write("warn", "node.prune-failed", { error }),
    );
  };
  const timer = setInterval(round, 3_600_000);
  timer.unref();
  round();
  return () => clearInterval(timer);
}
