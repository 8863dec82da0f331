import type { ParticipantSettings, SessionHeader } from "@coterie/wire/slim";
import { noMetadata, sessionTypeOf } from "./command.ts";
import type { Command } from "./command.ts";
import { commandId } from "./context.ts";
import { defaultTimers, groupFanout } from "./limits.ts";
import type { Context, Member, Session } from "./model.ts";
import type { KnownName } from "./names.ts";
import type { Direction, Timers } from "./port.ts";

export const both: ParticipantSettings = { sendsData: true, receivesData: true };

export function settingsOf(direction: Direction): ParticipantSettings {
  return {
    sendsData: direction === "send" || direction === "both",
    receivesData: direction === "receive" || direction === "both",
  };
}

export function timersOf(session: Session): Timers {
  return session.settings.reliability ?? defaultTimers;
}

export function isModerator(session: Session): boolean {
  return session.moderator.key === session.source.key;
}

/** Everybody but ourselves. */
export function others(session: Session): Member[] {
  return [...session.roster.values()].filter(({ name }) => name.key !== session.source.key);
}

export function onlineOthers(session: Session): Member[] {
  return others(session).filter(({ online }) => online);
}

/** A command of this session: to one member, or to all on the control channel. */
export function commandOf(
  context: Context,
  session: Session,
  command: {
    readonly type: number;
    readonly payload: Command["payload"];
    readonly to: KnownName | "group";
    readonly messageId?: number;
    readonly metadata?: ReadonlyMap<string, string>;
  },
): Command {
  const { to, metadata = noMetadata } = command;
  const toGroup = to === "group" && session.control !== undefined;
  return {
    connection: session.connection,
    source: session.source,
    destination: to === "group" ? (session.control ?? session.destination) : to,
    fanout: toGroup ? groupFanout : 1,
    session: sessionHeader(session, command.type, command.messageId ?? commandId(context)),
    payload: command.payload,
    metadata,
  };
}

export function sessionHeader(session: Session, type: number, messageId: number): SessionHeader {
  return {
    sessionType: sessionTypeOf(session.settings.kind),
    sessionMessageType: type,
    sessionId: session.id,
    messageId,
  };
}
