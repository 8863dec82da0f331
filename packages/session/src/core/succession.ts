import { equal, fromUtf8 } from "@coterie/base";
import { members as leaves } from "@coterie/mls";
import { SessionMessageType } from "@coterie/wire/slim";
import { readGrant, grantKey } from "../control/grant.ts";
import { SessionError } from "../errors.ts";
import { ask } from "./asks.ts";
import { wallSeconds } from "./context.ts";
import { sendLetter, readLetter } from "./letters.ts";
import { appIdOf, isKeyOf, refused } from "./mls-profile.ts";
import type { Context, Member, Message, Session, Succession, Warrant, Work } from "./model.ts";
import { joinRequestOf } from "./invite.ts";
import type { SuccessionRecord } from "./entries.ts";
import type { KnownName } from "./names.ts";
import type { Received } from "./received.ts";
import { renewKeys } from "./renewal.ts";
import { reply } from "./reply.ts";
import { findMember, participantOf } from "./roster.ts";
import { commandOf, isModerator, onlineOthers, others, settingsOf, timersOf } from "./session.ts";
import { abandon, enqueue, nothing, settled, waitWhile } from "./tasks.ts";
import { decodeWarrants, encodeWarrants, isSigned, signWarrant, successionKey } from "./warrant.ts";

// SHB-18: the moderator gives its place to a member of ours, or is lost and one of them takes it by the votes of the others.

/** Metadata of a session: `none`, or names in the order in which they are to take over. */
export const successorsKey = "slim.successors";
/** How long after the moderator went offline, and for each member that should have been first. */
const patienceMs = 30_000;
const rankMs = 15_000;
const claimMs = 15_000;
const togetherMs = 60_000;
const longAgoMs = 300_000;
/** How often somebody is told who does not answer. */
const tellings = 5;
/** Without MLS nothing else tells how old a word is. */
const wordSeconds = 3_600;

/** `since`: when we came, in Unix seconds; words from before that are not for us. */
export function createSuccession(since: number): Succession {
  return {
    vote: undefined,
    votes: undefined,
    claimAt: undefined,
    since,
    proof: undefined,
    untold: new Map(),
    telling: new Map(),
  };
}

/** A word that was given holds after a restart as well, and who did not know of the change is still to be told. */
export function restoreSuccession(
  context: Context,
  { since, proof, untold, vote: given }: SuccessionRecord,
): Succession {
  return {
    ...createSuccession(since),
    vote: given && { ...given, until: context.now + 2 * claimMs },
    proof,
    untold: new Map(untold),
  };
}

/** Planned: the next one takes over, and this task ends when it has. */
export function* handOver(context: Context, session: Session, target: KnownName | undefined): Work {
  const successor = target ? findMember(session, target) : candidates(session)[0];
  if (successor === undefined || !isCandidate(session, successor)) {
    throw new SessionError("session/unknown-member", target && { name: target.key });
  }
  const { key } = successor.name;
  sendLetter(context, session, key, {
    op: "handover",
    warrant: signWarrant(context, session, word(context, session, "handover", key)),
  });
  const { intervalMs, maxRetries } = timersOf(session);
  session.handingOver = true;
  yield* waitWhile(context, session, 2 * intervalMs * (maxRetries + 1), () => isModerator(session));
  session.handingOver = false;
  if (isModerator(session)) throw new SessionError("session/unanswered", { session: session.id });
  return nothing;
}

/** A member's presence changed: without its moderator a group waits a while, and then one of ours claims its place. */
export function moderatorSeen(context: Context, session: Session, key: string): void {
  if (key !== session.moderator.key || isModerator(session)) return;
  const lost = session.presence.isOnline(key) ? undefined : session.roster.get(key);
  session.succession.claimAt =
    lost !== undefined && maySucceed(session, lost)
      ? context.now + patienceMs + rankOf(session) * rankMs
      : undefined;
}

/** It said that it goes: it comes back (SHB-10). */
export function leftOnPurpose(session: Session, key: string): void {
  const member = session.roster.get(key);
  if (member !== undefined) member.goneAt = undefined;
  if (key === session.moderator.key) session.succession.claimAt = undefined;
}

export function tickSuccession(context: Context, session: Session): void {
  const { succession } = session;
  if (succession.claimAt === undefined || succession.claimAt > context.now) return;
  succession.claimAt = undefined;
  if (session.phase !== "open" || session.absence.isAway || isModerator(session)) return;
  enqueue(session.tasks, () => claim(context, session));
}

