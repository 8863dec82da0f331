import { GroupUpdateOp, SessionMessageType, SessionType } from "@coterie/wire/slim";
import type {
  GroupUpdatePayload,
  GroupWelcomePayload,
  JoinRequestPayload,
} from "@coterie/wire/slim";
import { ask } from "./asks.ts";
import { receiveAhead, releaseHeld } from "./data.ts";
import { drain, end, subscribeToChannel, unsubscribeFromChannel } from "./life.ts";
import { halfJoinedMs } from "./limits.ts";
import { applyCommit, joinByWelcome, offerKeyPackage, refused } from "./mls-profile.ts";
import { createSessionMls } from "./mls-state.ts";
import type { SessionMls } from "./mls-state.ts";
import type { Context, Session, Work } from "./model.ts";
import type { KnownName } from "./names.ts";
import { openSession } from "./open-session.ts";
import { mlsOf, payloadOf } from "./payload.ts";
import { isOurs } from "./received.ts";
import type { Received } from "./received.ts";
import { acknowledge, reply } from "./reply.ts";
import { enroll, expel, participantOf, readParticipant } from "./roster.ts";
import { commandOf, settingsOf, timersOf } from "./session.ts";
import { enqueue, settled, nothing } from "./tasks.ts";

/** SGR-22: a session that somebody invites us to. The application does not see it before it is welcomed. */
export function invited(context: Context, received: Received): Session | undefined {
  const payload = payloadOf(received, "joinRequest").value;
  const source = ownNameFor(context, received);
  const kind = kindOf(received);
  const { channel, control } = channelOf(context, kind, payload);
  const verdict = context.parts.onInvite?.({
    moderator: received.source.name,
    baseId: received.token.baseId,
    sessionId: received.session.sessionId,
    kind,
    channel: channel?.name,
    metadata: received.metadata,
  });
  // SGR-21: natives know no refusal
  if (verdict === "reject") return undefined;
  const { timerSettings, mlsSettings } = payload;
  const session = openSession(context, {
    id: received.session.sessionId,
    settings: {
      kind,
      metadata: received.metadata,
      reliability: timerSettings && {
        intervalMs: Math.max(timerSettings.timeout, 1),
        maxRetries: timerSettings.maxRetries,
      },
      mls: mlsSettings && {
        headerIntegrityPercent: Math.min(mlsSettings.headerIntegrityValidationPercent, 100),
      },
    },
    isInitiator: false,
    phase: "joining",
    connection: received.connection,
    source,
    destination: channel ?? received.source,
    control,
    moderator: received.source,
    mls: mlsSettings && createSessionMls(),
  });
  answerInvitation(context, session, received);
  session.seen.add(received.source.key, received.messageId);
  return session;
}

/** SGR-23: each new request gets a new key package. */
export function answerInvitation(context: Context, session: Session, received: Received): void {
  const { mls, source, direction } = session;
  const { intervalMs, maxRetries } = timersOf(session);
  if (session.phase === "joining") {
    const patience = Math.max(halfJoinedMs, intervalMs * (maxRetries + 1));
    session.joinUntil = context.now + patience;
  }
  const settings = settingsOf(direction);
  reply(context, session, received, SessionMessageType.joinReply, {
    kind: "joinReply",
    value: {
      ...(mls && { keyPackage: offerKeyPackage(context, mls) }),
      participant: participantOf({ name: source, settings, online: true, ours: true }),
    },
  });
}

/** SSN-03: the name that was asked for, with our id. */
export function ownNameFor(context: Context, { destination }: Received): KnownName {
  const { organization, namespace, service, id } = destination.name;
  const own = context.own.name.id;
  if (!context.answersTo.has(destination.service)) throw refused("not-our-name");
  if (id !== undefined && id !== own) throw refused("not-our-id");
  return context.names.of({ organization, namespace, service, id: own });
}

function kindOf({ session }: Received): "group" | "point-to-point" {
  switch (session.sessionType) {
    case SessionType.multicast:
      return "group";
    case SessionType.pointToPoint:
      return "point-to-point";
    default:
      throw refused("session-type");
  }
}

function channelOf(
  context: Context,
  kind: "group" | "point-to-point",
  { channel, control }: JoinRequestPayload,
): { readonly channel?: KnownName; readonly control?: KnownName } {
  if (kind === "point-to-point") return {};
  const names = { channel: context.names.read(channel), control: context.names.read(control) };
  if (names.channel.name.id === undefined || names.control.name.id === undefined) {
    throw refused("channel");
  }
  if (names.channel.key === names.control.key) throw refused("channel");
  return names;
}

/** SGR-24: into the tree and the roster at once; acknowledged once the node sends us what goes to the channel. */
export function welcomed(context: Context, session: Session, received: Received): void {
  const { value } = payloadOf(received, "groupWelcome");
  const { mls } = session;
  if (mls !== undefined) {
    const { commitId, mlsContent } = mlsOf(value.mls);
    // a repetition with a number of its own
    if (mls.group === undefined || commitId > mls.lastCommit) {
      joinByWelcome(context, mls, mlsContent, received.token);
      adoptCommitId(session, mls, commitId);
    }
  }
  rebuildRoster(context, session, value, received);
  session.joinUntil = undefined;
  session.welcomes.push(received);
  subscribeToChannel(context, session);
  if (session.welcomes.length === 1) enqueue(session.tasks, () => finishJoin(context, session));
}

