import { ClientError } from "./errors.ts";
import { drawFraction } from "./run.ts";
import type { Ports } from "./run.ts";

/** Background work by the names of the released SDK. */
export const WorkerKind = {
  /** Preferences and history between the own installations. */
  DeviceSync: "DeviceSync",
  DisappearingMessages: "DisappearingMessages",
  KeyPackageCleaner: "KeyPackageCleaner",
  CommitLog: "CommitLog",
  /** Welcomes that wait, members who leave, requests to be let in again. */
  TaskRunner: "TaskRunner",
} as const;
export type WorkerKind = (typeof WorkerKind)[keyof typeof WorkerKind];

/** Which background work runs and how often; each kind has a pace of its own by default. */
export interface WorkerConfigOptions {
  readonly defaultIntervalNs?: bigint | undefined;
  readonly workerIntervalsNs?:
    | readonly { readonly kind: WorkerKind; readonly intervalNs: bigint }[]
    | undefined;
  /** Up to so much is added to each pause, by chance. */
  readonly workerJittersNs?:
    | readonly { readonly kind: WorkerKind; readonly jitterNs: bigint }[]
    | undefined;
  readonly disabledWorkers?: readonly WorkerKind[] | undefined;
}

const shortestNs = 1_000_000n;

/** How long a worker pauses, drawn anew for each pause. */
export type Pace = () => number;

/** Undefined where this work is switched off. Throws `client/bad-argument` for pauses below a millisecond. */
export function paceOf(
  kind: WorkerKind,
  usualMs: number,
  config: WorkerConfigOptions,
  ports: Pick<Ports, "random">,
): Pace | undefined {
  if (config.disabledWorkers?.includes(kind)) return undefined;
  const own = config.workerIntervalsNs?.find((entry) => entry.kind === kind)?.intervalNs;
  const intervalNs = own ?? config.defaultIntervalNs;
  if (intervalNs !== undefined && intervalNs < shortestNs) {
    throw new ClientError("client/bad-argument", { argument: "workerConfig", worker: kind });
  }
  const jitterNs = config.workerJittersNs?.find((entry) => entry.kind === kind)?.jitterNs ?? 0n;
  const baseMs = intervalNs === undefined ? usualMs : Number(intervalNs) / 1e6;
  const jitterMs = Number(jitterNs) / 1e6;
  return () => baseMs + (jitterMs > 0 ? drawFraction(ports.random) * jitterMs : 0);
}
