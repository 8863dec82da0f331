import { slimChannelIds } from "@coterie/wire/slim";
import type { SlimName } from "@coterie/wire/slim";
import { SessionError } from "../errors.ts";
import { random32 } from "./context.ts";
import { subscribeToChannel } from "./life.ts";
import { defaultTimers, maxSessionId, maxSessions } from "./limits.ts";
import { foundGroup } from "./mls-profile.ts";
import { createSessionMls } from "./mls-state.ts";
import type { Context, Session, Work } from "./model.ts";
import { close, remove } from "./departure.ts";
import { invite } from "./invite.ts";
import { openSession } from "./open-session.ts";
import { leave } from "./leaving.ts";
import type { Input, SessionSettings } from "./port.ts";
import { sealKey, sealOn } from "./sealing.ts";
import { isModerator, settingsOf } from "./session.ts";
import { handOver, successorsKey } from "./succession.ts";
import { abandon, enqueue, fail } from "./tasks.ts";
import { goOn } from "./turn.ts";

/** SGR-01, SPP-01. */
export function create(context: Context, input: Input<"create">): void {
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

export function changeMembers(
  context: Context,
  input: Operation & { readonly kind: "invite" | "remove"; readonly name: SlimName },
): void {
  const work = input.kind === "invite" ? invite : remove;
  const target = context.names.of(input.name);
  moderate(context, input, (session) => work(context, session, target));
}

/** SHB-18. */
export function changeModerator(context: Context, input: Input<"hand-over">): void {
  const target = input.to && context.names.of(input.to);
  moderate(context, input, (session) => handOver(context, session, target));
}

/** What only the moderator of a group does, and only while it is there. */
function moderate(context: Context, input: Operation, work: (session: Session) => Work): void {
  const session = found(context, input);
  if (session === undefined) return;
  const { handle } = input;
  if (session.settings.kind !== "group") {
    fail(context, handle, new SessionError("session/not-a-group"));
  } else if (!isModerator(session)) {
    fail(context, handle, new SessionError("session/not-moderator"));
  } else if (session.absence.isAway) {
    fail(context, handle, new SessionError("session/offline"));
  } else {
    enqueue(session.tasks, () => work(session), handle);
    goOn(context, session);
  }
}

/** SHB-10, SHB-11, SPP-04. */
export function comeOrGo(
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

export function closeSession(context: Context, input: Operation): void {
  const session = found(context, input);
  if (session === undefined) return;
  abandon(context, session.tasks);
  const work = isModerator(session) ? close : leave;
  enqueue(session.tasks, () => work(context, session), input.handle);
  goOn(context, session);
}

export function found(context: Context, input: Operation): Session | undefined {
  const session = context.sessions.get(input.session);
  if (session?.phase === "open") return session;
  fail(context, input.handle, new SessionError("session/closed"));
  return undefined;
}

interface Operation {
  readonly session: number;
  readonly handle: number;
}
