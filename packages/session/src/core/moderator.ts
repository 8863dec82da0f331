import { GroupUpdateOp, SessionMessageType } from "@coterie/wire/slim";
import type { CommandPayload, JoinReplyPayload } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import { ask, cancel } from "./asks.ts";
import { missed, sendUpdate } from "./group-update.ts";
import { drain, end } from "./life.ts";
import { admit, change, refused } from "./mls-profile.ts";
import type { Change } from "./mls-profile.ts";
import type { Ask, Context, Member, Session, Work } from "./model.ts";
import type { KnownName } from "./names.ts";
import { isOurs } from "./received.ts";
import type { Received } from "./received.ts";
import { reply } from "./reply.ts";
import { awaitAcks, expel, findMember, list, participantsOf, readParticipant } from "./roster.ts";
import { commandOf, onlineOthers, others, timersOf } from "./session.ts";
import { enqueue, nothing, settled } from "./tasks.ts";

/** SGR-04 to SGR-15: finds an instance, invites it, lets it in and tells the others. */
export function* invite(context: Context, session: Session, target: KnownName): Work {
  if (session.roster.has(target.key)) throw alreadyMember(target);
  const peer = yield* discover(context, session, target);
  if (session.roster.has(peer.key)) throw alreadyMember(peer);
  yield* subscribed(session);
  const answer = yield* requestJoin(context, session, peer);
  const { member, added } = letIn(context, session, answer);
  const update = announceNewcomer(context, session, member, added);
  const welcome = sendWelcome(context, session, member, added);
  yield* settled(update, welcome);
  if (welcome.state === "failed") {
    yield* takeBack(context, session, member);
    throw unanswered(welcome);
  }
  session.found.delete(target.service);
  // SGR-12: whoever missed the update is away, and the newcomer is in nevertheless
  missed(session, update);
  session.presence.set(member.name.key, true);
  awaitAcks(context, session, [member]);
  return nothing;
}

/** SGR-04, SGR-05, SGR-15. Who answers later than the first is not heard: its number is asked no more. */
function* discover(
  context: Context,
  session: Session,
  target: KnownName,
): Generator<undefined, KnownName, undefined> {
  const known = session.found.get(target.service);
  const fits = known && (target.name.id === undefined || target.key === known.name.key);
  const remembered = fits ? known : undefined;
  if (remembered?.joinFailed === true) return remembered.name;
  const started = context.now;
  const discovery = ask(context, session, {
    command: commandOf(context, session, {
      type: SessionMessageType.discoveryRequest,
      payload: { kind: "discoveryRequest", value: {} },
      to: target,
    }),
    expect: [target],
    replyTypes: [SessionMessageType.discoveryReply],
  });
  while (discovery.state === "open") {
    if (remembered && context.now >= started + timersOf(session).intervalMs) {
      cancel(session, discovery);
      return remembered.name;
    }
    yield;
  }
  const peer = discovery.replies[0]?.source;
  if (peer === undefined) throw unanswered(discovery);
  if (target.name.id !== undefined && peer.key !== target.key) throw refused("another-instance");
  session.found.set(target.service, { name: peer, joinFailed: false });
  return peer;
}

/** SGR-06: a group's channel is ours before anybody is invited to it. */
function* subscribed(session: Session): Generator<undefined, void, undefined> {
  yield* settled(...session.subscriptions);
  if (session.subscriptions.some(({ state }) => state === "failed")) {
    throw new SessionError("session/not-subscribed");
  }
}

/** SGR-07, SPP-02. */
function* requestJoin(
  context: Context,
  session: Session,
  peer: KnownName,
): Generator<undefined, Received, undefined> {
  const join = ask(context, session, {
    command: commandOf(context, session, {
      type: SessionMessageType.joinRequest,
      payload: joinRequestOf(session),
      to: peer,
      metadata: session.settings.metadata,
    }),
    expect: [peer],
    replyTypes: [SessionMessageType.joinReply],
    renews: true,
  });
  yield* settled(join);
  const answer = join.replies[0];
  const found = session.found.get(peer.service);
  if (found !== undefined) found.joinFailed = answer === undefined;
  if (answer === undefined) throw unanswered(join);
  return answer;
}

export function joinRequestOf({ settings, control, destination }: Session): CommandPayload {
  const { reliability, mls } = settings;
  return {
    kind: "joinRequest",
    value: {
      ...(reliability && {
        timerSettings: { timeout: reliability.intervalMs, maxRetries: reliability.maxRetries },
      }),
      ...(control && { channel: destination.wire, control: control.wire }),
      ...(mls && {
        mlsSettings: { headerIntegrityValidationPercent: mls.headerIntegrityPercent },
      }),
    },
  };
}

/** SGR-08: into the roster, and with MLS into the tree. Nothing of it stays where MLS refuses the key package. */
function letIn(
  context: Context,
  session: Session,
  answer: Received,
): { readonly member: Member; readonly added: Change | undefined } {
  const payload = joinReplyOf(answer);
  const { name, settings } = readParticipant(context, payload.participant);
  if (name.key !== answer.source.key) throw refused("participant-name");
  const { mls } = session;
  let added: Change | undefined;
  let credentialUntil: number | undefined;
  if (mls !== undefined) {
    const admission = admit(context, mls, payload.keyPackage, answer.token);
    added = change(context, mls, { add: admission.keyPackage });
    credentialUntil = admission.token.expiresAt;
    session.unsaved.add("mls");
  }
  const member: Member = {
    name,
    settings,
    online: true,
    ours: isOurs(answer),
    leaf: added?.leaf,
    credentialUntil,
  };
  if (session.settings.kind === "point-to-point") session.destination = name;
  list(session, member);
  return { member, added };
}

