import { equal } from "@coterie/base";
import { headerIntegrityAad, parseSlimName, SessionMessageType } from "@coterie/wire/slim";
import type { ApplicationPayload } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import { excuse } from "./asks.ts";
import { noMetadata } from "./command.ts";
import { random32, refuse } from "./context.ts";
import { letterType, ownHandle } from "./letters.ts";
import { drainMs, groupFanout, maxPayload } from "./limits.ts";
import { openBlob, sealBlob } from "./mls-profile.ts";
import type { Context, DataFlow, Message, Session } from "./model.ts";
import type { KnownName } from "./names.ts";
import type { Delivery, Handle, Payload } from "./port.ts";
import { noEpoch } from "./presence.ts";
import type { Received } from "./received.ts";
import { isDirectId } from "./reliability/ids.ts";
import { createReceiver } from "./reliability/receiver.ts";
import { createSender } from "./reliability/sender.ts";
import type { MemberKey } from "./reliability/sender.ts";
import { positionPrefix } from "./save.ts";
import { openContent, sealContent, sealedType, sealKey, sealOn } from "./sealing.ts";
import { headerFor } from "./send-command.ts";
import { isModerator, sessionHeader, timersOf } from "./session.ts";
import { fail } from "./tasks.ts";

const maxAhead = 64;
const publishTo = "PUBLISH_TO";
/** SSN-11: what the protocol says by metadata is not for applications to say. */
const reserved: ReadonlySet<string> = new Set([
  publishTo,
  "LEAVING_SESSION",
  "LEAVE_REPLY_SENT",
  "DELETE_GROUP",
  "IS_MODERATOR",
]);
const nothing = new Uint8Array(0);

export function createDataFlow(
  context: Context,
  session: Session,
  restored?: { readonly nextId: number; readonly positions: ReadonlyMap<MemberKey, number> },
): DataFlow {
  const timers = session.settings.reliability;
  const named = (key: MemberKey): KnownName => memberName(context, session, key);
  const sender = createSender(
    {
      timers,
      randomWord: () => random32(context),
      nextId: restored?.nextId ?? context.sequences.get(session.id),
      serveSinceJoin: session.mls !== undefined,
    },
    {
      message(id, content, to) {
        send(
          context,
          session,
          SessionMessageType.msg,
          id,
          content,
          to === undefined ? undefined : named(to),
        );
      },
      reply(id, content, to) {
        send(context, session, SessionMessageType.rtxReply, id, content, named(to));
      },
      settled(handle, { id, acked, missing, sent }) {
        if (handle === ownHandle) return;
        const names = (keys: readonly MemberKey[]) => keys.map((key) => named(key).name);
        if (!sent) fail(context, handle, new SessionError("session/closed"));
        else if (missing.length > 0 && session.settings.requireAll === true) {
          fail(
            context,
            handle,
            new SessionError("session/unanswered", { missing: missing.length }),
          );
        } else {
          const outcome = { messageId: id, acked: names(acked), missing: names(missing) };
          context.out.push({ kind: "done", handle, outcome });
        }
      },
      // presence tells the sender, which is at work now
      silent: (key) => void session.silent.add(key),
    },
  );
  const receiver = createReceiver<Message>(
    { timers, positions: restored?.positions },
    {
      ack(source, id) {
        const direct = isDirectId(id) && session.settings.kind === "group";
        const metadata = direct ? publishToMetadata : noMetadata;
        sendBare(context, session, SessionMessageType.msgAck, id, named(source), metadata);
      },
      request(source, id) {
        sendBare(context, session, SessionMessageType.rtxRequest, id, named(source), noMetadata);
      },
      deliver(source, id, item) {
        if (item.payloadType === letterType) {
          session.letters.push(item);
          return;
        }
        if (!isDirectId(id)) session.unsaved.add(positionPrefix + source);
        context.out.push({ kind: "delivered", session: session.id, item });
      },
      lost(source, messageId, count) {
        session.unsaved.add(positionPrefix + source);
        const item: Delivery = { kind: "lost", source: named(source).name, messageId, count };
        context.out.push({ kind: "delivered", session: session.id, item });
      },
    },
  );
  return { sender, receiver, ahead: [], unread: [] };
}

const publishToMetadata: ReadonlyMap<string, string> = new Map([[publishTo, "TRUE"]]);

/** SRL-01, SRL-16. */
export function publish(
  context: Context,
  session: Session,
  handle: Handle,
  given: Payload,
  to: KnownName | undefined,
): void {
  // SML-12: natives see a message that they cannot read
  const content = sealsAll(session) ? sealContent(given) : given;
  const error = cannotPublish(session, given) ?? tooLarge(content);
  if (error !== undefined) {
    fail(context, handle, error);
    return;
  }
  const { sender } = session.data;
  let taken: boolean;
  if (to === undefined || session.settings.kind !== "group") {
    taken = sender.publish(handle, content, context.now);
  } else {
    const member = session.roster.get(to.key);
    if (member === undefined || to.key === session.source.key) {
      fail(context, handle, new SessionError("session/unknown-member", { name: to.key }));
      return;
    }
    const answers = member.settings.receivesData;
    taken = sender.publishTo(handle, content, to.key, answers, context.now);
  }
  if (!taken) fail(context, handle, new SessionError("session/too-many"));
}

