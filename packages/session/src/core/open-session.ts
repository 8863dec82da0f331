import { createDataFlow } from "./data.ts";
import type { Context, Member, Session } from "./model.ts";
import { createReplayGuard } from "./replay.ts";
import { createTasks } from "./tasks.ts";

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
    subscriptions: [],
    subscribed: false,
    found: new Map(),
    joinUntil: undefined,
    waitUntil: undefined,
    welcomes: [],
    unsaved: new Set(["session", "roster", "mls", "sequence"]),
  };
  (session as { data: Session["data"] }).data = createDataFlow(context, session, restored);
  context.sessions.set(session.id, session);
  return session;
}
