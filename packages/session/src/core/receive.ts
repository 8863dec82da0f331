import { SessionMessageType } from "@coterie/wire/slim";
import { answer, excuse } from "./asks.ts";
import { announcementAnswered, stateChanged } from "./coming-and-going.ts";
import { isCommand } from "./command.ts";
import { refuse } from "./context.ts";
import { receiveData } from "./data.ts";
import { discovered } from "./discovery.ts";
import { maxInvited, maxSessions } from "./limits.ts";
import { reasonOf } from "./mls-profile.ts";
import type { Context, Session } from "./model.ts";
import { memberLeaves } from "./departure.ts";
import { answerInvitation, invited } from "./invitation.ts";
import { closed, dismissed, hurry } from "./leaving.ts";
import { caughtUp, updated } from "./updates.ts";
import { welcomed } from "./welcome.ts";
import { payloadOf } from "./payload.ts";
import type { Input } from "./port.ts";
import { noEpoch } from "./presence.ts";
import { isOurs } from "./received.ts";
import type { Received } from "./received.ts";
import { placeGiven, placeRequested } from "./renewal.ts";
import { repeated } from "./reply.ts";
import { sendCommand } from "./send-command.ts";
import { isModerator } from "./session.ts";
import { heardUntold, succeeded } from "./succession.ts";
import { goOn } from "./turn.ts";
import { verify } from "./verify.ts";
import { successionKey } from "./warrant.ts";

/** SSN-16: what is known of the session decides before any cryptography is done. */
export function receive(context: Context, input: Input<"received">): void {
  const { session: ids, header } = input.publish;
  if (ids === undefined || header === undefined) {
    refuse(context, "form");
    return;
  }
  const session = context.sessions.get(ids.sessionId);
  try {
    if (session !== undefined) {
      const received = verify(context, input);
      if (isShut(session, received)) {
        refuse(context, "offline", session.id);
        return;
      }
      hear(context, session, received);
      if (isCommand(received.type)) command(context, session, received);
      else receiveData(context, session, received);
      goOn(context, session);
      return;
    }
    receiveStray(context, input, ids.sessionMessageType);
  } catch (error) {
    refuse(context, reasonOf(error), ids.sessionId);
    goOn(context, session);
  }
}

/** SSN-02: what belongs to no session that we have. */
function receiveStray(context: Context, input: Input<"received">, type: number): void {
  switch (type) {
    case SessionMessageType.discoveryRequest: {
      const received = verify(context, input, (token) =>
        context.discoveries.admit(token.baseId, context.now),
      );
      discovered(context, received);
      return;
    }
    case SessionMessageType.joinRequest: {
      if (isFull(context)) {
        refuse(context, "too-many-sessions");
        return;
      }
      const session = invited(context, verify(context, input));
      goOn(context, session);
      return;
    }
    case SessionMessageType.groupClose:
    case SessionMessageType.leaveRequest: {
      // SGR-38
      const received = verify(context, input);
      const buried = repeated(context, received, context.answers.exhume);
      if (buried !== undefined) sendCommand(context, buried);
      return;
    }
    default:
      refuse(context, "no-session");
  }
}

/** SSN-15: strangers cannot fill up all places, or have us make keys without end. */
function isFull({ sessions }: Context): boolean {
  if (sessions.size < maxInvited) return false;
  let invitations = 0;
  for (const { phase } of sessions.values()) if (phase === "joining") invitations += 1;
  return sessions.size >= maxSessions || invitations >= maxInvited;
}

const replies: ReadonlySet<number> = new Set([
  SessionMessageType.discoveryReply,
  SessionMessageType.joinReply,
  SessionMessageType.leaveReply,
  SessionMessageType.groupAck,
  SessionMessageType.groupNack,
]);

/** SHB-10: while we are away only what brings us back, or ends us, is heard. */
function isShut({ absence }: Session, received: Received): boolean {
  const { type } = received;
  if (!absence.isAway || replies.has(type)) return false;
  return type !== SessionMessageType.rejoinReply && !tellsOfSuccession(received);
}