function cannotPublish(session: Session, content: Payload): SessionError | undefined {
  if (session.phase !== "open") return new SessionError("session/closed");
  if (session.absence.isAway) return new SessionError("session/offline");
  // SSN-10
  if (session.direction === "none" || session.direction === "receive") {
    return new SessionError("session/not-a-sender");
  }
  if (content.payloadType === letterType) {
    return new SessionError("session/bad-argument", { payloadType: letterType });
  }
  for (const key of content.metadata.keys()) {
    if (reserved.has(key)) return new SessionError("session/bad-argument", { metadata: key });
  }
  return undefined;
}

function tooLarge({ payload }: Payload): SessionError | undefined {
  return payload.length > maxPayload
    ? new SessionError("session/too-large", { limit: maxPayload, size: payload.length })
    : undefined;
}

function sealsAll({ mls, settings }: Session): boolean {
  return mls !== undefined && settings.metadata.get(sealKey) === sealOn;
}

/** SSN-07: the token first, then the payload sealed under a header with it, anew each time that it goes out. */
function send(
  context: Context,
  session: Session,
  type: number,
  id: number,
  content: Payload | undefined,
  to: KnownName | undefined,
): void {
  const group = session.settings.kind === "group";
  const direct = group && isDirectId(id);
  const fanout = group && !direct ? groupFanout : 1;
  const destination = group ? (to ?? session.destination) : session.destination;
  const head = headerFor(context, session.source, destination, fanout);
  // SRL-13: present means lost
  const header = content === undefined ? { ...head, error: true } : head;
  const ids = sessionHeader(session, type, id);
  const payloadType = content?.payloadType ?? "";
  let blob = content?.payload ?? nothing;
  if (session.mls !== undefined) {
    blob = sealBlob(context, session.mls, blob, headerIntegrityAad(header, ids, payloadType));
    session.unsaved.add("mls");
  }
  // SHB-02: what goes to one member alone tells the others nothing
  if (to === undefined) session.presence.sentToGroup();
  const metadata = content?.metadata ?? noMetadata;
  context.out.push({
    kind: "send",
    connection: session.connection,
    publish: {
      header,
      session: ids,
      msg: { kind: "appPayload", value: { payloadType, blob } },
    },
    metadata: direct ? new Map([...metadata, ...publishToMetadata]) : metadata,
  });
}

/** SSN-08: neither signed nor sealed, and with nothing inside. */
function sendBare(
  context: Context,
  session: Session,
  type: number,
  id: number,
  to: KnownName,
  metadata: ReadonlyMap<string, string>,
): void {
  context.out.push({
    kind: "send",
    connection: session.connection,
    publish: {
      header: headerFor(context, session.source, to, 1),
      session: sessionHeader(session, type, id),
      msg: emptyContent,
    },
    metadata,
  });
}

const emptyContent = {
  kind: "appPayload",
  value: { payloadType: "", blob: nothing },
} as const;

/** The second half of SSN-16, for data. */
export function receiveData(context: Context, session: Session, received: Received): void {
  const { source, messageId, type, content } = received;
  if (session.phase === "joining" || session.phase === "closed") return;
  if (content.kind !== "appPayload") {
    refuse(context, "payload", session.id);
    return;
  }
  switch (type) {
    case SessionMessageType.msgAck:
      if (fromMember(context, session, source)) {
        session.data.sender.acknowledged(source.key, messageId, context.now);
      }
      return;
    case SessionMessageType.rtxRequest:
      if (fromMember(context, session, source)) {
        session.data.sender.requested(source.key, messageId, context.now);
      }
      return;
    case SessionMessageType.msg:
    case SessionMessageType.rtxReply:
      break;
    default:
      refuse(context, "message-type", session.id);
      return;
  }
  // SSN-10
  if (session.direction === "none" || session.direction === "send") return;
  if (source.key === session.source.key) return;
  const opened = open(context, session, received, content.value);
  if (opened === undefined) return;
  const { plaintext, leafKey } = opened;
  const item = deliveryOf(session, received, content.value, plaintext);
  const { receiver } = session.data;
  if (type === SessionMessageType.msg) {
    const stayed = noteLeaf(session, source.key, leafKey);
    receiver.message(source.key, messageId, item, plaintext.length, context.now, stayed);
  } else {
    const lost = received.header.error !== undefined;
    receiver.reply(source.key, messageId, lost ? undefined : item, plaintext.length, context.now);
  }
}

/** SRL-22: remembers by which leaf a member's message was sealed; whether its last one was by the same. */
function noteLeaf({ roster }: Session, key: MemberKey, leafKey: Uint8Array | undefined): boolean {
  const member = roster.get(key);
  if (member === undefined || leafKey === undefined) return false;
  const last = member.leafKey;
  member.leafKey = leafKey;
  return last === leafKey || (last !== undefined && equal(last, leafKey));
}

