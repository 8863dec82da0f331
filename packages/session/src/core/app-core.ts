import { SessionMessageType, slimAppId, slimChannelIds } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import { createAnswers } from "./answers.ts";
import { answer, excuse, nextAsk, tickAsks } from "./asks.ts";
import { announcementAnswered, settleAbsence, stateChanged } from "./coming-and-going.ts";
import { isCommand } from "./command.ts";
import { random32, refuse } from "./context.ts";
import { publish, receiveData } from "./data.ts";
import { createDiscoveryLimit } from "./discovery-limit.ts";
import { discovered } from "./discovery.ts";
import { end, subscribeToChannel } from "./life.ts";
import { defaultTimers, maxSessionId, maxSessions } from "./limits.ts";
import { foundGroup, reasonOf } from "./mls-profile.ts";
import { createSessionMls } from "./mls-state.ts";
import type { Context, Session } from "./model.ts";
import { close, invite, memberLeaves, remove } from "./moderator.ts";
import { createNameBook } from "./names.ts";
import { openSession } from "./open-session.ts";
import {
  answerInvitation,
  caughtUp,
  closed,
  dismissed,
  invited,
  leave,
  nextParked,
  tickParked,
  updated,
  welcomed,
} from "./participant.ts";
import { payloadOf } from "./payload.ts";
import type { AppCore, AppCoreParts, AppInput, SessionSettings, SessionView } from "./port.ts";
import { noEpoch } from "./presence.ts";
import { isOurs } from "./received.ts";
import type { Received } from "./received.ts";
import { placeGiven, placeRequested, planRefresh, tickRefresh } from "./renewal.ts";
import { questionOf } from "./reply.ts";
import { restore } from "./restore.ts";
import { save } from "./save.ts";
import { sealKey, sealOn } from "./sealing.ts";
import { sendCommand } from "./send-command.ts";
import { isModerator, settingsOf } from "./session.ts";
import {
  followSuccession,
  handOver,
  heardUntold,
  letterCame,
  succeeded,
  successorsKey,
  tickSuccession,
} from "./succession.ts";
import { abandon, enqueue, fail, pump } from "./tasks.ts";
import { verify } from "./verify.ts";
import { successionKey } from "./warrant.ts";
import { createWakes } from "./wakes.ts";

/** All sessions of one app, as a machine without IO. */
export function createAppCore(parts: AppCoreParts): AppCore {
  const names = createNameBook();
  const { organization, namespace, service } = parts.name;
  // SNM-04
  const own = names.of({ organization, namespace, service, id: slimAppId(parts.identity.tokenId) });
  const context: Context = {
    parts,
    names,
    own,
    answersTo: new Set([own.service]),
    sessions: new Map(),
    answers: createAnswers(),
    discoveries: createDiscoveryLimit(),
    subscriptions: new Map(),
    nextRequest: 1,
    now: 0,
    out: [],
    saves: [],
    touched: new Set(),
    wakes: createWakes(),
  };
  return {
    name: own.name,
    step(input, nowMs) {
      context.now = nowMs;
      context.out = [];
      context.saves = [];
      take(context, input);
      finish(context);
      return context.saves.length === 0 ? context.out : [...context.saves, ...context.out];
    },
    get wakeAt() {
      return context.wakes.next;
    },
    session(id) {
      const session = context.sessions.get(id);
      return session && session.phase !== "joining" ? viewOf(session) : undefined;
    },
  };
}

type Input<Kind extends AppInput["kind"]> = Extract<AppInput, { readonly kind: Kind }>;

function take(context: Context, input: AppInput): void {
  switch (input.kind) {
    case "received":
      receive(context, input);
      return;
    case "tick":
      for (;;) {
        const session = context.wakes.takeDue(context.now);
        if (session === undefined) return;
        tick(context, session);
      }
    case "subscribed": {
      const subscription = context.subscriptions.get(input.request);
      if (subscription === undefined) return;
      context.subscriptions.delete(input.request);
      subscription.state = input.error === undefined ? "done" : "failed";
      goOn(context, context.sessions.get(subscription.session));
      return;
    }
    case "disconnected":
      for (const session of context.sessions.values()) {
        if (session.connection !== input.connection) continue;
        end(context, session, "disconnected");
        context.touched.add(session);
      }
      return;
    case "answer-to":
      context.answersTo.add(context.names.of({ ...input.name, id: undefined }).service);
      return;
    case "stop-answering-to":
      context.answersTo.delete(context.names.of({ ...input.name, id: undefined }).service);
      return;
    case "create":
      create(context, input);
      return;
    case "invite":
    case "remove":
      changeMembers(context, input);
      return;
    case "publish": {
      const session = found(context, input);
      if (session === undefined) return;
      const to = input.to && context.names.of(input.to);
      publish(context, session, input.handle, input, to);
      goOn(context, session);
      return;
    }
    case "hand-over":
      changeModerator(context, input);
      return;
    case "close":
      closeSession(context, input);
      return;
    case "soft-close":
    case "rejoin":
      comeOrGo(context, input);
      return;
    case "restore":
      try {
        const session = restore(context, input);
        if (!session.absence.isAway) session.presence.start(context.now);
        planRefresh(context, session);
        goOn(context, session);
      } catch (error) {
        refuse(context, reasonOf(error), input.session);
      }
      return;
  }
}

