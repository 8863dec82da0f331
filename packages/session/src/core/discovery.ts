import { SessionMessageType } from "@coterie/wire/slim";
import { noMetadata } from "./command.ts";
import type { Command } from "./command.ts";
import { refuse } from "./context.ts";
import type { Context } from "./model.ts";
import { ownNameFor } from "./invitation.ts";
import { isOurs } from "./received.ts";
import type { Received } from "./received.ts";
import { questionOf, repeated } from "./reply.ts";
import { sendCommand } from "./send-command.ts";

/** SGR-20: every repetition is answered, of natives every second one (see `repeated`). */
export function discovered(context: Context, received: Received): void {
  const source = ownNameFor(context, received);
  const { session } = received;
  const question = questionOf(received);
  if (context.answers.has(question, context.now)) {
    const again = repeated(context, received, context.answers.find);
    if (again !== undefined) sendCommand(context, again);
    return;
  }
  // SGR-21: all that is known here is who asks
  const verdict = context.parts.onInvite?.({
    moderator: received.source.name,
    baseId: received.token.baseId,
    sessionId: session.sessionId,
    kind: session.sessionType === 2 ? "group" : "point-to-point",
  });
  if (verdict === "reject") {
    refuse(context, "rejected", session.sessionId);
    return;
  }
  const command: Command = {
    connection: received.connection,
    source,
    destination: received.source,
    fanout: 1,
    session: { ...session, sessionMessageType: SessionMessageType.discoveryReply },
    payload: { kind: "discoveryReply", value: {} },
    metadata: noMetadata,
  };
  if (!isOurs(received)) context.answers.keep(question, command, context.now);
  sendCommand(context, command);
}
