import { restoreGroup } from "@coterie/mls";
import { createSessionMls } from "./mls-state.ts";
import { SessionError } from "../errors.ts";
import {
  decodeCounters,
  decodeId,
  decodeRoster,
  decodeSession,
  decodeSuccession,
} from "./entries.ts";
import { subscribeToChannel } from "./life.ts";
import type { SessionMls } from "./mls-state.ts";
import type { Context, Session } from "./model.ts";
import { openSession } from "./open-session.ts";
import type { ConnectionId } from "./port.ts";
import { awaitAcks } from "./roster.ts";
import { others } from "./session.ts";
import { restoreSuccession } from "./succession.ts";
import { mlsPrefix, positionPrefix } from "./save.ts";

type Entries = ReadonlyMap<string, Uint8Array>;

/**
 * SHB-17: a session as it was stored, with both channel names asked for again. A group is away until it rejoins. Throws
 * `session/bad-entry` or an error of MLS, and then nothing came of it.
 */
export function restore(
  context: Context,
  input: { readonly session: number; readonly entries: Entries; readonly connection: ConnectionId },
): Session {
  const { entries, connection } = input;
  const record = decodeSession(context.names, entries.get("session"));
  if (record.id !== input.session || context.sessions.has(record.id)) throw bad("session-id");
  const roster = decodeRoster(context.names, entries.get("roster"));
  if (record.source.name.id !== context.own.name.id || !roster.has(record.source.key)) {
    throw bad("another-app");
  }
  const mls = record.settings.mls && restoreMls(context, entries);
  const positions = [...entries].flatMap(([key, value]): [string, number][] =>
    key.startsWith(positionPrefix) ? [[key.slice(positionPrefix.length), decodeId(value)]] : [],
  );
  const succession = decodeSuccession(entries.get("succession"));
  const session = openSession(
    context,
    { ...record, phase: "open", connection, mls },
    {
      roster,
      nextId: decodeId(entries.get("sequence")),
      positions: new Map(positions),
      succession: succession && restoreSuccession(context, succession),
    },
  );
  session.unsaved.clear();
  // who is there shows when we are back; a pair does not go away
  const group = session.settings.kind === "group";
  for (const member of others(session)) {
    if (group) member.online = false;
    session.presence.set(member.name.key, member.online);
  }
  session.data.sender.know(others(session).map(({ name }) => name.key));
  awaitAcks(context, session, others(session));
  subscribeToChannel(context, session);
  return session;
}

function restoreMls(context: Context, entries: Entries): SessionMls {
  const snapshot = new Map<string, Uint8Array>();
  for (const [key, value] of entries) {
    if (key.startsWith(mlsPrefix)) snapshot.set(key.slice(mlsPrefix.length), value);
  }
  const group = restoreGroup({ crypto: context.parts.crypto, entries: snapshot });
  return {
    ...createSessionMls(),
    ...decodeCounters(entries.get("counters")),
    group,
    saved: group,
  };
}

function bad(reason: string): SessionError {
  return new SessionError("session/bad-entry", { reason });
}
