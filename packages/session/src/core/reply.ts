import { SessionMessageType } from "@coterie/wire/slim";
import type { Command } from "./command.ts";
import type { Context, Session } from "./model.ts";
import type { KnownName } from "./names.ts";
import { defaultTimers } from "./limits.ts";
import { isOurs } from "./received.ts";
import type { Received } from "./received.ts";
import { sendCommand } from "./send-command.ts";
import { commandOf, timersOf } from "./session.ts";

/** Answers a command and keeps the answer for its repetitions (SSG-09). */
export function reply(
  context: Context,
  session: Session,
  to: Received,
  type: number,
  payload: Command["payload"],
  source: KnownName = session.source,
): Command {
  const command = {
    ...commandOf(context, session, { type, payload, to: to.source, messageId: to.messageId }),
    source,
  };
  context.answers.keep(questionOf(to), command, context.now);
  sendCommand(context, command);
  return command;
}

export function acknowledge(
  context: Context,
  session: Session,
  to: Received,
  source?: KnownName,
): Command {
  const payload = { kind: "groupAck", value: {} } as const;
  return reply(context, session, to, SessionMessageType.groupAck, payload, source);
}

/** Native moderators without MLS end the whole session at one of these when it comes again after its task is done: a fault of theirs. */
const answeredOnce: ReadonlySet<number> = new Set([
  SessionMessageType.discoveryRequest,
  SessionMessageType.joinRequest,
  SessionMessageType.leaveRequest,
]);

/**
 * What to say to a command that comes again (SSG-09). A native may only have been impatient: to it, where that would do harm, nothing is said before
 * its second repetition, by which the answer was lost.
 */
export function repeated(
  context: Context,
  received: Received,
  find: (question: Question, now: number, patienceMs: number) => Command | undefined,
): Command | undefined {
  const session = context.sessions.get(received.session.sessionId);
  const harmless =
    isOurs(received) || !answeredOnce.has(received.type) || session?.mls !== undefined;
  const { intervalMs } = session === undefined ? defaultTimers : timersOf(session);
  return find(questionOf(received), context.now, harmless ? 0 : 1.5 * intervalMs);
}

type Question = ReturnType<typeof questionOf>;

export function questionOf({ session, source, type, messageId }: Received): {
  sessionId: number;
  source: string;
  type: number;
  messageId: number;
} {
  return { sessionId: session.sessionId, source: source.key, type, messageId };
}
