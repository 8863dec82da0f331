import { GroupUpdateOp } from "@coterie/wire/slim";
import type { GroupUpdatePayload } from "@coterie/wire/slim";
import { receiveAhead, releaseHeld } from "./data.ts";
import { applyCommit, refused } from "./mls-profile.ts";
import type { SessionMls } from "./mls-state.ts";
import type { Context, Session } from "./model.ts";
import { mlsOf, payloadOf } from "./payload.ts";
import type { Received } from "./received.ts";
import { acknowledge } from "./reply.ts";
import { enroll, expel, readParticipant } from "./roster.ts";
import { rebuildRoster } from "./rebuild-roster.ts";

/** After a change of the group: what waited for it. */
export function caughtUp(context: Context, session: Session): void {
  applyParked(context, session);
  receiveAhead(context, session);
  releaseHeld(context, session);
}

/** SGR-26 to SGR-28, SML-30. False: not applied and not answered, so that it may come again. */
export function updated(context: Context, session: Session, received: Received): boolean {
  const { value } = payloadOf(received, "groupUpdate");
  const { name } = readParticipant(context, value.participant);
  const itself = name.key === session.source.key;
  const { mls } = session;
  if (itself && value.op === GroupUpdateOp.rejoin) {
    // SHB-15: the Welcome of the reply holds this commit already
    rebuildRoster(context, session, value, received);
    acknowledge(context, session, received);
    releaseHeld(context, session);
    return true;
  }
  if (mls === undefined) {
    applyToRoster(context, session, value);
    acknowledge(context, session, received);
    releaseHeld(context, session);
    return true;
  }
  const { commitId } = mlsOf(value.mls);
  if (mls.group === undefined || mls.lastCommit === 0) return false;
  if (commitId <= mls.lastCommit) {
    acknowledge(context, session, received);
    return true;
  }
  if (commitId > mls.lastCommit + 1) {
    if (mls.parked.size < maxParked) {
      mls.parked.set(commitId, { update: received, since: context.now, acked: false });
    }
    return true;
  }
  apply(context, session, mls, received);
  acknowledge(context, session, received);
  caughtUp(context, session);
  return true;
}

const maxParked = 64;

/** SML-31. */
const ackParkedMs = 2_000;

/** SML-33. */
const gapMs = 5_000;

function apply(context: Context, session: Session, mls: SessionMls, received: Received): void {
  const { value } = payloadOf(received, "groupUpdate");
  const { commitId, mlsContent } = mlsOf(value.mls);
  const { name } = readParticipant(context, value.participant);
  const outs = value.op === GroupUpdateOp.remove && name.key === session.source.key;
  // SGR-27: a member that is removed has no use for the commit
  if (!outs) applyCommit(context, mls, mlsContent, received.token);
  adoptCommitId(session, mls, commitId);
  applyToRoster(context, session, value);
}

/** SHB-15: what came before it is part of it. */
export function adoptCommitId(session: Session, mls: SessionMls, commitId: number): void {
  mls.lastCommit = commitId;
  for (const id of mls.parked.keys()) if (id <= commitId) mls.parked.delete(id);
  session.unsaved.add("mls");
}

function applyParked(context: Context, session: Session): void {
  const { mls } = session;
  if (mls === undefined) return;
  for (;;) {
    const parked = mls.parked.get(mls.lastCommit + 1);
    if (parked === undefined) return;
    mls.parked.delete(mls.lastCommit + 1);
    apply(context, session, mls, parked.update);
    if (!parked.acked) acknowledge(context, session, parked.update);
  }
}

/** SML-31: the moderator need not wait for what we wait for. Answers whether a gap has stood too long (SML-33). */
export function tickParked(context: Context, session: Session): boolean {
  let stale = false;
  for (const parked of session.mls?.parked.values() ?? []) {
    if (!parked.acked && context.now >= parked.since + ackParkedMs) {
      parked.acked = true;
      acknowledge(context, session, parked.update);
    }
    if (context.now < parked.since + gapMs) continue;
    stale = true;
    // asked again if nothing comes of it
    parked.since = context.now;
  }
  return stale;
}

export function nextParked(session: Session): number | undefined {
  let next: number | undefined;
  for (const { since, acked } of session.mls?.parked.values() ?? []) {
    const at = since + (acked ? gapMs : ackParkedMs);
    if (next === undefined || at < next) next = at;
  }
  return next;
}

function applyToRoster(context: Context, session: Session, value: GroupUpdatePayload): void {
  const { name, settings } = readParticipant(context, value.participant);
  const itself = name.key === session.source.key;
  switch (value.op) {
    case GroupUpdateOp.add: {
      const ours = session.roster.get(name.key)?.ours ?? false;
      if (!itself) enroll(context, session, { name, settings, online: true, ours });
      return;
    }
    case GroupUpdateOp.remove:
      if (!itself) expel(context, session, name.key);
      return;
    case GroupUpdateOp.rejoin:
      if (!session.roster.has(name.key)) {
        enroll(context, session, { name, settings, online: true, ours: false });
      } else if (!itself) session.presence.mark(name.key, true);
      return;
    default:
      throw refused("update-op");
  }
}