/** After a commit: what was sealed in the epoch that we have reached now. */
export function receiveAhead(context: Context, session: Session): void {
  const { ahead } = session.data;
  if (ahead.length === 0) return;
  session.data.ahead = [];
  for (const received of ahead) receiveData(context, session, received);
}

function open(
  context: Context,
  session: Session,
  received: Received,
  { payloadType, blob }: ApplicationPayload,
): { readonly plaintext: Uint8Array; readonly leafKey?: Uint8Array } | undefined {
  const { mls } = session;
  const { key } = received.source;
  if (isExpelled(context, session, key)) {
    refuse(context, "not-a-member", session.id);
    return undefined;
  }
  if (mls === undefined) {
    // SRL-17
    if (session.roster.has(key)) return { plaintext: blob };
    hold(context, session, received, blob.length);
    return undefined;
  }
  const aad = headerIntegrityAad(received.header, received.session, payloadType);
  const opened = openBlob(context, mls, blob, aad, received.token);
  switch (opened.kind) {
    case "opened":
      session.unsaved.add("mls");
      // SML-34
      excuse(session, key, (open) => (open.epoch ?? noEpoch) <= opened.epoch);
      return opened;
    case "ahead":
      if (session.data.ahead.length < maxAhead) session.data.ahead.push(received);
      return undefined;
    case "refused":
      if (opened.isPast === true && received.type === SessionMessageType.msg) {
        missedIt(context, session, received);
      }
      refuse(context, opened.reason, session.id);
      return undefined;
  }
}

/**
 * SRL-26: we have a place by a Welcome, and this was sealed before: while we did not know that we were behind, or by a member that has not
 * taken the commit of our place yet. We were a member then, so its source has it for us. That one may turn up in the roster a moment later.
 */
function missedIt(context: Context, session: Session, { source, messageId }: Received): void {
  const { regainedAt, data } = session;
  if (regainedAt === undefined || context.now > regainedAt + drainMs) return;
  if (session.roster.has(source.key)) data.receiver.unread(source.key, messageId, context.now);
  else if (data.unread.length < maxAhead) data.unread.push({ key: source.key, id: messageId });
}

/**
 * SRL-25: without MLS it speaks on until it is told, and what is held of it would be taken for its first words if it came again. With MLS it may
 * have sealed them while it was a member.
 */
function isExpelled(context: Context, session: Session, key: MemberKey): boolean {
  const at = session.expelled.get(key);
  if (at === undefined) return false;
  if (session.mls !== undefined) return context.now > at + drainMs;
  const { intervalMs, maxRetries } = timersOf(session);
  // it is told, and then repeats itself to the end
  return context.now < at + Math.min(drainMs, 2 * intervalMs * (maxRetries + 1));
}

/**
 * SRL-17: perhaps it is a member whose coming we missed; the moderator knows. It is asked now and then only: strangers that have a token
 * could make the whole group ask all day.
 */
function hold(context: Context, session: Session, received: Received, size: number): void {
  if (session.settings.kind !== "group" || isModerator(session)) {
    refuse(context, "not-a-member", session.id);
    return;
  }
  const { source, messageId } = received;
  const isFirst = session.held.hold(source.key, messageId, received, size, context.now);
  if (!isFirst || context.now < (session.strangersAt ?? -Infinity) + strangersPauseMs) return;
  session.strangersAt = context.now;
  session.absence.repair();
}

const strangersPauseMs = 60_000;

/** A member turned up: what was held of it. */
export function releaseHeld(context: Context, session: Session): void {
  const { data, roster } = session;
  data.unread = data.unread.filter(({ key, id }) => {
    if (!roster.has(key)) return true;
    data.receiver.unread(key, id, context.now);
    return false;
  });
  if (session.held.size === 0) return;
  for (const key of session.roster.keys()) {
    for (const received of session.held.release(key)) receiveData(context, session, received);
  }
}

function deliveryOf(
  session: Session,
  received: Received,
  { payloadType: clearType }: ApplicationPayload,
  blob: Uint8Array,
): Message {
  // SML-12; what was not sealed in this form comes as it is
  const sealed =
    clearType === sealedType && session.mls !== undefined ? openContent(blob) : undefined;
  const { payloadType, payload } = sealed ?? { payloadType: clearType, payload: blob };
  let metadata = sealed?.metadata ?? received.metadata;
  if (metadata.has(publishTo) && session.settings.kind !== "group") {
    // SPP-03
    metadata = new Map([...metadata].filter(([key]) => key !== publishTo));
  }
  return {
    kind: "message",
    source: received.source.name,
    destination: received.destination.name,
    identity: received.header.identity,
    messageId: received.messageId,
    connection: received.connection,
    payloadType: payloadType === "" ? "msg" : payloadType,
    payload,
    metadata,
  };
}

function fromMember(context: Context, session: Session, source: KnownName): boolean {
  if (session.roster.has(source.key)) return true;
  refuse(context, "not-a-member", session.id);
  return false;
}

/** Not all are in the roster: a member may leave while its messages are under way. */
function memberName(context: Context, session: Session, key: MemberKey): KnownName {
  return session.roster.get(key)?.name ?? context.names.of(parseSlimName(key));
}
