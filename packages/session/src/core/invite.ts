import { GroupUpdateOp, SessionMessageType } from "@coterie/wire/slim";
import type { CommandPayload, JoinReplyPayload } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import { ask, cancel } from "./asks.ts";
import { noMetadata } from "./command.ts";
import { refuse, wallSeconds } from "./context.ts";
import { remove, takeBack } from "./departure.ts";
import { oursOf } from "./known-ours.ts";
import { missed, sendUpdate } from "./group-update.ts";
import { admit, change, reasonOf, refused } from "./mls-profile.ts";
import type { Change } from "./mls-profile.ts";
import type { Ask, Context, Member, Session, Work } from "./model.ts";
import type { KnownName } from "./names.ts";
import { isOurs } from "./received.ts";
import type { Received } from "./received.ts";
import { awaitAcks, list, participantsOf, readParticipant } from "./roster.ts";
import { commandOf, onlineOthers, others, timersOf } from "./session.ts";
import { nothing, settled } from "./tasks.ts";

/** SGR-04 to SGR-15: finds an instance, invites it, lets it in and tells the others. */
export function* invite(context: Context, session: Session, target: KnownName): Work {
  yield* reinviteExpired(context, session);
  return yield* letCome(context, session, target);
}

function* letCome(context: Context, session: Session, target: KnownName): Work {
  if (session.roster.has(target.key)) throw alreadyMember(target);
  const peer = yield* discover(context, session, target);
  if (session.roster.has(peer.key)) throw alreadyMember(peer);
  yield* subscribed(session);
  const answer = yield* requestJoin(context, session, peer);
  const { member, added } = letIn(context, session, answer);
  const update = announceNewcomer(context, session, member, added);
  const welcome = sendWelcome(context, session, member, added);
  // SGR-11
  yield* settled(update, welcome);
  const expired = expiredMembers(context, session);
  if (welcome.state === "failed") {
    yield* takeBack(context, session, member);
    if (expired.length === 0) throw unanswered(welcome);
    // SML-22: a native verifies everybody's credential before it takes its place
    const names = expired.map(({ name }) => name.service).join(" ");
    throw new SessionError("session/credential-expired", { session: session.id, names });
  }
  session.found.delete(target.service);
  // SGR-12: whoever missed the update is away, and the newcomer is in nevertheless
  missed(session, update);
  session.presence.set(member.name.key, true);
  awaitAcks(context, session, [member]);
  return expired.length === 0 ? nothing : { expired: expired.map(({ name }) => name.name) };
}

/** Members that cannot renew their leaf, and whose token in it has ended. */
function expiredMembers(context: Context, session: Session): Member[] {
  if (session.mls === undefined) return [];
  const now = wallSeconds(context);
  return others(session).filter(
    ({ ours, credentialUntil }) => !ours && credentialUntil !== undefined && credentialUntil < now,
  );
}

/** SML-22: out and in again, each with a new token. One that does not come back is not in the way of the others. */
function* reinviteExpired(
  context: Context,
  session: Session,
): Generator<undefined, void, undefined> {
  if (session.settings.reinviteExpired !== true) return;
  for (const { name } of expiredMembers(context, session)) {
    yield* remove(context, session, name);
    try {
      yield* letCome(context, session, name);
    } catch (error) {
      // a bug is thrown on
      refuse(context, reasonOf(error), session.id);
    }
  }
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
    const path = session.settings.pathOnAdd;
    added = change(context, mls, { add: admission.keyPackage, path });
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
  { name, ours }: Member,
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
      metadata: ours ? oursOf(session) : noMetadata,
    }),
    expect: [name],
    replyTypes: [SessionMessageType.groupAck],
    renews: true,
  });
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