/** SSN-16: what is known of the session decides before any cryptography is done. */
function receive(context: Context, input: Input<"received">): void {
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
      if (context.sessions.size >= maxSessions) {
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
      const buried = context.answers.exhume(questionOf(received), context.now);
      if (buried !== undefined) sendCommand(context, buried);
      return;
    }
    default:
      refuse(context, "no-session");
  }
}

const replies: ReadonlySet<number> = new Set([
  SessionMessageType.discoveryReply,
  SessionMessageType.joinReply,
  SessionMessageType.leaveReply,
  SessionMessageType.groupAck,
  SessionMessageType.groupNack,
]);

/** SHB-10: while we are away only what brings us back, or ends us, is heard. */
function isShut({ absence }: Session, { type }: Received): boolean {
  return absence.isAway && !replies.has(type) && type !== SessionMessageType.rejoinReply;
}

/** SHB-04, SSN-21. */
function hear(context: Context, session: Session, received: Received): void {
  const { key } = received.source;
  session.presence.heard(key);
  const member = session.roster.get(key);
  if (member === undefined) return;
  if (!member.ours && isOurs(received)) member.ours = true;
  member.key ??= received.token.publicKey;
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
    const stored = context.answers.find(questionOf(received), context.now);
    if (stored !== undefined) sendCommand(context, stored);
    return;
  }
  if (
    type === SessionMessageType.joinRequest &&
    source.key !== session.moderator.key &&
    received.metadata.has(successionKey)
  ) {
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

interface Operation {
  readonly session: number;
  readonly handle: number;
}

function heartbeat(context: Context, session: Session, received: Received): void {
  const { epoch } = payloadOf(received, "heartbeat").value;
  const { key } = received.source;
  session.presence.heartbeat(key, epoch, context.now);
  // SML-34
  if (epoch !== noEpoch) excuse(session, key, (open) => (open.epoch ?? noEpoch) <= epoch);
}

/** SGR-01, SPP-01. */
function create(context: Context, input: Input<"create">): void {
  const { handle, connection } = input;
  if (context.sessions.size >= maxSessions) {
    fail(context, handle, new SessionError("session/too-many"));
    return;
  }
  const settings = withMetadata(settingsFor(input.settings));
  const group = settings.kind === "group";
  const given = context.names.of(input.destination);
  const ids = group ? slimChannelIds(context.parts.identity.tokenId, given.name) : undefined;
  const mls = settings.mls === undefined ? undefined : createSessionMls();
  if (mls !== undefined) foundGroup(context, mls);
  const session = openSession(context, {
    id: newSessionId(context),
    settings,
    isInitiator: true,
    phase: "open",
    connection,
    source: context.own,
    destination: ids ? context.names.of({ ...given.name, id: ids.data }) : given,
    control: ids && context.names.of({ ...given.name, id: ids.control }),
    moderator: context.own,
    mls,
  });
  session.roster.set(context.own.key, {
    name: context.own,
    settings: settingsOf(context.parts.direction),
    online: true,
    ours: true,
    leaf: mls?.group?.ownLeaf,
  });
  session.presence.start(context.now);
  context.out.push({ kind: "created", handle, session: session.id });
  if (group) {
    subscribeToChannel(context, session);
    goOn(context, session);
    context.out.push({ kind: "done", handle, outcome: { session: session.id } });
    return;
  }
  enqueue(
    session.tasks,
    function* bind() {
      try {
        return { ...(yield* invite(context, session, given)), session: session.id };
      } catch (error) {
        // the handle first, then the end of the session
        session.failed = true;
        throw error;
      }
    },
    handle,
  );
  goOn(context, session);
}

/** SGR-07: natives join no group that has no timers, so it has them unless it is ours alone. */
function settingsFor(settings: SessionSettings): SessionSettings {
  const needed = settings.kind === "group" && settings.oursOnly !== true;
  return needed && settings.reliability === undefined
    ? { ...settings, reliability: defaultTimers }
    : settings;
}

/** What the others learn with the invitation. */
function withMetadata(settings: SessionSettings): SessionSettings {
  const metadata = new Map(settings.metadata);
  if (settings.noSuccessor === true && settings.kind === "group") {
    metadata.set(successorsKey, "none");
  }
  if (settings.sealMetadata === true && settings.mls !== undefined) metadata.set(sealKey, sealOn);
  return metadata.size === settings.metadata.size ? settings : { ...settings, metadata };
}

/** SSN-01. */
function newSessionId(context: Context): number {
  for (;;) {
    const id = random32(context);
    if (id <= maxSessionId && !context.sessions.has(id)) return id;
  }
}

function changeMembers(
  context: Context,
  input: Operation & { readonly kind: "invite" | "remove"; readonly name: SlimName },
): void {
  const session = found(context, input);
  if (session === undefined) return;
  const { handle, kind } = input;
  const target = context.names.of(input.name);
  if (session.settings.kind !== "group") {
    fail(context, handle, new SessionError("session/not-a-group"));
  } else if (!isModerator(session)) {
    fail(context, handle, new SessionError("session/not-moderator"));
  } else if (session.absence.isAway) {
    fail(context, handle, new SessionError("session/offline"));
  } else {
    const work = kind === "invite" ? invite : remove;
    enqueue(session.tasks, () => work(context, session, target), handle);
    goOn(context, session);
  }
}

/** SHB-18. */
function changeModerator(context: Context, input: Input<"hand-over">): void {
  const session = found(context, input);
  if (session === undefined) return;
  const { handle, to } = input;
  if (session.settings.kind !== "group") {
    fail(context, handle, new SessionError("session/not-a-group"));
  } else if (!isModerator(session)) {
    fail(context, handle, new SessionError("session/not-moderator"));
  } else if (session.absence.isAway) {
    fail(context, handle, new SessionError("session/offline"));
  } else {
    const target = to && context.names.of(to);
    enqueue(session.tasks, () => handOver(context, session, target), handle);
    goOn(context, session);
  }
}

/** SHB-10, SHB-11, SPP-04. */
function comeOrGo(
  context: Context,
  input: Operation & { readonly kind: "soft-close" | "rejoin" | "close" },
): void {
  const session = found(context, input);
  if (session === undefined) return;
  if (session.settings.kind !== "group") {
    fail(context, input.handle, new SessionError("session/not-a-group"));
    return;
  }
  if (input.kind === "soft-close") session.absence.softClose(input.handle);
  else session.absence.rejoin(input.handle);
  goOn(context, session);
}

function closeSession(context: Context, input: Operation): void {
  const session = found(context, input);
  if (session === undefined) return;
  abandon(context, session.tasks);
  const work = isModerator(session) ? close : leave;
  enqueue(session.tasks, () => work(context, session), input.handle);
  goOn(context, session);
}

function found(context: Context, input: Operation): Session | undefined {
  const session = context.sessions.get(input.session);
  if (session?.phase === "open") return session;
  fail(context, input.handle, new SessionError("session/closed"));
  return undefined;
}

function tick(context: Context, session: Session): void {
  if (session.phase === "closed") return;
  if (session.joinUntil !== undefined && context.now >= session.joinUntil) {
    // SSN-14
    end(context, session, "closed-by-us");
    return;
  }
  tickAsks(context, session);
  session.data.sender.tick(context.now);
  session.data.receiver.tick(context.now);
  session.held.tick(context.now);
  session.presence.tick(context.now);
  // SML-33
  if (tickParked(context, session)) session.absence.repair();
  tickRefresh(context, session);
  tickSuccession(context, session);
  for (const subscription of session.subscriptions) {
    if (subscription.state === "open" && subscription.until <= context.now) {
      subscription.state = "failed";
    }
  }
  goOn(context, session);
}

/** Lets everything of a session go on that waited for what just happened. */
function goOn(context: Context, session: Session | undefined): void {
  if (session === undefined) return;
  context.touched.add(session);
  for (const key of session.silent) session.presence.mark(key, false);
  session.silent.clear();
  settleAbsence(session);
  readLetters(context, session);
  pump(context, session.tasks);
  followSuccession(session);
  if (session.failed) end(context, session, "closed-by-us");
}

function readLetters(context: Context, session: Session): void {
  const { letters } = session;
  session.letters = [];
  for (const letter of letters) {
    try {
      letterCame(context, session, letter);
    } catch (error) {
      refuse(context, reasonOf(error), session.id);
    }
  }
}

/** At the end of a step: what it changed is stored, and sessions say when they want to be woken. */
function finish(context: Context): void {
  for (const session of context.touched) {
    const { mls } = session;
    if (mls !== undefined && mls.plannedFor !== mls.mintedAt) planRefresh(context, session);
    save(context, session);
    context.wakes.set(session, session.phase === "closed" ? undefined : nextWake(session));
  }
  context.touched.clear();
}

function nextWake(session: Session): number | undefined {
  let wake: number | undefined;
  const at = (time: number | undefined): void => {
    if (time !== undefined && (wake === undefined || time < wake)) wake = time;
  };
  at(nextAsk(session));
  at(session.joinUntil);
  at(session.waitUntil);
  at(session.data.sender.wakeAt);
  at(session.data.receiver.wakeAt);
  at(session.held.wakeAt);
  at(session.presence.wakeAt);
  at(nextParked(session));
  at(session.mls?.refreshAt);
  at(session.succession.claimAt);
  for (const { state, until } of session.subscriptions) if (state === "open") at(until);
  return wake;
}

function viewOf(session: Session): SessionView {
  return {
    id: session.id,
    settings: session.settings,
    isInitiator: session.isInitiator,
    source: session.source.name,
    destination: session.destination.name,
    moderator: session.moderator.name,
    members: (session.view ??= [...session.roster.values()].map(({ name, online }) => ({
      name: name.name,
      online,
    }))),
    epoch: session.mls?.group?.epoch,
  };
}