/** Unplanned: asks those of ours that are online for their votes. */
function* claim(context: Context, session: Session): Work {
  const { succession, moderator, source } = session;
  const electorate = electors(context, session);
  // who hears nobody is lost itself
  if (onlineOthers(session).length === 0 || !vote(context, session, source.key, moderator.key)) {
    succession.claimAt = context.now + patienceMs;
    return nothing;
  }
  const own = signWarrant(context, session, word(context, session, "vote", source.key));
  const votes = new Map([[source.key, own]]);
  succession.votes = votes;
  for (const { name, online } of electorate) {
    if (!online) continue;
    sendLetter(context, session, name.key, {
      op: "claim",
      from: moderator.key,
      epoch: epochOf(session),
      commitId: session.mls?.lastCommit ?? 0,
    });
  }
  const isWon = (): boolean => votes.size * 2 > electorate.length + 1;
  yield* waitWhile(context, session, claimMs, () => !isWon() && session.moderator === moderator);
  succession.votes = undefined;
  if (session.moderator !== moderator || session.presence.isOnline(moderator.key)) return nothing;
  if (isWon()) return yield* takeOver(context, session, [...votes.values()]);
  succession.claimAt = context.now + patienceMs;
  return nothing;
}

/** A letter of a member. Throws `session/refused`. */
export function letterCame(context: Context, session: Session, message: Message): void {
  const letter = readLetter(message);
  const from = context.names.of(message.source).key;
  const { succession, moderator, source } = session;
  switch (letter.op) {
    case "handover": {
      const { warrant } = letter;
      if (from !== moderator.key || warrant.kind !== "handover") throw refused("role");
      if (!isCurrent(session, warrant.epoch, warrant.commitId)) throw refused("epoch");
      if (!isProven(context, session, [warrant], source.key)) throw refused("warrant");
      enqueue(session.tasks, () => takeOver(context, session, [warrant]));
      return;
    }
    case "claim": {
      const claimant = session.roster.get(from);
      const lost = session.roster.get(moderator.key);
      if (claimant === undefined || lost === undefined || isModerator(session)) {
        throw refused("role");
      }
      if (letter.from !== moderator.key || !maySucceed(session, lost)) throw refused("role");
      if (lost.online) throw refused("moderator-online");
      if (!isCurrent(session, letter.epoch, letter.commitId)) throw refused("epoch");
      if (!vote(context, session, from, moderator.key)) return;
      sendLetter(context, session, from, {
        op: "vote",
        warrant: signWarrant(context, session, word(context, session, "vote", from)),
      });
      return;
    }
    case "vote": {
      const { warrant } = letter;
      const { votes } = succession;
      if (votes === undefined || warrant.signer !== from) return;
      if (isVote(context, session, warrant, source.key)) votes.set(from, warrant);
    }
  }
}

/** One claimant for each lost moderator, until it had its time. */
function vote(context: Context, session: Session, successor: string, from: string): boolean {
  const { succession } = session;
  const given = succession.vote;
  const taken = given !== undefined && given.from === from && context.now < given.until;
  if (taken && given.successor !== successor) return false;
  succession.vote = { from, successor, until: context.now + 2 * claimMs };
  session.unsaved.add("succession");
  return true;
}

/**
 * Ours from here on: commits go on where they were, names stay, and everybody is told by JOIN_REQUEST: natives take its sender for the
 * moderator, members of ours look at the warrants. A commit at once makes what the old one might still send come too late.
 */
function* takeOver(context: Context, session: Session, warrants: readonly Warrant[]): Work {
  const { succession, mls } = session;
  become(context, session, session.source, warrants);
  succession.proof = encodeWarrants(warrants);
  succession.untold = new Map(others(session).map(({ name }) => [name.key, tellings]));
  if (mls !== undefined) assignLeaves(context, session);
  for (const { name } of onlineOthers(session)) tell(context, session, name.key);
  const told = [...succession.telling];
  yield* settled(...told.map(([, open]) => open));
  for (const [key, open] of told) if (open.state === "failed") session.presence.mark(key, false);
  const self = session.roster.get(session.source.key);
  return self === undefined ? nothing : yield* renewKeys(context, session, self);
}

function tell(context: Context, session: Session, key: string): void {
  const { succession } = session;
  const member = session.roster.get(key);
  if (member === undefined || succession.proof === undefined || succession.telling.has(key)) return;
  const { metadata } = session.settings;
  const asked = ask(context, session, {
    command: commandOf(context, session, {
      type: SessionMessageType.joinRequest,
      payload: joinRequestOf(session),
      to: member.name,
      metadata: perhapsOurs(member).ours
        ? new Map([...metadata, [successionKey, succession.proof]])
        : metadata,
    }),
    expect: [member.name],
    replyTypes: [SessionMessageType.joinReply],
    renews: true,
  });
  succession.telling.set(key, asked);
}