/** SHB-18. */
function tellsOfSuccession({ type, metadata }: Received): boolean {
  return type === SessionMessageType.joinRequest && metadata.has(successionKey);
}

/** SHB-04, SSN-21. */
function hear(context: Context, session: Session, received: Received): void {
  const { key } = received.source;
  session.presence.heard(key);
  const member = session.roster.get(key);
  if (member === undefined) return;
  if (!member.ours && isOurs(received)) {
    member.ours = true;
    session.view = undefined;
  }
  if (member.key === undefined) {
    member.key = received.token.publicKey;
    session.view = undefined;
  }
  heardUntold(context, session, key);
}

/** Replay, role and step of one command that is for a session of ours (SSG-05, SSG-09, SSG-10). */
function command(context: Context, session: Session, received: Received): void {
  const { type, source, messageId } = received;
  if (replies.has(type)) {
    const asked = answer(session, received);
    if (asked !== undefined && asked === session.announcement) {
      announcementAnswered(session, received);
    }
    return;
  }
  if (source.key === session.source.key) return;
  if (type === SessionMessageType.discoveryRequest) {
    // SGR-20: every repetition is answered
    if (source.key === session.moderator.key) discovered(context, received);
    return;
  }
  if (session.seen.has(source.key, messageId)) {
    const stored = repeated(context, received, context.answers.find);
    if (stored !== undefined) sendCommand(context, stored);
    return;
  }
  if (source.key !== session.moderator.key && tellsOfSuccession(received)) {
    succeeded(context, session, received);
    session.seen.add(source.key, messageId);
    return;
  }
  if (!mayCommand(session, received)) {
    refuse(context, "role", session.id);
    return;
  }
  if (obey(context, session, received)) session.seen.add(source.key, messageId);
}

/** SSG-10. */
function mayCommand(session: Session, { type, source, metadata }: Received): boolean {
  switch (type) {
    case SessionMessageType.joinRequest:
    case SessionMessageType.groupWelcome:
    case SessionMessageType.groupUpdate:
    case SessionMessageType.groupClose:
    case SessionMessageType.rejoinReply:
      return !isModerator(session) && source.key === session.moderator.key;
    case SessionMessageType.leaveRequest:
      return isModerator(session)
        ? metadata.has("LEAVING_SESSION") && session.roster.has(source.key)
        : source.key === session.moderator.key;
    case SessionMessageType.rejoinRequest:
      return isModerator(session) && session.roster.has(source.key);
    case SessionMessageType.updateParticipantState:
    case SessionMessageType.heartbeat:
      return session.roster.has(source.key);
    default:
      return false;
  }
}

/** False: not taken, so that a repetition is looked at anew. */
function obey(context: Context, session: Session, received: Received): boolean {
  switch (received.type) {
    case SessionMessageType.joinRequest:
      if (session.phase === "draining") {
        // it has taken us out already: the next repetition is for a session of its own
        hurry(context, session);
        return false;
      }
      answerInvitation(context, session, received);
      return true;
    case SessionMessageType.groupWelcome:
      welcomed(context, session, received);
      return true;
    case SessionMessageType.groupUpdate:
      return updated(context, session, received);
    case SessionMessageType.groupClose:
      closed(context, session, received);
      return true;
    case SessionMessageType.leaveRequest:
      if (isModerator(session)) memberLeaves(context, session, received);
      else dismissed(context, session, received);
      return true;
    case SessionMessageType.heartbeat:
      heartbeat(context, session, received);
      return true;
    case SessionMessageType.updateParticipantState:
      stateChanged(context, session, received);
      return true;
    case SessionMessageType.rejoinRequest:
      return placeRequested(context, session, received);
    case SessionMessageType.rejoinReply:
      placeGiven(context, session, received);
      caughtUp(context, session);
      return true;
    default:
      return false;
  }
}

function heartbeat(context: Context, session: Session, received: Received): void {
  const { epoch } = payloadOf(received, "heartbeat").value;
  const { key } = received.source;
  session.presence.heartbeat(key, epoch, context.now);
  // SML-34
  if (epoch !== noEpoch) excuse(session, key, (open) => (open.epoch ?? noEpoch) <= epoch);
}
