import { fromUtf8 } from "@coterie/base";
import { memberAt } from "@coterie/mls";
import { GroupUpdateOp, SessionMessageType } from "@coterie/wire/slim";
import { answer, ask } from "./asks.ts";
import { wallSeconds } from "./context.ts";
import { missed, sendUpdate } from "./group-update.ts";
import { admit, change, joinByWelcome, refused } from "./mls-profile.ts";
import type { Change } from "./mls-profile.ts";
import type { SessionMls } from "./mls-state.ts";
import type { Ask, Context, Member, Session, Work } from "./model.ts";
import { payloadOf } from "./payload.ts";
import { isOurs } from "./received.ts";
import type { Received } from "./received.ts";
import type { KnownName } from "./names.ts";
import { acknowledge } from "./reply.ts";
import { participantsOf } from "./roster.ts";
import { commandOf, isModerator, onlineOthers } from "./session.ts";
import { enqueue, settled, nothing } from "./tasks.ts";
import { adoptCommitId } from "./updates.ts";

/** SML-21: of a token that is good for an hour or more, these; of a shorter one, as much of its life. */
const hourMs = 3_600_000;
const refreshMs = 40 * 60_000;
const spreadMs = 10 * 60_000;
const refreshAgainMs = 60_000;
/** However short tokens live, there is an end to renewing. */
const leastLifeMs = 6_000;

/**
 * When to renew our leaf, which is as old as the token in it: a moderator before the 45th minute of an hour, a participant in the ten minutes around it. Not
 * in a pair, which nobody joins.
 */
export function planRefresh(context: Context, session: Session): void {
  const { mls } = session;
  if (mls?.group === undefined || session.settings.kind !== "group") return;
  const age = Math.max(0, wallSeconds(context) - mls.mintedAt) * 1_000;
  const [draw = 0] = context.parts.crypto.bytes(1);
  const part = partOfHour(context, mls);
  const due = part * (isModerator(session) ? refreshMs : refreshMs + (draw * spreadMs) / 256);
  mls.plannedFor = mls.mintedAt;
  mls.refreshAt = context.now + Math.max(0, Math.floor(due) - age);
}

/** How long our leaf's token is good from when we took it, as a part of an hour; 1 at most, and where it cannot be told. */
function partOfHour(context: Context, { group, mintedAt }: SessionMls): number {
  const own = group && memberAt(group, group.ownLeaf)?.leaf;
  if (own?.credential.kind !== "basic") return 1;
  try {
    const { expiresAt } = context.parts.verifier.verify(fromUtf8(own.credential.identity));
    return Math.min(1, Math.max(leastLifeMs, (expiresAt - mintedAt) * 1_000) / hourMs);
  } catch {
    return 1;
  }
}

/** SML-21: with a fresh token in our leaf, the group changes its keys as well. */
export function tickRefresh(context: Context, session: Session): void {
  const { mls } = session;
  if (mls?.refreshAt === undefined || mls.refreshAt > context.now) return;
  mls.refreshAt = context.now + Math.max(1_000, refreshAgainMs * partOfHour(context, mls));
  if (session.absence.isAway || session.phase !== "open") return;
  if (isModerator(session)) enqueue(session.tasks, () => refresh(context, session));
  else session.absence.repair();
}

function* refresh(context: Context, session: Session): Work {
  const { mls } = session;
  const self = session.roster.get(session.source.key);
  // another commit with a path may have come first
  if (mls === undefined || self === undefined || mls.plannedFor !== mls.mintedAt) return nothing;
  return yield* renewKeys(context, session, self);
}

/** The moderator commits a fresh leaf of its own and tells everybody. */
export function* renewKeys(context: Context, session: Session, self: Member): Work {
  const renewed = session.mls && change(context, session.mls, {});
  session.unsaved.add("mls");
  if (session.roster.size < 2) return nothing;
  const told = announcePlace(context, session, self, renewed);
  yield* settled(told);
  missed(session, told);
  return nothing;
}