/** After each event: who has answered knows; who has not is told again when it is heard of. */
export function followSuccession({ succession, unsaved }: Session): void {
  for (const [key, { state }] of succession.telling) {
    if (state === "open") continue;
    succession.telling.delete(key);
    unsaved.add("succession");
    const left = (succession.untold.get(key) ?? 0) - 1;
    if (state === "done" || left <= 0) succession.untold.delete(key);
    else succession.untold.set(key, left);
  }
}

/** Somebody spoke who was away when the moderator changed. */
export function heardUntold(context: Context, session: Session, key: string): void {
  const { untold } = session.succession;
  if (!untold.has(key) || session.succession.telling.has(key)) return;
  if (!session.roster.has(key)) untold.delete(key);
  else if (isModerator(session)) tell(context, session, key);
}

/** JOIN_REQUEST for a session that we are in, by somebody who is not its moderator: with good warrants it is now (SSG-10). */
export function succeeded(context: Context, session: Session, received: Received): void {
  const { source, metadata } = received;
  const warrants = decodeWarrants(metadata.get(successionKey) ?? "");
  if (session.phase !== "open" || !isProven(context, session, warrants, source.key)) {
    throw refused("warrant");
  }
  const missedIt = isModerator(session) && !session.handingOver;
  become(context, session, source, warrants);
  session.presence.mark(source.key, true);
  session.absence.moderatorChanged();
  reply(context, session, received, SessionMessageType.joinReply, {
    kind: "joinReply",
    value: {
      participant: participantOf({
        name: session.source,
        settings: settingsOf(session.direction),
        online: true,
        ours: true,
      }),
    },
  });
  // without MLS no epoch tells what else it missed
  if (missedIt && session.mls === undefined) session.absence.repair();
}

function become(
  context: Context,
  session: Session,
  moderator: KnownName,
  warrants: readonly Warrant[],
): void {
  const { succession } = session;
  const wasOurs = isModerator(session);
  session.moderator = moderator;
  session.unsaved.add("session").add("succession");
  succession.claimAt = undefined;
  succession.vote = undefined;
  succession.proof = undefined;
  succession.untold = new Map();
  succession.since = Math.max(...warrants.map(({ issuedAt }) => issuedAt));
  if (!wasOurs) return;
  session.returning.clear();
  // its work is another's now; but what hands over ends by itself
  const { tasks, handingOver } = session;
  const { current } = tasks;
  if (handingOver) tasks.current = undefined;
  abandon(context, tasks, new SessionError("session/not-moderator"));
  if (handingOver) tasks.current = current;
}

/** The moderator's own word, or those of more than half of the electorate as far as we know. */
function isProven(
  context: Context,
  session: Session,
  warrants: readonly Warrant[],
  successor: string,
): boolean {
  const [first] = warrants;
  if (first === undefined || !session.roster.has(successor)) return false;
  if (first.kind === "handover") {
    return (
      warrants.length === 1 &&
      first.signer === session.moderator.key &&
      isAbout(context, session, first, successor) &&
      isSigned(context, session, first)
    );
  }
  const lost = session.roster.get(session.moderator.key);
  if (lost === undefined || !maySucceed(session, perhapsOurs(lost))) return false;
  const signers = new Set<string>();
  for (const warrant of warrants) {
    if (isVote(context, session, warrant, successor)) signers.add(warrant.signer);
  }
  const self = isModerator(session) ? 0 : 1;
  return signers.size * 2 > electors(context, session).length + self;
}

function isVote(context: Context, session: Session, warrant: Warrant, successor: string): boolean {
  const signer = session.roster.get(warrant.signer);
  return (
    warrant.kind === "vote" &&
    signer !== undefined &&
    mayVote(session, signer) &&
    isAbout(context, session, warrant, successor) &&
    isSigned(context, session, warrant)
  );
}

/** Of this session and its present moderator, and no older than what we know: an old word does not come true again. */
function isAbout(context: Context, session: Session, warrant: Warrant, successor: string): boolean {
  if (warrant.session !== session.id || warrant.from !== session.moderator.key) return false;
  if (warrant.successor !== successor || warrant.issuedAt < session.succession.since) return false;
  return session.mls === undefined
    ? wallSeconds(context) - warrant.issuedAt < wordSeconds
    : warrant.epoch >= epochOf(session);
}

