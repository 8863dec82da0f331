import { subscribe, unsubscribe } from "./context.ts";
import { keepNewest } from "./keep-newest.ts";
import { drainMs, sequencesKept, subscriptionMs } from "./limits.ts";
import type { Context, Session } from "./model.ts";
import type { AppEffect } from "./port.ts";
import { isModerator } from "./session.ts";
import { abandon, waitWhile } from "./tasks.ts";

/** SGR-06, SGR-24: both names of a group's channel. */
export function subscribeToChannel(context: Context, session: Session): void {
  if (session.control === undefined || session.subscribed) return;
  session.subscribed = true;
  const until = context.now + subscriptionMs;
  session.subscriptions = [session.destination, session.control].map((name) =>
    subscribe(context, session, name, until),
  );
}

export function unsubscribeFromChannel(context: Context, session: Session): void {
  if (session.control === undefined || !session.subscribed) return;
  session.subscribed = false;
  for (const name of [session.destination, session.control]) unsubscribe(context, session, name);
}

/** SSN-13: nothing new is taken; waits for what members still have to acknowledge. */
export function* drain(context: Context, session: Session): Generator<undefined, void, undefined> {
  session.phase = "draining";
  const { sender } = session.data;
  yield* waitWhile(context, session, drainMs, () => sender.wakeAt !== undefined);
}

/** The last that happens to a session; everything in it ends. */
export function end(
  context: Context,
  session: Session,
  reason: (AppEffect & { readonly kind: "closed" })["reason"],
): void {
  if (session.phase === "closed") return;
  const visible = session.phase !== "joining";
  session.phase = "closed";
  session.data.sender.close();
  session.presence.stop();
  session.absence.close();
  unsubscribeFromChannel(context, session);
  session.asks.clear();
  abandon(context, session.tasks);
  context.sessions.delete(session.id);
  rememberSequence(context, session);
  if (context.parts.persistent === true) {
    context.out.push({ kind: "forget", session: session.id });
  }
  if (visible) context.out.push({ kind: "closed", session: session.id, reason });
}

/**
 * SRL-23: members that were away meanwhile know us by the last number that they heard, and take what is not after it for repetitions.
 * Who moderates closes it for everybody.
 */
function rememberSequence({ sequences }: Context, session: Session): void {
  const { id, data } = session;
  if (isModerator(session) || data.sender.nextId === 1) return;
  keepNewest(sequences, id, data.sender.nextId, sequencesKept);
}