/** A member is where it was, by a commit of ours (SHB-14). */
function announcePlace(
  context: Context,
  session: Session,
  member: Member,
  replaced: Change | undefined,
): Ask {
  return sendUpdate(context, session, {
    op: GroupUpdateOp.rejoin,
    member,
    participants: participantsOf(session),
    change: replaced,
    expect: onlineOthers(session),
  });
}

/** SHB-14: a member asks for its place anew. When busy it waits its turn, with the latest of its requests. False: not served. */
export function placeRequested(context: Context, session: Session, received: Received): boolean {
  const { value } = payloadOf(received, "rejoinRequest");
  const { source } = received;
  const member = session.roster.get(source.key);
  if (member === undefined || session.settings.kind !== "group") return false;
  if (context.names.read(value.participant).key !== source.key) throw refused("not-itself");
  if (session.mls === undefined && member.online) return false;
  const waits = session.returning.has(source.key);
  session.returning.set(source.key, received);
  if (!waits) enqueue(session.tasks, () => givePlace(context, session, source.key));
  return true;
}

function* givePlace(context: Context, session: Session, key: string): Work {
  const request = session.returning.get(key);
  const member = session.roster.get(key);
  session.returning.delete(key);
  if (request === undefined || member === undefined) return nothing;
  const replaced = replaceLeaf(context, session, member, request);
  member.ours = isOurs(request);
  session.presence.mark(key, true);
  const welcomed = ask(context, session, {
    command: commandOf(context, session, {
      type: SessionMessageType.rejoinReply,
      payload: {
        kind: "rejoinReply",
        value: {
          commitId: replaced?.commitId ?? 0,
          mlsContent: replaced?.welcome ?? new Uint8Array(0),
        },
      },
      to: member.name,
      messageId: request.messageId,
    }),
    expect: [member.name],
    replyTypes: [SessionMessageType.groupAck],
  });
  const told = announcePlace(context, session, member, replaced);
  yield* settled(welcomed, told);
  missed(session, told);
  if (welcomed.state === "failed") session.presence.mark(key, false);
  return nothing;
}

/** One commit takes the old leaf out and puts the new one in (SHB-14); it has to be the same member's (SML-20). */
function replaceLeaf(
  context: Context,
  session: Session,
  member: Member,
  request: Received,
): Change | undefined {
  const { mls } = session;
  if (mls === undefined) return undefined;
  const { value } = payloadOf(request, "rejoinRequest");
  const admission = admit(context, mls, value.keyPackage, request.token, member.leaf);
  const replaced = change(context, mls, { remove: member.leaf, add: admission.keyPackage });
  member.leaf = replaced.leaf;
  member.credentialUntil = admission.token.expiresAt;
  session.unsaved.add("mls").add("roster");
  return replaced;
}

/**
 * Native moderators number what a member asks and what it acknowledges in one list, and drop the second of two equal numbers as a replay: the
 * acknowledgement of an answer, which has the number of the question. Their task would never end, nor anything that comes after it. They know members by all
 * bytes of a name, while routes and signatures only look at its hashes: under the same name without its text they take it.
 */
function anotherSource({ source, mls }: Session, received: Received): KnownName {
  if (mls === undefined || isOurs(received)) return source;
  return { ...source, wire: { name: source.wire.name, strName: undefined } };
}

/** SHB-15, SHB-20: we have a place again. Nobody who did not ask for one is given one. */
export function placeGiven(context: Context, session: Session, received: Received): void {
  const { value } = payloadOf(received, "rejoinReply");
  const { mls, plea } = session;
  if (plea?.state !== "open" || !plea.ids.has(received.messageId)) throw refused("not-asked-for");
  if (mls !== undefined) {
    joinByWelcome(context, mls, value.mlsContent, received.token);
    adoptCommitId(session, mls, value.commitId);
    session.regainedAt = context.now;
    session.data.unread = [];
  }
  answer(session, received);
  acknowledge(context, session, received, anotherSource(session, received));
  session.plea = undefined;
  session.absence.returned();
}