function joinReplyOf({ content }: Received): JoinReplyPayload {
  if (content.kind !== "commandPayload" || content.value.kind !== "joinReply") {
    throw refused("payload");
  }
  return content.value.value;
}

/** SGR-09: everybody else learns of the newcomer, where there is anybody else. */
function announceNewcomer(
  context: Context,
  session: Session,
  member: Member,
  added: Change | undefined,
): Ask | undefined {
  if (session.control === undefined || session.roster.size <= 2) return undefined;
  return sendUpdate(context, session, {
    op: GroupUpdateOp.add,
    member,
    participants: participantsOf(session),
    change: added,
    expect: onlineOthers(session).filter(({ name }) => name.key !== member.name.key),
  });
}

/** SGR-10. */
function sendWelcome(
  context: Context,
  session: Session,
  { name }: Member,
  added: Change | undefined,
): Ask {
  return ask(context, session, {
    command: commandOf(context, session, {
      type: SessionMessageType.groupWelcome,
      payload: {
        kind: "groupWelcome",
        value: {
          participants: participantsOf(session),
          ...(added && {
            mls: { commitId: added.commitId, mlsContent: added.welcome ?? new Uint8Array(0) },
          }),
        },
      },
      to: name,
    }),
    expect: [name],
    replyTypes: [SessionMessageType.groupAck],
    renews: true,
  });
}

/** SGR-13: who was let in and never came is taken out again, before anything else is done. */
function* takeBack(
  context: Context,
  session: Session,
  member: Member,
): Generator<undefined, void, undefined> {
  const told = takeOut(context, session, member);
  tellLeave(context, session, member, []);
  yield* settled(told);
  missed(session, told);
}

/** SGR-30 to SGR-32: roster, tree and the others, not yet the member itself. */
function takeOut(context: Context, session: Session, member: Member): Ask | undefined {
  const { mls } = session;
  const participants = participantsOf(session);
  let removed: Change | undefined;
  if (mls !== undefined && member.leaf !== undefined) {
    removed = change(context, mls, { remove: member.leaf });
    session.unsaved.add("mls");
  }
  expel(context, session, member.name.key);
  if (session.control === undefined || participants.length <= 2) return undefined;
  return sendUpdate(context, session, {
    op: GroupUpdateOp.remove,
    member,
    participants,
    change: removed,
    expect: onlineOthers(session),
  });
}

function tellLeave(
  context: Context,
  session: Session,
  { name }: Member,
  expect: readonly KnownName[],
): Ask {
  return ask(context, session, {
    command: commandOf(context, session, {
      type: SessionMessageType.leaveRequest,
      payload: { kind: "leaveRequest", value: {} },
      to: name,
    }),
    expect,
    replyTypes: [SessionMessageType.leaveReply],
  });
}

/** SGR-30, SGR-31. It is out whatever it answers; `missing` tells that it did not. */
export function* remove(context: Context, session: Session, target: KnownName): Work {
  const member = findMember(session, target);
  if (member === undefined || member.name.key === session.source.key) {
    throw new SessionError("session/unknown-member", { name: target.key });
  }
  const told = takeOut(context, session, member);
  yield* settled(told);
  missed(session, told);
  // nobody waits for one that is away
  const left = tellLeave(context, session, member, member.online ? [member.name] : []);
  yield* settled(left);
  const missing = [...left.missing.values()].map(({ name }) => name);
  return missing.length === 0 ? nothing : { missing };
}

/** SGR-35: answered at once, also when busy; the others are told when it is its turn. */
export function memberLeaves(context: Context, session: Session, received: Received): void {
  const answer = reply(context, session, received, SessionMessageType.leaveReply, {
    kind: "leaveReply",
    value: {},
  });
  const member = session.roster.get(received.source.key);
  if (member === undefined) return;
  const { sessionId } = received.session;
  const tomb = { sessionId, source: received.source.key, type: received.type };
  context.answers.bury(tomb, answer, context.now);
  context.out.push({
    kind: "delivered",
    session: session.id,
    item: { kind: "disconnected", name: member.name.name },
  });
  session.presence.mark(member.name.key, false);
  enqueue(session.tasks, () => afterLeave(context, session, member));
}

function* afterLeave(context: Context, session: Session, member: Member): Work {
  if (session.roster.get(member.name.key) !== member) return nothing;
  const alone = session.roster.size <= 2;
  if (session.settings.kind === "point-to-point" || (alone && !session.settings.keepEmptyGroup)) {
    end(context, session, "left");
    return nothing;
  }
  const told = takeOut(context, session, member);
  yield* settled(told);
  missed(session, told);
  return nothing;
}

/** SGR-36, SPP-05, SPP-06. */
export function* close(context: Context, session: Session): Work {
  yield* drain(context, session);
  const members = others(session);
  if (members.length > 0) {
    const told = ask(context, session, {
      command: commandOf(context, session, {
        type: SessionMessageType.groupClose,
        payload: {
          kind: "groupClose",
          value: { participants: [...session.roster.values()].map(({ name }) => name.wire) },
        },
        to: "group",
      }),
      expect: onlineOthers(session).map(({ name }) => name),
      replyTypes: [SessionMessageType.groupAck],
    });
    yield* settled(told);
  }
  end(context, session, "closed-by-us");
  return nothing;
}

function alreadyMember({ key }: KnownName): SessionError {
  return new SessionError("session/already-member", { name: key });
}

function unanswered({ command, missing }: Ask): SessionError {
  const { messageId, sessionId, sessionMessageType } = command.session;
  return new SessionError("session/unanswered", {
    session: sessionId,
    messageId,
    messageType: sessionMessageType,
    missing: missing.size,
  });
}