function* finishJoin(context: Context, session: Session): Work {
  yield* settled(...session.subscriptions);
  const { welcomes } = session;
  session.welcomes = [];
  if (session.subscriptions.some(({ state }) => state === "failed")) {
    // without the channel it would hear nothing: the moderator takes it back
    end(context, session, "closed-by-us");
    return nothing;
  }
  const isNew = session.phase === "joining";
  if (isNew) {
    session.phase = "open";
    session.joinUntil = undefined;
    // SHB-01
    session.presence.start(context.now);
  }
  for (const welcome of welcomes) acknowledge(context, session, welcome);
  // SGR-25
  if (isNew) context.out.push({ kind: "joined", session: session.id });
  caughtUp(context, session);
  return nothing;
}

/** After a change of the group: what waited for it. */
export function caughtUp(context: Context, session: Session): void {
  applyParked(context, session);
  receiveAhead(context, session);
  releaseHeld(context, session);
}

/** The members are those that the moderator lists. */
function rebuildRoster(
  context: Context,
  session: Session,
  { participants }: Pick<GroupWelcomePayload, "participants">,
  from: Received,
): void {
  const listed = participants.map((participant) => readParticipant(context, participant));
  if (!listed.some(({ name }) => name.key === session.source.key)) throw refused("not-listed");
  const keys = new Set(listed.map(({ name }) => name.key));
  for (const key of session.roster.keys()) if (!keys.has(key)) expel(context, session, key);
  for (const { name, settings, online } of listed) {
    const known = session.roster.get(name.key);
    const itself = name.key === session.source.key;
    if (known?.online === true && online && !itself) continue;
    const ours = itself || (name.key === from.source.key ? isOurs(from) : (known?.ours ?? false));
    enroll(context, session, { name, settings, online: online || itself, ours });
  }
}

/** SGR-26 to SGR-28, SML-30. False: not applied and not answered, so that it may come again. */
export function updated(context: Context, session: Session, received: Received): boolean {
  const { value } = payloadOf(received, "groupUpdate");
  const { name } = readParticipant(context, value.participant);
  const itself = name.key === session.source.key;
  const { mls } = session;
  if (itself && value.op === GroupUpdateOp.rejoin) {
    // SHB-15: the Welcome of the reply holds this commit already
    rebuildRoster(context, session, value, received);
    acknowledge(context, session, received);
    releaseHeld(context, session);
    return true;
  }
  if (mls === undefined) {
    applyToRoster(context, session, value);
    acknowledge(context, session, received);
    releaseHeld(context, session);
    return true;
  }
  const { commitId } = mlsOf(value.mls);
  if (mls.group === undefined || mls.lastCommit === 0) return false;
  if (commitId <= mls.lastCommit) {
    acknowledge(context, session, received);
    return true;
  }
  if (commitId > mls.lastCommit + 1) {
    if (mls.parked.size < maxParked) {
      mls.parked.set(commitId, { update: received, since: context.now, acked: false });
    }
    return true;
  }
  apply(context, session, mls, received);
  acknowledge(context, session, received);
  caughtUp(context, session);
  return true;
}

const maxParked = 64;
/** SML-31. */
const ackParkedMs = 2_000;
/** SML-33. */
export const gapMs = 5_000;

function apply(context: Context, session: Session, mls: SessionMls, received: Received): void {
  const { value } = payloadOf(received, "groupUpdate");
  const { commitId, mlsContent } = mlsOf(value.mls);
  const { name } = readParticipant(context, value.participant);
  const outs = value.op === GroupUpdateOp.remove && name.key === session.source.key;
  // SGR-27: a member that is removed has no use for the commit
  if (!outs) applyCommit(context, mls, mlsContent, received.token);
  adoptCommitId(session, mls, commitId);
  applyToRoster(context, session, value);
}

/** SHB-15: what came before it is part of it. */
function adoptCommitId(session: Session, mls: SessionMls, commitId: number): void {
  mls.lastCommit = commitId;
  for (const id of mls.parked.keys()) if (id <= commitId) mls.parked.delete(id);
  session.unsaved.add("mls");
}

function applyParked(context: Context, session: Session): void {
  const { mls } = session;
  if (mls === undefined) return;
  for (;;) {
    const parked = mls.parked.get(mls.lastCommit + 1);
    if (parked === undefined) return;
    mls.parked.delete(mls.lastCommit + 1);
    apply(context, session, mls, parked.update);
    if (!parked.acked) acknowledge(context, session, parked.update);
  }
}

/** SML-31: the moderator need not wait for what we wait for. Answers whether a gap has stood too long (SML-33). */
export function tickParked(context: Context, session: Session): boolean {
  let stale = false;
  for (const parked of session.mls?.parked.values() ?? []) {
    if (!parked.acked && context.now >= parked.since + ackParkedMs) {
      parked.acked = true;
      acknowledge(context, session, parked.update);
    }
    stale ||= context.now >= parked.since + gapMs;
  }
  return stale;
}

export function nextParked(session: Session): number | undefined {
  let next: number | undefined;
  for (const { since, acked } of session.mls?.parked.values() ?? []) {
    const at = since + (acked ? gapMs : ackParkedMs);
    if (next === undefined || at < next) next = at;
  }
  return next;
}

function applyToRoster(context: Context, session: Session, value: GroupUpdatePayload): void {
  const { name, settings } = readParticipant(context, value.participant);
  const itself = name.key === session.source.key;
  switch (value.op) {
    case GroupUpdateOp.add: {
      const ours = session.roster.get(name.key)?.ours ?? false;
      if (!itself) enroll(context, session, { name, settings, online: true, ours });
      return;
    }
    case GroupUpdateOp.remove:
      if (!itself) expel(context, session, name.key);
      return;
    case GroupUpdateOp.rejoin:
      if (!session.roster.has(name.key)) {
        enroll(context, session, { name, settings, online: true, ours: false });
      } else if (!itself) session.presence.mark(name.key, true);
      return;
    default:
      throw refused("update-op");
  }
}

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