function isCurrent(session: Session, epoch: bigint, commitId: number): boolean {
  return epoch === epochOf(session) && commitId === (session.mls?.lastCommit ?? 0);
}

function word(
  context: Context,
  session: Session,
  kind: Warrant["kind"],
  successor: string,
): Omit<Warrant, "signer" | "token" | "signature"> {
  return {
    kind,
    session: session.id,
    from: session.moderator.key,
    successor,
    epoch: epochOf(session),
    commitId: session.mls?.lastCommit ?? 0,
    issuedAt: wallSeconds(context),
  };
}

function epochOf(session: Session): bigint {
  return session.mls?.group?.epoch ?? 0n;
}

/** A moderator that is a member of ours and takes part in the conversation; one that only hosts comes back by itself. */
function maySucceed(session: Session, lost: Member): boolean {
  const { sendsData, receivesData } = lost.settings;
  return (
    session.control !== undefined &&
    lost.ours &&
    (sendsData || receivesData) &&
    session.settings.metadata.get(successorsKey) !== "none"
  );
}

/** Letters reach only those that send and receive. */
function isCandidate(session: Session, member: Member): boolean {
  const { ours, online, settings, name } = member;
  return (
    ours &&
    online &&
    settings.sendsData &&
    settings.receivesData &&
    name.key !== session.moderator.key
  );
}

/**
 * The other members of ours that were there when the moderator was lost. Those who fell silent with it count, too: perhaps it is we who are cut
 * off, and they have it on their side.
 */
function electors(context: Context, session: Session): Member[] {
  const lostAt = session.roster.get(session.moderator.key)?.goneAt ?? context.now - longAgoMs;
  return others(session).filter(
    (member) =>
      mayVote(session, member) &&
      (member.online || (member.goneAt ?? -Infinity) >= lostAt - togetherMs),
  );
}

/** Whether it is there now or not. */
function mayVote(session: Session, member: Member): boolean {
  return isCandidate(session, { ...perhapsOurs(member), online: true });
}

/** One that was never heard of may be ours. */
function perhapsOurs(member: Member): Member {
  return { ...member, ours: member.ours || member.key === undefined };
}

/** In the order in which they take over: as the grant lists them, or the session's metadata, then by app id. */
function candidates(session: Session): Member[] {
  const order = successorsOf(session);
  const rank = ({ name }: Member): number => {
    const at = order.findIndex((one) => one === name.key || one === name.service);
    return at < 0 ? order.length : at;
  };
  return [...session.roster.values()]
    .filter((member) => isCandidate(session, member))
    .sort(
      (a, b) => rank(a) - rank(b) || ((a.name.name.id ?? 0n) < (b.name.name.id ?? 0n) ? -1 : 1),
    );
}

function successorsOf({ settings: { metadata } }: Session): readonly string[] {
  const granted = readGrant(metadata.get(grantKey) ?? "");
  return granted?.moderators ?? metadata.get(successorsKey)?.split(",") ?? [];
}

function rankOf(session: Session): number {
  const order = candidates(session);
  const at = order.findIndex(({ name }) => name.key === session.source.key);
  return at < 0 ? order.length : at;
}

/** Whose leaf is whose: a participant need not know, the moderator has to. */
function assignLeaves(context: Context, session: Session): void {
  const { mls } = session;
  if (mls?.group === undefined) return;
  for (const member of session.roster.values()) member.leaf = undefined;
  for (const { leafIndex, leaf } of leaves(mls.group)) {
    for (const member of session.roster.values()) {
      if (member.key !== undefined && equal(member.key, leaf.signatureKey)) member.leaf = leafIndex;
    }
    const { credential } = leaf;
    if (credential.kind !== "basic") continue;
    const owner = ownerOf(context, session, fromUtf8(credential.identity), leaf.signatureKey);
    if (owner !== undefined) owner.leaf = leafIndex;
  }
  session.unsaved.add("roster");
}

/** By the token in it, where that is still good. */
function ownerOf(
  context: Context,
  session: Session,
  text: string,
  signatureKey: Uint8Array,
): Member | undefined {
  try {
    const token = context.parts.verifier.verify(text);
    if (!isKeyOf(token, signatureKey)) return undefined;
    const id = appIdOf(token);
    return [...session.roster.values()].find(({ name }) => name.name.id === id);
  } catch {
    return undefined;
  }
}
