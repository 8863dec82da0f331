import type { Handle, Payload, Timers } from "../port.ts";
import { createDeadlines } from "./deadlines.ts";
import type { Deadline } from "./deadlines.ts";
import { dataIdAfter, directIdOf, isDataIdAfter, isDirectId, lastDataId } from "./ids.ts";
import { createRing, ringBytes, ringSize, sizeOf } from "./ring.ts";

/** A member's full name as text. */
export type MemberKey = string;

export interface SenderOptions {
  /** Absent: unreliable, and each publish is done at once (SSN-05). */
  readonly timers: Timers | undefined;
  /** 32 random bits, for the ids of direct messages. */
  readonly randomWord: () => number;
  /** The next data id of a restored session; 1 in a new one. */
  readonly nextId?: number | undefined;
  /** Members are served what was published since they joined, and nothing older: what MLS would not have let them read. */
  readonly serveSinceJoin: boolean;
}

/** What the sender has done. Called while it works: do not call it back from here. */
export interface SenderSink {
  /** MSG to the channel or the peer; with `to`, to one member: a resend, or a direct message. To be encrypted anew each time (SRL-05). */
  message(id: number, content: Payload, to: MemberKey | undefined): void;
  /** RTX_REPLY; without content, that it is lost (SRL-12). */
  reply(id: number, content: Payload | undefined, to: MemberKey): void;
  settled(handle: Handle, result: Settled): void;
  /** It left a message unacknowledged through all retries and is no endpoint any more (SRL-06, SHB-06). */
  silent(member: MemberKey): void;
}

export interface Settled {
  /** Undefined: never sent. */
  readonly id: number | undefined;
  readonly acked: readonly MemberKey[];
  readonly missing: readonly MemberKey[];
  /** False: the session ended before anybody was there to send it to. */
  readonly sent: boolean;
}

/** What one member of a session publishes: numbered, kept, repeated until everybody has it. */
export interface Sender {
  readonly nextId: number;
  /** Publishes that have not settled, those that wait for room among them. */
  readonly unsettled: number;
  readonly wakeAt: number | undefined;
  /** False: too many wait already, and this one was not taken. */
  publish(handle: Handle, content: Payload, nowMs: number): boolean;
  /** To one member alone (SRL-16); `answers`: whether it receives data and so will acknowledge. */
  publishTo(
    handle: Handle,
    content: Payload,
    to: MemberKey,
    answers: boolean,
    nowMs: number,
  ): boolean;
  acknowledged(from: MemberKey, id: number, nowMs: number): void;
  /** RTX_REQUEST (SRL-12). */
  requested(from: MemberKey, id: number, nowMs: number): void;
  /** Members from now on, there or not: what is published is kept for them as well. */
  know(members: readonly MemberKey[]): void;
  /** Members that are online and receive data, and were not so before. Together, so that what was stored goes to all of them. */
  join(members: readonly MemberKey[], nowMs: number): void;
  leave(member: MemberKey, why: "offline" | "removed", nowMs: number): void;
  tick(nowMs: number): void;
  /** Settles everything: nobody acknowledges any more. */
  close(): void;
}

const maxWaiting = 4096;

/** Who a message is for, shared by all messages between two changes of membership. */
interface Audience {
  readonly members: readonly MemberKey[];
  readonly indexes: ReadonlyMap<MemberKey, number>;
}

const state = { waiting: 0, acked: 1, missing: 2, removed: 3 } as const;

interface Publication {
  readonly handle: Handle;
  readonly content: Payload;
  readonly size: number;
  /** Of a direct message. */
  readonly to: MemberKey | undefined;
  id: number;
  audience: Audience;
  /** By index in the audience. */
  states: Uint8Array;
  remaining: number;
  retries: number;
  deadline: Deadline<Publication> | undefined;
}

const nobody: Audience = { members: [], indexes: new Map() };
const noStates = new Uint8Array(0);

