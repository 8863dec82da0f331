import { SessionMessageType, SessionType } from "@coterie/wire/slim";
import type { JoinRequestPayload } from "@coterie/wire/slim";
import { halfJoinedMs, leastIntervalMs, mostIntervalMs, mostRetries } from "./limits.ts";
import { offerKeyPackage, refused } from "./mls-profile.ts";
import { createSessionMls } from "./mls-state.ts";
import type { Context, Session } from "./model.ts";
import type { KnownName } from "./names.ts";
import { openSession } from "./open-session.ts";
import { payloadOf } from "./payload.ts";
import type { Received } from "./received.ts";
import { reply } from "./reply.ts";
import { participantOf } from "./roster.ts";
import { settingsOf, timersOf } from "./session.ts";

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
        // what a stranger asks for must not keep us busy for ever
        intervalMs: Math.min(Math.max(timerSettings.timeout, leastIntervalMs), mostIntervalMs),
        maxRetries: Math.min(timerSettings.maxRetries, mostRetries),
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
