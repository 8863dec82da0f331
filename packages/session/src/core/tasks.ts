import { CoterieError, InvariantError } from "@coterie/base";
import { SessionError } from "../errors.ts";
import type { Ask, Context, Session, Subscription, Tasks, Work } from "./model.ts";
import type { Handle, Outcome } from "./port.ts";

export const nothing: Outcome = {};

export function createTasks(): Tasks {
  return { queue: [], current: undefined, running: false };
}

export function enqueue(tasks: Tasks, start: () => Work, handle?: Handle): void {
  tasks.queue.push({ handle, start, work: undefined });
}

/** Lets the current task go on, and the next ones after it, until one has to wait. */
export function pump(context: Context, tasks: Tasks): void {
  for (;;) {
    tasks.current ??= tasks.queue.shift();
    const task = tasks.current;
    if (task === undefined) return;
    try {
      tasks.running = true;
      task.work ??= task.start();
      const step = task.work.next();
      tasks.running = false;
      if (!step.done) return;
      tasks.current = undefined;
      if (task.handle !== undefined) {
        context.out.push({ kind: "done", handle: task.handle, outcome: step.value });
      }
    } catch (error) {
      if (!(error instanceof CoterieError) || error instanceof InvariantError) throw error;
      tasks.running = false;
      tasks.current = undefined;
      fail(context, task.handle, error);
    }
  }
}

/** Gives up all of them, but not the one that asks for it. */
export function abandon(
  context: Context,
  tasks: Tasks,
  error: CoterieError = new SessionError("session/closed"),
): void {
  const given = [...tasks.queue];
  tasks.queue.length = 0;
  if (tasks.current !== undefined && !tasks.running) {
    given.unshift(tasks.current);
    tasks.current = undefined;
  }
  for (const { handle } of given) fail(context, handle, error);
}

export function fail(context: Context, handle: Handle | undefined, error: CoterieError): void {
  if (handle !== undefined) context.out.push({ kind: "failed", handle, error });
}

/** Waits while it is so, but no longer than this: the session is woken then. */
export function* waitWhile(
  context: Context,
  session: Session,
  ms: number,
  isSo: () => boolean,
): Generator<undefined, void, undefined> {
  session.waitUntil = context.now + ms;
  while (isSo() && context.now < (session.waitUntil ?? 0)) yield;
  session.waitUntil = undefined;
}

/** Waits until each of these has ended, well or not. */
export function* settled(
  ...waits: readonly (Ask | Subscription | undefined)[]
): Generator<undefined, void, undefined> {
  while (waits.some((wait) => wait?.state === "open")) yield;
}