export function createSender(options: SenderOptions, sink: SenderSink): Sender {
  const { timers, randomWord, serveSinceJoin } = options;
  let nextId = options.nextId ?? 1;
  const endpoints = new Set<MemberKey>();
  let audience: Audience | undefined;
  /** The first id that each member may ask for. */
  const since = new Map<MemberKey, number>();
  const ring = createRing();
  /** By id: sent and not settled. */
  const pending = new Map<number, Publication>();
  /** Numbered, and waiting for somebody to be there (SRL-02). */
  let stored: Publication[] = [];
  /** Not numbered yet: too much is unacknowledged. */
  const waiting: Publication[] = [];
  /** Of `pending` and `stored`, and of `waiting`. */
  let openBytes = 0;
  let waitingBytes = 0;
  const deadlines = createDeadlines<Publication>();

  function take(publication: Publication, nowMs: number): boolean {
    if (timers === undefined || (waiting.length === 0 && hasRoomFor(publication))) {
      start(publication, nowMs);
      return true;
    }
    if (waiting.length >= maxWaiting || waitingBytes + publication.size > ringBytes) return false;
    waiting.push(publication);
    waitingBytes += publication.size;
    return true;
  }

  /** SRL-08, SRL-24. */
  function hasRoomFor({ size }: Publication): boolean {
    const open = pending.size + stored.length;
    return open === 0 || (open < ringSize && openBytes + size <= ringBytes);
  }

  function start(publication: Publication, nowMs: number): void {
    if (timers !== undefined) openBytes += publication.size;
    if (publication.to !== undefined) {
      startDirect(publication, publication.to, nowMs);
      return;
    }
    publication.id = nextId;
    nextId = dataIdAfter(nextId);
    if (timers !== undefined) ring.put(publication.id, publication.content);
    if (endpoints.size > 0) send(publication, currentAudience(), nowMs);
    else {
      if (timers === undefined) makeRoomFor(publication);
      // SRL-02
      stored.push(publication);
    }
    if (timers === undefined) settle(publication, true);
  }

  /** Of unreliable messages the newest are kept, as nobody waits for them. */
  function makeRoomFor({ size }: Publication): void {
    while (stored.length === ringSize || (stored.length > 0 && openBytes + size > ringBytes)) {
      openBytes -= (stored.shift() as Publication).size;
    }
    openBytes += size;
  }

  function startDirect(publication: Publication, to: MemberKey, nowMs: number): void {
    do publication.id = directIdOf(randomWord());
    while (pending.has(publication.id));
    if (publication.audience === nobody || timers === undefined) {
      sink.message(publication.id, publication.content, to);
      if (timers !== undefined) openBytes -= publication.size;
      settle(publication, true);
    } else send(publication, publication.audience, nowMs);
  }

  function send(publication: Publication, to: Audience, nowMs: number): void {
    sink.message(publication.id, publication.content, publication.to);
    if (timers === undefined) return;
    publication.audience = to;
    publication.states = new Uint8Array(to.members.length);
    publication.remaining = to.members.length;
    publication.retries = timers.maxRetries;
    pending.set(publication.id, publication);
    publication.deadline = deadlines.add(publication, nowMs + timers.intervalMs);
  }

  /** SRL-05, SRL-06. */
  function resend(publication: Publication, nowMs: number): void {
    const { id, content, audience: to, states } = publication;
    const missing = to.members.filter((_, index) => states[index] === state.waiting);
    if (timers !== undefined && publication.retries > 0) {
      publication.retries -= 1;
      publication.deadline = deadlines.add(publication, nowMs + timers.intervalMs);
      for (const member of missing) sink.message(id, content, member);
      return;
    }
    for (const member of missing) {
      mark(publication, member, state.missing);
      drop(member, state.missing);
      sink.silent(member);
    }
  }

  function mark(publication: Publication, member: MemberKey, now: number): void {
    const index = publication.audience.indexes.get(member);
    if (index === undefined) return;
    const was = publication.states[index];
    if (was === state.acked || (was !== state.waiting && now !== state.acked)) return;
    publication.states[index] = now;
    // SRL-04
    if (was === state.waiting) publication.remaining -= 1;
    if (publication.remaining > 0) return;
    pending.delete(publication.id);
    openBytes -= publication.size;
    if (publication.deadline !== undefined) deadlines.cancel(publication.deadline);
    settle(publication, true);
  }

  function settle({ handle, id, audience: to, states }: Publication, sent: boolean): void {
    const inState = (wanted: number): MemberKey[] =>
      to.members.filter((_, index) => states[index] === wanted);
    const complete = states.every((one) => one === state.acked);
    sink.settled(handle, {
      id: sent ? id : undefined,
      acked: complete ? to.members : inState(state.acked),
      missing: complete ? [] : inState(state.missing),
      sent,
    });
  }

  /** SRL-07: what waited for this member alone is done. */
  function drop(member: MemberKey, as: number): void {
    if (endpoints.delete(member)) audience = undefined;
    for (const publication of pending.values()) mark(publication, member, as);
  }

  function pump(nowMs: number): void {
    for (let [next] = waiting; next !== undefined && hasRoomFor(next); [next] = waiting) {
      waiting.shift();
      waitingBytes -= next.size;
      start(next, nowMs);
    }
  }

  function currentAudience(): Audience {
    audience ??= audienceOf([...endpoints]);
    return audience;
  }

  /** SRL-12. Direct messages are nobody's but their receiver's. */
  function kept(id: number): Payload | undefined {
    if (isDirectId(id)) return undefined;
    return ring.get(id) ?? pending.get(id)?.content;
  }

  function maySee(member: MemberKey, id: number): boolean {
    if (!serveSinceJoin) return true;
    const from = since.get(member);
    return from !== undefined && (id === from || isDataIdAfter(id, from));
  }

  function know(members: readonly MemberKey[]): void {
    for (const member of members) {
      if (!since.has(member)) since.set(member, stored[0]?.id ?? nextId);
    }
  }

  return {
    get nextId() {
      return nextId;
    },
    get unsettled() {
      return pending.size + waiting.length + (timers === undefined ? 0 : stored.length);
    },
    get wakeAt() {
      return deadlines.next;
    },
    publish: (handle, content, nowMs) => take(publicationOf(handle, content), nowMs),
    publishTo(handle, content, to, answers, nowMs) {
      const publication = publicationOf(handle, content, to);
      if (answers) publication.audience = audienceOf([to]);
      return take(publication, nowMs);
    },
    acknowledged(from, id, nowMs) {
      const publication = pending.get(id);
      if (publication === undefined) return;
      mark(publication, from, state.acked);
      pump(nowMs);
    },
    requested(from, id, nowMs) {
      // SRL-18
      if (timers === undefined) return;
      const content = maySee(from, id) ? kept(id) : undefined;
      sink.reply(id, content, from);
      const publication = pending.get(id);
      if (publication === undefined || isDirectId(id)) return;
      mark(publication, from, state.acked);
      pump(nowMs);
    },
    know,
    join(members, nowMs) {
      know(members);
      for (const member of members) endpoints.add(member);
      audience = undefined;
      if (endpoints.size === 0) return;
      const unsent = stored;
      stored = [];
      if (timers === undefined) openBytes = 0;
      for (const publication of unsent) send(publication, currentAudience(), nowMs);
    },
    leave(member, why, nowMs) {
      if (why === "removed") since.delete(member);
      drop(member, why === "removed" ? state.removed : state.missing);
      pump(nowMs);
    },
    tick(nowMs) {
      for (let due = deadlines.takeDue(nowMs); due !== undefined; due = deadlines.takeDue(nowMs)) {
        resend(due, nowMs);
      }
      pump(nowMs);
    },
    close() {
      for (const publication of pending.values()) {
        if (publication.deadline !== undefined) deadlines.cancel(publication.deadline);
        publication.states.forEach((one, index) => {
          if (one === state.waiting) publication.states[index] = state.missing;
        });
      }
      const sent = [...pending.values()];
      const unsent = [...(timers === undefined ? [] : stored), ...waiting];
      pending.clear();
      stored = [];
      waiting.length = 0;
      openBytes = 0;
      waitingBytes = 0;
      for (const publication of sent) settle(publication, true);
      for (const publication of unsent) settle(publication, false);
    },
  };
}

function publicationOf(handle: Handle, content: Payload, to?: MemberKey): Publication {
  return {
    handle,
    content,
    size: sizeOf(content),
    to,
    id: lastDataId,
    audience: nobody,
    states: noStates,
    remaining: 0,
    retries: 0,
    deadline: undefined,
  };
}

function audienceOf(members: readonly MemberKey[]): Audience {
  return { members, indexes: new Map(members.map((member, index) => [member, index])) };
}
