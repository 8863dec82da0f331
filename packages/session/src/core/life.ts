import { SessionMessageType } from "@coterie/wire/slim";
import type { Command } from "./command.ts";
import { subscribe, unsubscribe } from "./context.ts";
import { drainMs, subscriptionMs } from "./limits.ts";
import type { Context, Session } from "./model.ts";
import type { AppEffect } from "./port.ts";
import type { Received } from "./received.ts";
import { sendCommand } from "./send-command.ts";
import { commandOf } from "./session.ts";
import { abandon } from "./tasks.ts";

/** Answers a command and keeps the answer for its repetitions (SSG-09). */
export function reply(
  context: Context,
  session: Session,
  to: Received,
  type: number,
  payload: Command["payload"],
): Command {
  const command = commandOf(context, session, {
    type,
    payload,
    to: to.source,
    messageId: to.messageId,
  });
  context.answers.keep(questionOf(to), command, context.now);
  sendCommand(context, command);
  return command;
}

export function acknowledge(context: Context, session: Session, to: Received): Command {
  return reply(context, session, to, SessionMessageType.groupAck, {
    kind: "groupAck",
    value: {},
  });
}

export function questionOf({ session, source, type, messageId }: Received): {
  sessionId: number;
  source: string;
  type: number;
  messageId: number;
} {
  return { sessionId: session.sessionId, source: source.key, type, messageId };
}

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
  session.waitUntil = context.now + drainMs;
  const { sender } = session.data;
  while (sender.wakeAt !== undefined && context.now < session.waitUntil) yield;
  session.waitUntil = undefined;
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
  unsubscribeFromChannel(context, session);
  session.asks.clear();
  abandon(context, session.tasks);
  context.sessions.delete(session.id);
  if (context.parts.persistent === true) {
    context.out.push({ kind: "forget", session: session.id });
  }
  if (visible) context.out.push({ kind: "closed", session: session.id, reason });
}
