import { SessionMessageType } from "@coterie/wire/slim";
import { ask, excuse } from "./asks.ts";
import { drain, end, unsubscribeFromChannel } from "./life.ts";
import type { Context, Session, Work } from "./model.ts";
import type { Received } from "./received.ts";
import { acknowledge, reply } from "./reply.ts";
import { commandOf } from "./session.ts";
import { enqueue, nothing, settled } from "./tasks.ts";

/** SGR-37. */
export function closed(context: Context, session: Session, received: Received): void {
  const answer = acknowledge(context, session, received);
  context.answers.bury(tombOf(received), answer, context.now);
  end(context, session, "closed-by-moderator");
}

/** SGR-33. */
export function dismissed(context: Context, session: Session, received: Received): void {
  const answer = reply(context, session, received, SessionMessageType.leaveReply, {
    kind: "leaveReply",
    value: {},
  });
  context.answers.bury(tombOf(received), answer, context.now);
  if (session.phase === "joining") {
    end(context, session, "removed");
    return;
  }
  enqueue(session.tasks, function* leaving(): Work {
    yield* drain(context, session);
    end(context, session, "removed");
    return nothing;
  });
}

/** Ends a session that is about to leave without what it still waits for. */
export function hurry(context: Context, session: Session): void {
  session.waitUntil = context.now;
  excuse(session, session.moderator.key, ({ replyTypes }) =>
    replyTypes.includes(SessionMessageType.leaveReply),
  );
}

function tombOf({ session, source, type }: Received): {
  sessionId: number;
  source: string;
  type: number;
} {
  return { sessionId: session.sessionId, source: source.key, type };
}

/** SGR-34, SPP-05. */
export function* leave(context: Context, session: Session): Work {
  yield* drain(context, session);
  unsubscribeFromChannel(context, session);
  const told = ask(context, session, {
    command: commandOf(context, session, {
      type: SessionMessageType.leaveRequest,
      payload: { kind: "leaveRequest", value: {} },
      to: session.moderator,
      metadata: leavingMetadata,
    }),
    expect: [session.moderator],
    replyTypes: [SessionMessageType.leaveReply],
  });
  yield* settled(told);
  end(context, session, "closed-by-us");
  return nothing;
}

const leavingMetadata: ReadonlyMap<string, string> = new Map([["LEAVING_SESSION", "TRUE"]]);
