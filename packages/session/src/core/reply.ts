import { SessionMessageType } from "@coterie/wire/slim";
import type { Command } from "./command.ts";
import type { Context, Session } from "./model.ts";
import type { Received } from "./received.ts";
import { sendCommand } from "./send-command.ts";
import { commandOf } from "./session.ts";

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
