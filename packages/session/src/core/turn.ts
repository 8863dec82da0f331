import { nextAsk, tickAsks } from "./asks.ts";
import { settleAbsence } from "./coming-and-going.ts";
import { refuse } from "./context.ts";
import { end } from "./life.ts";
import { reasonOf } from "./mls-profile.ts";
import type { Context, Session } from "./model.ts";
import { nextParked, tickParked } from "./updates.ts";
import { planRefresh, tickRefresh } from "./renewal.ts";
import { save } from "./save.ts";
import { followSuccession, letterCame, tickSuccession } from "./succession.ts";
import { pump } from "./tasks.ts";

export function tick(context: Context, session: Session): void {
  if (session.phase === "closed") return;
  if (session.joinUntil !== undefined && context.now >= session.joinUntil) {
    // SSN-14
    end(context, session, "closed-by-us");
    return;
  }
  tickAsks(context, session);
  session.data.sender.tick(context.now);
  session.data.receiver.tick(context.now);
  session.held.tick(context.now);
  session.presence.tick(context.now);
  // SML-33
  if (tickParked(context, session)) session.absence.repair();
  tickRefresh(context, session);
  tickSuccession(context, session);
  for (const subscription of session.subscriptions) {
    if (subscription.state === "open" && subscription.until <= context.now) {
      subscription.state = "failed";
    }
  }
  goOn(context, session);
}

/** Lets everything of a session go on that waited for what just happened. */
export function goOn(context: Context, session: Session | undefined): void {
  if (session === undefined) return;
  context.touched.add(session);
  for (const key of session.silent) session.presence.mark(key, false);
  session.silent.clear();
  settleAbsence(session);
  readLetters(context, session);
  pump(context, session.tasks);
  followSuccession(session);
  if (session.failed) end(context, session, "closed-by-us");
}

function readLetters(context: Context, session: Session): void {
  const { letters } = session;
  session.letters = [];
  for (const letter of letters) {
    try {
      letterCame(context, session, letter);
    } catch (error) {
      refuse(context, reasonOf(error), session.id);
    }
  }
}

/** At the end of a step: what it changed is stored, and sessions say when they want to be woken. */
export function finish(context: Context): void {
  for (const session of context.touched) {
    const { mls } = session;
    if (mls !== undefined && mls.plannedFor !== mls.mintedAt) planRefresh(context, session);
    save(context, session);
    const wake = session.phase === "closed" ? undefined : nextWake(session);
    // never at once again: what is late is done in the next millisecond
    context.wakes.set(session, wake === undefined ? undefined : Math.max(wake, context.now + 1));
  }
  context.touched.clear();
}

function nextWake(session: Session): number | undefined {
  let wake: number | undefined;
  const at = (time: number | undefined): void => {
    if (time !== undefined && (wake === undefined || time < wake)) wake = time;
  };
  at(nextAsk(session));
  at(session.joinUntil);
  at(session.waitUntil);
  at(session.data.sender.wakeAt);
  at(session.data.receiver.wakeAt);
  at(session.held.wakeAt);
  at(session.presence.wakeAt);
  at(nextParked(session));
  at(session.mls?.refreshAt);
  at(session.succession.claimAt);
  for (const { state, until } of session.subscriptions) if (state === "open") at(until);
  return wake;
}
