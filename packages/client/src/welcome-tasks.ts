import type { Change } from "@coterie/storage";
import type { OpenedWelcome, Pointer } from "./engine/welcome-wrap.ts";
import { keys } from "./keys.ts";
import { encodeRow } from "./rows.ts";

/** A welcome that cannot be used yet: what its pointer names was not there (XWL-11), or an inbox log ended too early (XCV-11). */
export interface WelcomeTask {
  readonly pointer?: Pointer | undefined;
  readonly opened?: OpenedWelcome | undefined;
  readonly wrapperKey: Uint8Array;
  readonly welcomeId: bigint;
  readonly createdNs: bigint;
  readonly nextNs: bigint;
  readonly waitNs: bigint;
  readonly attempts: number;
  readonly untilNs: bigint;
}

const minute = 60n * 1_000_000_000n;
const longestWaitNs = 120n * minute;
const maxAttempts = 100;

/** XWL-11: first after five minutes, for three days. An inbox log is looked at again sooner. */
export function newWelcomeTask(
  found: Pick<WelcomeTask, "pointer" | "opened" | "wrapperKey">,
  at: { readonly id: bigint; readonly createdNs: bigint },
  nowNs: bigint,
): WelcomeTask {
  const waitNs = found.pointer ? 5n * minute : minute / 12n;
  return {
    ...found,
    welcomeId: at.id,
    createdNs: at.createdNs,
    nextNs: nowNs + waitNs,
    waitNs,
    attempts: 0,
    untilNs: nowNs + 3n * 24n * 60n * minute,
  };
}

export function isOver(task: WelcomeTask, nowNs: bigint): boolean {
  return nowNs > task.untilNs || task.attempts >= maxAttempts;
}

/** XWL-11: each wait half as long again as the last, at most two hours. */
export function later(task: WelcomeTask, nowNs: bigint): WelcomeTask {
  const grown = (task.waitNs * 3n) / 2n;
  const waitNs = grown > longestWaitNs ? longestWaitNs : grown;
  return { ...task, attempts: task.attempts + 1, waitNs, nextNs: nowNs + waitNs };
}

export function putTask(task: WelcomeTask): Change {
  const key = keys.task(task.welcomeId.toString());
  return { kind: "put", key, value: encodeRow(task) };
}
