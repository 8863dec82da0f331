import { GroupUpdateOp, SessionMessageType } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import { ask, cancel } from "./asks.ts";
import { missed, sendUpdate } from "./group-update.ts";
import { drain, end } from "./life.ts";
import { change, refused } from "./mls-profile.ts";
import type { Change } from "./mls-profile.ts";
import type { Ask, Context, Member, Session, Work } from "./model.ts";
import type { KnownName } from "./names.ts";
import type { Received } from "./received.ts";
import { reply } from "./reply.ts";
import { expel, findMember, participantsOf } from "./roster.ts";
import { commandOf, onlineOthers, others, timersOf } from "./session.ts";
import { enqueue, nothing, settled, waitWhile } from "./tasks.ts";

/** SGR-13: who was let in and never came is taken out again, before anything else is done. */
export function* takeBack(
  context: Context,
  session: Session,
  member: Member,
): Generator<undefined, void, undefined> {
  const told = takeOut(context, session, member);
  const left = tellLeave(context, session, member, [member.name]);
  // one that is there answers at once, and has left before it is invited again; nobody waits for one that is not
  const { intervalMs } = timersOf(session);
  yield* waitWhile(context, session, intervalMs, () => left.state === "open");
  cancel(session, left);
  yield* settled(told);
  missed(session, told);
}

/** SGR-30 to SGR-32: roster, tree and the others, not yet the member itself. */
function takeOut(context: Context, session: Session, member: Member): Ask | undefined {
  const { mls } = session;
  const participants = participantsOf(session);
  let removed: Change | undefined;
  if (mls !== undefined) {
    // off the roster and still in the tree it could go on reading
    if (member.leaf === undefined) throw refused("no-leaf");
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
