import { createAbsence } from "./absence.ts";
import { absenceSink, presenceSink } from "./coming-and-going.ts";
import { wallSeconds } from "./context.ts";
import { createDataFlow } from "./data.ts";
import type { Context, Member, Session, Succession } from "./model.ts";
import { createPresence } from "./presence.ts";
import { createHeld } from "./reliability/held.ts";
import { createReplayGuard } from "./replay.ts";
import { isModerator, others } from "./session.ts";
import { createSuccession } from "./succession.ts";
import { createTasks } from "./tasks.ts";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Given =
  | "id"
  | "settings"
  | "isInitiator"
  | "phase"
  | "connection"
  | "source"
  | "destination"
  | "control"
  | "moderator"
  | "mls";

/** A session with nobody in it, known to its app from here on. */
export function openSession(
  context: Context,
  given: Pick<Session, Given>,
  restored?: {
    readonly roster: ReadonlyMap<string, Member>;
    readonly nextId: number;
    readonly positions: ReadonlyMap<string, number>;
    readonly succession: Succession | undefined;
  },
): Session {
  const session: Session = {
    ...given,
    direction: context.parts.direction,
    roster: new Map(restored?.roster),
    asks: new Set(),
    tasks: createTasks(),
    seen: createReplayGuard(),
    // needs the session that it is part of
    data: undefined as never,
    presence: undefined as never,
    absence: undefined as never,
    announcement: undefined,
    plea: undefined,
    regainedAt: undefined,
    returning: new Map(),
    held: createHeld(),
    expelled: new Map(),
    strangersAt: undefined,
    silent: new Set(),
    succession:
      restored?.succession ??
      createSuccession(restored === undefined ? wallSeconds(context) - 60 : 0),
    handingOver: false,
    letters: [],
    failed: false,
    view: undefined,
    subscriptions: [],
    subscribed: false,
    found: new Map(),
    joinUntil: undefined,
    waitUntil: undefined,
    welcomes: [],
    unsaved: new Set(["session", "roster", "mls", "succession"]),
    savedId: restored?.nextId,
  };
  const parts: Pick<Mutable<Session>, "data" | "presence" | "absence"> = session;
  const follows = (): boolean => !isModerator(session);
  parts.data = createDataFlow(context, session, restored);
  parts.presence = createPresence(
    { epoch: () => session.mls?.group?.epoch, follows },
    presenceSink(context, session),
  );
  parts.absence = createAbsence(
    {
      mls: session.mls !== undefined,
      // SHB-16; a pair never goes away
      away: restored !== undefined && session.settings.kind === "group",
      follows,
      members: () => others(session).map(({ name }) => name.key),
      online: () => session.presence.onlineMembers,
    },
    absenceSink(context, session),
  );
  context.sessions.set(session.id, session);
  return session;
}
