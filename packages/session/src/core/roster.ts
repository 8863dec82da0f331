import { ParticipantState } from "@coterie/wire/slim";
import type { Participant } from "@coterie/wire/slim";
import { keepNewest } from "./keep-newest.ts";
import { expelledKept, maxMembers } from "./limits.ts";
import { refused } from "./mls-profile.ts";
import type { Context, Member, Session } from "./model.ts";
import type { KnownName } from "./names.ts";
import { positionPrefix } from "./save.ts";
import { both, others } from "./session.ts";

/** Everybody, as commands list them. */
export function participantsOf(session: Session): Participant[] {
  return [...session.roster.values()].map(participantOf);
}

export function participantOf({ name, settings, online }: Member): Participant {
  return {
    name: name.wire,
    settings,
    status: online ? ParticipantState.online : ParticipantState.offline,
  };
}

/** A participant as a peer wrote it. Throws where it names no instance. */
export function readParticipant(
  context: Context,
  participant: Participant | undefined,
): { name: KnownName; settings: Member["settings"]; online: boolean } {
  if (participant === undefined) throw refused("participant");
  const name = context.names.read(participant.name);
  if (name.name.id === undefined) throw refused("participant");
  return {
    name,
    settings: participant.settings ?? both,
    online: participant.status === ParticipantState.online,
  };
}

/** On the list, and not waited for yet. */
export function list(session: Session, member: Member): void {
  const { key } = member.name;
  const isNew = !session.roster.has(key);
  if (isNew && session.roster.size >= maxMembers) throw refused("too-many-members");
  // what came late of its former time here says nothing of this one
  if (isNew) session.data.receiver.returned(key);
  session.expelled.delete(key);
  session.roster.set(key, member);
  changed(session);
}

/** Puts a member in, or replaces what was known of it; its messages and acknowledgements count from here on. */
export function enroll(context: Context, session: Session, member: Member): void {
  const { key } = member.name;
  list(session, member);
  if (key === session.source.key) return;
  session.presence.set(key, member.online);
  session.data.sender.know([key]);
  if (member.online) awaitAcks(context, session, [member]);
  else session.data.sender.leave(key, "offline", context.now);
}

function changed(session: Session): void {
  session.unsaved.add("roster");
  session.view = undefined;
}

/** Those that are online and receive data are waited for (SSN-10, SHB-06). */
export function awaitAcks(context: Context, session: Session, members: readonly Member[]): void {
  const endpoints = members.filter(
    ({ name, online, settings }) =>
      online && settings.receivesData && name.key !== session.source.key,
  );
  if (endpoints.length === 0) return;
  session.data.sender.join(
    endpoints.map(({ name }) => name.key),
    context.now,
  );
}

export function expel(context: Context, session: Session, key: string): void {
  if (!session.roster.delete(key)) return;
  changed(session);
  session.presence.remove(key);
  session.data.sender.leave(key, "removed", context.now);
  session.data.receiver.forget(key);
  session.unsaved.add(positionPrefix + key);
  keepNewest(session.expelled, key, context.now, expelledKept);
}

/** SHB-06: known here alone. Presence calls this, whoever told it. */
export function setOnline(context: Context, session: Session, key: string, online: boolean): void {
  const member = session.roster.get(key);
  if (member === undefined || member.online === online) return;
  member.online = online;
  member.goneAt = online ? undefined : context.now;
  changed(session);
  if (online) awaitAcks(context, session, [member]);
  else session.data.sender.leave(key, "offline", context.now);
}

/** The member that a name means: an instance, or the only one of a service (SGR-30). */
export function findMember(session: Session, name: KnownName): Member | undefined {
  if (name.name.id !== undefined) return session.roster.get(name.key);
  const fitting = others(session).filter((member) => member.name.service === name.service);
  return fitting.length === 1 ? fitting[0] : undefined;
}
