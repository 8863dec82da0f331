import { decodeOptions } from "../archive/options.ts";
import type { ArchiveOptions } from "../archive/options.ts";
import type { Context } from "../context.ts";
import type { EngineEvent } from "../engine/state.ts";
import { keys } from "../keys.ts";
import { decodeRow, encodeRow } from "../rows.ts";
import { canHeal, Lock } from "../run.ts";
import type { History } from "./history.ts";

/** What takes long and may fail: giving an archive to somebody who asked, taking one that was given. Survives restarts. */
type Job =
  | {
      readonly kind: "give";
      readonly pin: string;
      readonly serverUrl: string;
      readonly options: Parameters<typeof decodeOptions>[0];
    }
  | {
      readonly kind: "take";
      readonly pin: string;
      readonly url: string;
      readonly key: Uint8Array;
    };

export type JobRow = Job & { readonly attempts: number };

/** XHS-02 */
const maxAttempts = 3;

export interface Jobs {
  /** Tries everything that waits, once. */
  run(): Promise<void>;
}

type Outcome = Extract<EngineEvent, { readonly kind: "device-sync" }>;

export function createJobs(context: Context, history: History): Jobs {
  const { store, log } = context.ports;
  const lock = new Lock();

  async function work(job: Job): Promise<Outcome> {
    if (job.kind === "take") {
      await history.take(job);
      return { kind: "device-sync", what: "archive-imported", pin: job.pin };
    }
    const options: ArchiveOptions = decodeOptions(job.options);
    await history.reply(job.pin, job.serverUrl, options);
    return { kind: "device-sync", what: "archive-sent", pin: job.pin };
  }

  async function attempt(key: Uint8Array, row: JobRow): Promise<void> {
    try {
      const outcome = await work(row);
      await store.write([{ kind: "delete", key }]);
      context.bus.emit([outcome]);
    } catch (error) {
      if (context.signal.aborted) return;
      const attempts = row.attempts + 1;
      log.write("warn", "device-sync-job-failed", {
        job: row.kind,
        attempts,
        error: String(error),
      });
      if (attempts < maxAttempts && canHeal(error)) {
        await store.write([{ kind: "put", key, value: encodeRow({ ...row, attempts }) }]);
        return;
      }
      await store.write([{ kind: "delete", key }]);
      const code = String((error as { readonly code?: unknown }).code ?? "unknown");
      context.bus.emit([{ kind: "device-sync", what: "job-failed", pin: row.pin, code }]);
    }
  }

  return {
    run: () =>
      lock.run(async () => {
        for (const { key, value } of await store.list(keys.deviceSyncAll("job"))) {
          if (context.signal.aborted) return;
          await attempt(key, decodeRow<JobRow>(value));
        }
      }),
  };
}
